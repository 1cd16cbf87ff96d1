/** Fetches the runtimes of `support/runtimes.js` that the specs need from npm. */
import { installRuntime } from './support/install-runtime.js'
import { main } from './support/run.js'
import { missingRuntimes } from './support/runtimes.js'

await main(() => missingRuntimes().forEach(installRuntime))
