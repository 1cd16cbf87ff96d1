/** `npm run lint`: everything that can be told without running the package. Formats with `npm run lint -- --fix`. */
import { parseArgs } from 'node:util'
import { lintSteps } from './support/lint.js'
import { main, run } from './support/run.js'
import { setUp } from './support/setup.js'
import { printTimes, takeSteps } from './support/steps.js'

const { values } = parseArgs({ options: { fix: { type: 'boolean', default: false } } })

await main(async () => {
  await setUp()
  if (values.fix) {
    run('cargo', ['fmt', '--all'])
    run('node_modules/.bin/biome', ['check', '--write', '.'])
  }
  const outcomes = await takeSteps(lintSteps)
  console.log()
  printTimes(outcomes)
})
