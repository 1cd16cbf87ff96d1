import { createInterface } from 'node:readline'
import { exitCodes, UsageError } from '../command.js'
import { addressOf } from './address.js'
import { openEnd } from './ends.js'
import { wishesOf } from './options.js'
import { otherSideOf, patiently, receiverOf } from './patience.js'

/** @param {import('../command.js').Call} call */
export async function runSend(call) {
  const { options, operands, signal } = call
  const address = addressOf(operands, 'send')
  const texts = operands.slice(1)
  if (options.raw && texts.length > 0) throw new UsageError('--raw is for what comes by stdin')
  const wishes = wishesOf(call)
  const opening = openEnd(address, 'send', wishes)
  const end = await patiently(opening, otherSideOf(address, 'send', wishes.listen), wishes)
  try {
    for await (const message of messages(texts, Boolean(options.raw), end.bytes === true)) {
      await patiently(end.send?.(message), receiverOf(address), wishes)
      if (signal.aborted) break
    }
  } finally {
    await end.close()
  }
  return exitCodes.done
}

/**
 * Each operand, or else each line of stdin; all of stdin if it is raw. Of bytes the pieces mean nothing, so they are not
 * gathered.
 * @param {string[]} texts
 * @param {boolean} raw
 * @param {boolean} bytes
 */
async function* messages(texts, raw, bytes) {
  if (texts.length > 0) {
    for (const text of texts) yield Buffer.from(bytes ? `${text}\n` : text)
  } else if (bytes) {
    yield* process.stdin
  } else if (raw) {
    const chunks = []
    for await (const chunk of process.stdin) chunks.push(chunk)
    yield Buffer.concat(chunks)
  } else {
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield Buffer.from(line)
    }
  }
}
