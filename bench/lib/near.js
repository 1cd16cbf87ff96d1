/**
 * The measuring side's half of the conversation with the bench: it says that it is ready, and for each line "N" on
 * its stdin does what it does N times and answers with the time of each. The C programs speak the same (c/serve.h).
 */
import { createInterface } from 'node:readline'

/**
 * Serves until stdin ends. `once` is one round trip, or one batch of messages up to its acknowledgement; what it
 * gives back is awaited only if it is a promise, so that the synchronous forms pay for none.
 *
 * @param {() => Promise<void> | void} once
 * @param {() => void} [end] releases what would keep this process alive
 */
export async function serve(once, end = () => process.exit()) {
  answer({ ready: true })
  for await (const line of createInterface({ input: process.stdin })) {
    const ns = new Array(Number(line)).fill(0)
    for (let index = 0; index < ns.length; index += 1) {
      const start = process.hrtime.bigint()
      const result = once()
      if (result) await result
      ns[index] = Number(process.hrtime.bigint() - start)
    }
    answer({ ns })
  }
  end()
}

/** Like `serve`, for figures of another shape. @param {(count: number) => Promise<object>} measure */
export async function serveFigures(measure) {
  answer({ ready: true })
  for await (const line of createInterface({ input: process.stdin })) answer(await measure(Number(line)))
  process.exit()
}

/** @param {object} message */
function answer(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
