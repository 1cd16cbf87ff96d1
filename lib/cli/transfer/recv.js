import { exitCodes } from '../command.js'
import { addressOf } from './address.js'
import { openEnd } from './ends.js'
import { amount, wishesOf } from './options.js'
import { otherSideOf, patiently } from './patience.js'

/** @param {import('../command.js').Call} call */
export async function runRecv(call) {
  const { options, operands, signal } = call
  const address = addressOf(operands, 'recv')
  const wishes = wishesOf(call)
  const asked = options.count === undefined ? undefined : amount('count', options.count)
  const opening = openEnd(address, 'recv', wishes)
  const end = await patiently(opening, otherSideOf(address, 'recv', wishes.listen), wishes)
  const all = options.follow || (end.bytes && asked === undefined)
  const most = all ? Number.POSITIVE_INFINITY : (asked ?? 1)
  try {
    for (let count = 0; count < most && !signal.aborted; count++) {
      const message = await end.recv?.()
      if (!message) return count > 0 || end.bytes ? exitCodes.done : exitCodes.failed
      // Before the next one is taken: nobody else has it any more.
      await written(options.json ? json(message) : options.raw || end.bytes ? message.data : line(message.data))
    }
  } finally {
    await end.close()
  }
  return exitCodes.done
}

/** @param {Buffer} data */
function line(data) {
  return Buffer.concat([data, Buffer.from('\n')])
}

/** Bytes that are no text stand as base64, values as they are. @param {import('./ends.js').Received} message */
function json({ data, ...more }) {
  if ('value' in more) return `${JSON.stringify(more)}\n`
  const text = data.toString()
  const content = Buffer.from(text).equals(data) ? { data: text } : { base64: data.toString('base64') }
  return `${JSON.stringify({ ...content, ...more })}\n`
}

/** @param {string | Buffer} text */
function written(text) {
  return new Promise((settle, fail) => {
    process.stdout.write(text, (error) => (error ? fail(error) : settle(undefined)))
  })
}
