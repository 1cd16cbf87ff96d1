/** The main of every process that a campaign starts: runs one role of one fault on one class. */
import { writeSync } from 'node:fs'
import process from 'node:process'
// By import, on the runtime's threads: rows that make calls of the main thread fail are to find the package loaded.
import '../../support/inside.js'
import { Context, roleOf } from './context.js'
import { pause } from './time.js'

/** Written at once: a process that ends by itself may be ended in the next moment. @param {object} message */
function tell(message) {
  try {
    writeSync(1, `${JSON.stringify(message)}\n`)
  } catch (error) {
    // Nobody listens any more; how this ends is told by the exit status all the same.
    if (error.code !== 'EPIPE') throw error
  }
}

const spec = JSON.parse(process.argv[2])
const context = new Context(spec, (told) => tell({ told }))

try {
  const role = await roleOf(spec, context)
  const figures = await role(context.kind, context)
  await context.end()
  tell({ returned: spec.role === 'run' ? { figures, rounds: context.rounds } : figures })
} catch (error) {
  tell({ failed: error?.stack ?? String(error), rounds: context.rounds })
  process.exitCode = 1
  await Promise.race([context.end(), pause(1000)]).catch(() => {})
  // Whatever is still pending is not to hide this.
  setTimeout(() => process.exit(), 500).unref()
}
context.hearNoMore()
