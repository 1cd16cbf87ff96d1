/** @type {import('../../lib/cli/command.js').Command} */
export const recv = {
  name: 'recv',
  summary: 'Receive messages by any transport',
  operands: 'ADDRESS',
  maxOperands: 1,
  options: {
    count: { type: 'string', short: 'n', value: 'N', help: 'So many messages: 1' },
    codec: {
      type: 'string',
      value: 'CODEC',
      help: 'Of channel: bytes, or json or structured: each message is JSON then',
    },
    create: { type: 'boolean', short: 'c', help: 'Make the queue, FIFO or topic if there is none' },
    follow: { type: 'boolean', short: 'f', help: 'One after the other, until the end or Ctrl-C' },
    history: { type: 'string', value: 'N', help: 'Of topic: the last so many that were published before, first' },
    json: { type: 'boolean', help: 'A JSON object for each, a line each' },
    listen: { type: 'boolean', short: 'l', help: 'Of stream, seqpacket and channel: wait for one who connects' },
    raw: { type: 'boolean', help: 'No newline after each' },
    timeout: { type: 'string', short: 't', value: 'MS', help: 'Give up a wait after so many milliseconds' },
    type: { type: 'string', value: 'N', help: 'Of sysv-queue: as for msgrcv(2), 0 for the oldest' },
  },
  details: `
ADDRESS is as for send; pid: (without a number) is this process's own endpoint, whose number is told on stderr, and pid:NUMBER what
that process sends to it. A datagram socket is made at its path.

Of a fifo or stream everything is printed as it comes, to the end. A message has been taken when it is printed: if nobody reads the
output, it is lost.

Exit codes: 0, received; 1, it failed, took too long or ended before a message came; 2, the ADDRESS or an option is wrong.`,
  async run(call) {
    const { runRecv } = await import('../../lib/cli/transfer/recv.js')
    return runRecv(call)
  },
}
