// What it costs to wait: KIND PENDING MILLISECONDS. For each N on stdin, the processor time of N times so long.
import { setTimeout as sleep } from 'node:timers/promises'
import { serveFigures } from '../lib/near.js'
import { locks } from './locks.js'

const [kind, pending, milliseconds] = process.argv.slice(2)
if (kind !== 'nothing') {
  const name = `os-ipc-bench-${process.pid}`
  const { taken, tryTake, remove } = locks[kind](name)
  process.on('exit', remove)
  tryTake()
  for (let index = 0; index < Number(pending); index += 1) taken()
}
await sleep(300)

await serveFigures(async (times) => {
  const start = process.hrtime.bigint()
  const before = process.cpuUsage()
  await sleep(times * Number(milliseconds))
  const { user, system } = process.cpuUsage(before)
  return { ns: [Number(process.hrtime.bigint() - start)], cpuUs: [user + system] }
})
