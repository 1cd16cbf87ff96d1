import { conformance } from './suite.js'
import { transports } from './transports.js'

for (const transport of transports) conformance(transport)
