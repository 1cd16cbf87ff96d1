import { transports } from '../tour/transports/index.js'

/** @type {import('../../lib/cli/command.js').Command} */
export const tour = {
  name: 'tour',
  summary: 'Send a file to a second process through every transport, and compare',
  operands: '[FILE]',
  maxOperands: 1,
  options: {
    json: { type: 'boolean', help: 'One JSON document on stdout, and nothing else there' },
    only: { type: 'string', value: 'NAME', multiple: true, help: 'This transport only; may be given more than once' },
  },
  details: `
FILE is the running node binary unless told otherwise. Each row sends it from this process to another Node process, and that one's
SHA-256 of what came is compared with ours. Rows of Node's own, process.send and net.Socket, run beside those of os-ipc.

The clock runs from the moment both sides are ready until the receiver has seen the end, with every byte in its memory. Starting
processes, reading FILE into the sender's memory and hashing are outside, for every row alike; where the kernel itself takes the bytes
from the file (splice, cat), that is inside.

Transports: ${transports.map(({ name }) => name).join(', ')}.

Exit codes: 0, all copies are equal; 1, a copy differs or a transport failed; 2, FILE cannot be read or an option is wrong.`,
  async run(call) {
    const { runTour } = await import('../tour/tour.js')
    return runTour(call)
  },
}
