/** How long something takes, on a machine that does other things too. */
import assert from 'node:assert/strict'

const TRIALS = 5

/**
 * Passes if a trial stays under the limit: what the code costs is in each of a few trials, what others cost is not.
 * @param {number} limit
 * @param {() => number | Promise<number>} trial Gives its figure, mostly milliseconds.
 */
export async function staysUnder(limit, trial) {
  /** @type {number[]} */
  const figures = []
  while (figures.length < TRIALS) {
    const figure = await trial()
    if (figure < limit) return
    figures.push(figure)
  }
  assert.fail(`${figures.map((figure) => figure.toFixed(1)).join(', ')}: all of them are ${limit} or more`)
}

/** Milliseconds until it is done. @param {() => unknown} body */
export async function timeOf(body) {
  const began = performance.now()
  await body()
  return performance.now() - began
}

/**
 * Microseconds of processor time that this process takes in so many milliseconds of doing nothing.
 * @param {number} milliseconds
 */
export async function idleTime(milliseconds) {
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  const { user, system } = process.cpuUsage(before)
  return user + system
}
