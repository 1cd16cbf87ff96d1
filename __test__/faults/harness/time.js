import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'

export { pause, turn }

/** Keeps this thread busy. @param {number} milliseconds */
export function spin(milliseconds) {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

/** Lets the event loop turn until so many milliseconds have passed, which may be less than one. */
export async function turnFor(milliseconds) {
  const end = performance.now() + milliseconds
  do await turn()
  while (performance.now() < end)
}

/**
 * Waits for a state, not for a time: asks again and again until `holds` gives something true, and gives that.
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} holds
 * @returns {Promise<T>}
 */
export async function until(what, holds, patience = 10_000) {
  const end = performance.now() + patience
  for (;;) {
    const value = await holds()
    if (value) return value
    if (performance.now() > end) throw new Error(`It has not come to this within ${patience / 1000} s: ${what}`)
    await pause(5)
  }
}

/**
 * The promise, or an error if it has not settled in time.
 * @template T
 * @param {string} what
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export async function within(milliseconds, what, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not settled within ${milliseconds} ms: ${what}`)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The value below which that part of the values lies. @param {number[]} values @param {number} part */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
}
