// `cat FILES | cat`, output thrown away, by os-ipc's pipeline(), by sh, or by Node's streams.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { serveFigures } from '../lib/near.js'

const [form, file, times] = process.argv.slice(2)
const files = Array.from({ length: Number(times) }, () => file)

/** @type {Record<string, () => Promise<unknown>>} */
const forms = {
  async pipeline() {
    const { pipeline } = await import('../../index.js')
    return pipeline([['cat', ...files], ['cat']], { stdin: 'ignore', stdout: 'ignore' }).status()
  },
  sh() {
    const line = 'cat "$@" | cat'
    return once(spawn('sh', ['-c', line, 'sh', ...files], { stdio: ['ignore', 'ignore', 'inherit'] }), 'close')
  },
  streams() {
    const a = spawn('cat', files, { stdio: ['ignore', 'pipe', 'inherit'] })
    const b = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] })
    a.stdout.pipe(b.stdin)
    return Promise.all([once(a, 'close'), once(b, 'close')])
  },
}

await serveFigures(async (count) => {
  /** @type {{ ns: number[], cpuUs: number[] }} */
  const figures = { ns: [], cpuUs: [] }
  for (let index = 0; index < count; index += 1) {
    const cpu = process.cpuUsage()
    const start = process.hrtime.bigint()
    await forms[form]()
    figures.ns.push(Number(process.hrtime.bigint() - start))
    const { user, system } = process.cpuUsage(cpu)
    figures.cpuUs.push(user + system)
  }
  return figures
})
