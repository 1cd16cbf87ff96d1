/** Steps that are all taken, whatever one of them comes to, each with its time; the exit code says if one failed. */
import { show } from './run.js'

/**
 * @typedef {object} Outcome
 * @property {string} name
 * @property {boolean} passed
 * @property {number} seconds
 * @property {string} output
 */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} [command] What to run, or
 * @property {() => string[] | Promise<string[]>} [check] what finds the problems itself, one line each.
 * @property {NodeJS.ProcessEnv} [env]
 */

/**
 * @param {Step[]} steps
 * @returns {Promise<Outcome[]>}
 */
export async function takeSteps(steps) {
  const outcomes = []
  for (const step of steps) {
    console.log(`\n── ${step.name}`)
    const start = performance.now()
    const { passed, output } = await take(step)
    outcomes.push({ name: step.name, passed, seconds: (performance.now() - start) / 1000, output })
  }
  return outcomes
}

/** @param {Step} step */
async function take({ command, check, env }) {
  if (command) {
    const [program, ...args] = command
    const { status, output } = await show(program, args, { env: { ...process.env, ...env } })
    return { passed: status === 0, output }
  }
  const problems = (await check?.()) ?? []
  for (const problem of problems) console.log(problem)
  return { passed: problems.length === 0, output: problems.join('\n') }
}

/** @param {Outcome[]} outcomes */
export function printTimes(outcomes) {
  const width = Math.max(...outcomes.map(({ name }) => name.length))
  for (const { name, passed, seconds } of outcomes) {
    console.log(`${passed ? '✓' : '✗'} ${name.padEnd(width)} ${seconds.toFixed(1).padStart(7)} s`)
  }
  if (outcomes.some(({ passed }) => !passed)) process.exitCode = 1
}
