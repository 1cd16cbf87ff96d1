// What open channels cost: COUNT MILLISECONDS. On each one a receive waits. For each N on stdin, the processor time and the
// wake-ups of N times so long; and how much private memory each channel has taken.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveFigures } from '../lib/near.js'

const [count, milliseconds] = process.argv.slice(2).map(Number)
const line = (/** @type {string} */ name) =>
  Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
const collect = /** @type {() => void} */ (globalThis.gc)
let kib = 0

if (count > 0) {
  const { Channel } = await import('../../index.js')
  const open = () => Channel.pair({ capacity: 4096 })
  const kept = Array.from({ length: 50 }, open)
  await settled()
  const before = line('RssAnon')
  for (let index = 0; index < count / 2; index += 1) kept.push(open())
  const waiting = kept.flat().map((channel) => channel.recv())
  await settled()
  kib = (line('RssAnon') - before) / count
  process.on('exit', () => waiting.length)
}
await settled()

await serveFigures(async (times) => {
  const start = process.hrtime.bigint()
  const before = process.cpuUsage()
  const wakeUps = line('voluntary_ctxt_switches')
  await sleep(times * milliseconds)
  const { user, system } = process.cpuUsage(before)
  const ns = [Number(process.hrtime.bigint() - start)]
  return { ns, cpuUs: [user + system], wakeUps: line('voluntary_ctxt_switches') - wakeUps, kib }
})

async function settled() {
  for (let index = 0; index < 4; index += 1) {
    await sleep(50)
    collect()
  }
}
