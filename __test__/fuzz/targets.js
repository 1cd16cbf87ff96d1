/**
 * What in JavaScript reads what others say, and what is done to each of them with an enemy's input. A target makes what it
 * needs once; `one` is one execution, all of whose chance comes from the `random` that it is given.
 */
import { answer, control, handles, hello } from './control-line.js'
import { channelRing, topicRing } from './memory.js'
import { options } from './options.js'
import { rpcClient, rpcServer, rpcStream } from './rpc.js'

/**
 * @typedef {object} Target
 * @property {string} about
 * @property {() => { one: (random: import('../faults/harness/random.js').Random) => Promise<void>, close: () => void }} begin
 *
 * @type {Record<string, Target>}
 */
export const targets = {
  control,
  hello,
  answer,
  handles,
  'channel-ring': channelRing,
  'topic-ring': topicRing,
  'rpc-server': rpcServer,
  'rpc-client': rpcClient,
  'rpc-stream': rpcStream,
  options,
}
