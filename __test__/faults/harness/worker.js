/** The main of every worker that a campaign starts: as main.js, in a thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { Context, roleOf } from './context.js'

const context = new Context(workerData, (told) => parentPort?.postMessage({ told }))
const role = await roleOf(workerData, context)
parentPort?.postMessage({ returned: await role(context.kind, context) })
