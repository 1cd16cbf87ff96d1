// How soon the death of the other side is told of: for each N on stdin, N processes are killed, one after the other.
import { once } from 'node:events'
import { Channel } from '../../index.js'
import { spawnFar } from '../lib/far.js'
import { serveFigures } from '../lib/near.js'

await serveFigures(async (count) => {
  const ns = []
  for (let index = 0; index < count; index += 1) {
    const [channel, there] = Channel.pair()
    const child = spawnFar('channel-death-far.js', [], { stdio: ['ignore', 'ignore', 'inherit', there.fd] })
    child.removeAllListeners('exit')
    there.close()
    await channel.recv()
    const told = channel.recv()
    const exited = once(child, 'exit')
    const start = process.hrtime.bigint()
    child.kill('SIGKILL')
    const error = await told.then(
      () => undefined,
      (/** @type {any} */ reason) => reason,
    )
    ns.push(Number(process.hrtime.bigint() - start))
    if (error?.code !== 'ERR_IPC_PEER_DIED') throw new Error(`told ${error}`)
    await exited
    channel.close()
  }
  return { ns }
})
