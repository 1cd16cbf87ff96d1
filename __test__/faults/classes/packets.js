import { pipeClass } from './pipe.js'

/** Pipes that keep the boundaries of messages: a receive gives one packet, however much it asks for. */
export default { name: 'packets', ...pipeClass({ packet: true }, 4096, 4096) }
