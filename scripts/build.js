/**
 * `npm run build`: the addon for this machine, and the generated native.cjs and native.d.ts.
 * `npm run build -- --fault-inject`: the addon whose faults can be asked for, under target/, for tests alone.
 */
import { parseArgs } from 'node:util'
import { buildAddon, buildFaultInject, updateGenerated } from './support/addon.js'
import { main } from './support/run.js'

const { values } = parseArgs({ options: { 'fault-inject': { type: 'boolean', default: false } } })

await main(() => {
  if (values['fault-inject']) {
    buildFaultInject({ force: true })
  } else {
    buildAddon({ force: true })
    updateGenerated()
  }
})
