/** A question that is answered by yes or no, on a terminal. */
import { createInterface } from 'node:readline/promises'

export function canAsk() {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY)
}

/** @param {string} question @param {AbortSignal} signal */
export async function ask(question, signal) {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // The end of the input is no answer.
  const ended = new Promise((settle) => lines.once('close', () => settle('')))
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
