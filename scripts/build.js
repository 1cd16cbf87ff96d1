/**
 * `npm run build`: the addon for this machine, the generated native.cjs and native.d.ts, and dist/.
 * `npm run build -- --fault-inject`: the addon whose faults can be asked for, under target/, for tests alone.
 * `npm run build -- --sanitize`: the addon that AddressSanitizer watches over, there too.
 */
import { parseArgs } from 'node:util'
import { buildAddon, buildFaultInject, buildSanitized, updateGenerated } from './support/addon.js'
import { buildBundle } from './support/bundle.js'
import { main } from './support/run.js'
import { installPackages } from './support/setup.js'

const flag = /** @type {const} */ ({ type: 'boolean', default: false })
const { values } = parseArgs({ options: { 'fault-inject': flag, sanitize: flag } })

await main(async () => {
  installPackages()
  if (values['fault-inject']) {
    buildFaultInject({ force: true })
  } else if (values.sanitize) {
    buildSanitized({ force: true })
  } else {
    buildAddon({ force: true })
    updateGenerated()
    await buildBundle({ force: true })
  }
})
