/**
 * `npm test`: sets up what is missing, then lint, the reference, the Rust tests and the specs, all of them whatever fails.
 * `npm test -- FILTER…`: the specs whose path contains a FILTER, and nothing else.
 */
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lintSteps } from './support/lint.js'
import { Complaint, main, root } from './support/run.js'
import { setUp } from './support/setup.js'
import { files } from './support/stamp.js'
import { printTimes, takeSteps } from './support/steps.js'
import { leftOut, nodeSummary, rustSummary } from './support/summary.js'

const filters = process.argv.slice(2)
const specs = files('__test__').filter((path) => path.endsWith('.spec.js'))
const chosen = filters.length === 0 ? specs : specs.filter((path) => filters.some((filter) => path.includes(filter)))
const report = 'target/test/node.tap'

/** @type {import('./support/steps.js').Step} */
const rustStep = { name: 'Rust tests', command: ['cargo', 'test', '--workspace', '--no-fail-fast'] }

/** @type {import('./support/steps.js').Step} */
const referenceStep = { name: 'reference', command: [process.execPath, 'scripts/docs.js'] }

/** @type {import('./support/steps.js').Step} */
const nodeStep = {
  name: 'specs',
  // One file at a time, however many processors there are: the kernel's limits on queues are shared by all of a user's
  // processes, and several specs measure what idle processes cost.
  command: [
    process.execPath,
    '--test',
    '--test-concurrency=1',
    '--test-timeout=600000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${report}`,
    ...chosen,
  ],
  // What was set up a moment ago is not compared with its sources by every process.
  env: { OS_IPC_SOURCES: process.env.OS_IPC_SOURCES ?? '0' },
}

await main(async () => {
  if (chosen.length === 0) throw new Complaint(`No spec matches. There are:\n${specs.join('\n')}`)
  await setUp({ faultInject: true, sanitize: Boolean(process.env.CI) })
  mkdirSync(join(root, 'target/test'), { recursive: true })
  const before = new Set(await namesOfTheDead())
  /** @type {import('./support/steps.js').Step} */
  const leavingsStep = {
    name: 'nothing left behind',
    check: async () => (await namesOfTheDead()).filter((name) => !before.has(name)),
  }
  const outcomes = await takeSteps([
    ...(filters.length === 0 ? [...lintSteps, referenceStep, rustStep] : []),
    nodeStep,
    leavingsStep,
  ])
  removeEmptyRegistries()
  console.log('\n── Summary')
  printTimes(outcomes)
  for (const line of leftOut(report)) console.log(line)
  const rust = outcomes.find(({ name }) => name === rustStep.name)
  if (rust) console.log(`\n${rustSummary(rust.output)}`)
  console.log(`\n${nodeSummary(report)}`)
})

/** What processes that have ended should have taken away, as the package itself finds out. Tests are to leave nothing. */
async function namesOfTheDead() {
  /** @type {typeof import('../index.js')} */
  const { cleanup } = await import(pathToFileURL(join(root, 'index.js')).href)
  return cleanup({ dryRun: true }).map(({ kind, name, id }) => `${kind} ${name ?? id}`)
}

/** The package keeps these folders; tests are to leave nothing. One that is in use stays. */
function removeEmptyRegistries() {
  for (const name of readdirSync('/dev/shm').filter((entry) => entry.startsWith('os-ipc-'))) {
    try {
      rmdirSync(join('/dev/shm', name))
    } catch {
      // Not empty, or another user's.
    }
  }
}
