/** `npm run campaign -- NAME`: proves what is promised of faults, for as long as asked. See --help. */
import { main } from './support/run.js'
import { setUp } from './support/setup.js'

// With the tests, which no type checker looks at.
const harness = new URL('../__test__/faults/harness/campaign.js', import.meta.url).href

await main(async () => {
  const { campaign } = await import(harness)
  process.exitCode = await campaign(process.argv.slice(2), () => setUp({ faultInject: true }))
})
