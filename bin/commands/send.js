/** @type {import('../../lib/cli/command.js').Command} */
export const send = {
  name: 'send',
  summary: 'Send messages by any transport',
  operands: 'ADDRESS [MESSAGE...]',
  maxOperands: Number.POSITIVE_INFINITY,
  options: {
    codec: {
      type: 'string',
      value: 'CODEC',
      help: 'Of channel: bytes, or json or structured: each message is JSON then',
    },
    create: { type: 'boolean', short: 'c', help: 'Make the queue, FIFO or topic if there is none' },
    listen: { type: 'boolean', short: 'l', help: 'Of stream, seqpacket and channel: wait for one who connects' },
    priority: { type: 'string', short: 'p', value: 'N', help: 'Of mq: 0 to 32767' },
    raw: { type: 'boolean', help: 'All of stdin is one message' },
    timeout: { type: 'string', short: 't', value: 'MS', help: 'Give up a wait after so many milliseconds' },
    type: { type: 'string', value: 'N', help: 'Of sysv-queue: 1 unless told otherwise' },
  },
  details: `
ADDRESS is mq:/NAME, sysv-queue:ID or sysv-queue:0xKEY, fifo:PATH, stream:PATH, seqpacket:PATH, datagram:PATH, channel:PATH, topic:PATH
(each also with @NAME), pid:NUMBER (the endpoint of a process), or the path of a FIFO, socket or topic that is there.

Each MESSAGE is sent, or each line of stdin where there is none. To a fifo or stream, which have no messages, a line goes with its
newline. To a topic or channel of values each is JSON. What stands there and does not answer is waited for; after a second one line says so.

Exit codes: 0, all were sent; 1, it failed or took too long; 2, the ADDRESS or an option is wrong.`,
  async run(call) {
    const { runSend } = await import('../../lib/cli/transfer/send.js')
    return runSend(call)
  },
}
