/**
 * `main.js TARGET SEED MS [MOST]`: says on stdout how many executions there were. The file of OS_IPC_FUZZ_LOG has the seed of
 * the one that is under way, for who is killed by it.
 */
import { openSync, writeSync } from 'node:fs'
import { fuzz } from './run.js'

const [name, seed, ms, most] = process.argv.slice(2)
const { OS_IPC_FUZZ_LOG: path } = process.env
const log = path === undefined ? -1 : openSync(path, 'w')
const count = await fuzz(name, {
  seed: Number(seed),
  ms: Number(ms),
  most: most === undefined ? undefined : Number(most),
  before: log < 0 ? undefined : (own) => writeSync(log, String(own).padStart(10), 0),
})
process.stdout.write(JSON.stringify({ count }))
// Whoever still waits for an enemy is not waited for.
process.exit(0)
