// Notices the ends of processes that are children of another one: see c/process_ends.c.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ProcessHandle } from '../../index.js'
import { serveFigures } from '../lib/near.js'

const sire = spawn(process.argv[2], ['told'], { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: sire.stdout })[Symbol.asyncIterator]()
const heard = async () => JSON.parse((await lines.next()).value)

await heard()
await serveFigures(async (count) => {
  sire.stdin.write(`${count}\n`)
  const { pids } = await heard()
  const handles = pids.map((/** @type {number} */ pid) => ProcessHandle.open(pid))
  const noticed = Promise.all(
    handles.map(async (/** @type {ProcessHandle} */ handle) => {
      await handle.exited()
      return Number(process.hrtime.bigint())
    }),
  )
  sire.stdin.write('go\n')
  const times = await noticed
  const { ended } = await heard()
  for (const handle of handles) handle.close()
  return { ns: times.map((time, index) => time - ended[index]) }
})
