// A file of accounts that three processes transfer money in. Each account is a record of eight bytes, and a lock on those
// bytes alone keeps others out of it; whoever adds everything up locks all of it, shared.
//   node examples/file-lock.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FileLock } from 'os-ipc'

const ACCOUNTS = 10
const RECORD = 8
const TRANSFERS = 300
const TOTAL = ACCOUNTS * 100

const [path, seed] = process.argv.slice(2)
if (path === undefined) await main()
else await transfer(Number(seed))

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-example-'))
  const path = join(folder, 'accounts')
  writeFileSync(path, '     100'.repeat(ACCOUNTS))
  const clerks = [1, 2, 3].map((seed) =>
    spawn(process.execPath, [fileURLToPath(import.meta.url), path, String(seed)], { stdio: 'inherit' }),
  )
  let working = true
  const gone = Promise.all(clerks.map((clerk) => once(clerk, 'exit'))).then(() => {
    working = false
  })
  const lock = FileLock.open(path)
  let audits = 0
  let wrong = 0
  while (working) {
    await lock.with(() => (sumOf(lock.fd) === TOTAL ? audits++ : wrong++), { shared: true })
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await gone
  console.log(audits > 0 && wrong === 0 ? 'every audit was right' : `${wrong} audits were wrong`)
  console.log(`${sumOf(lock.fd)} in all, as at the beginning`)
  lock.close()
  rmSync(folder, { recursive: true })
}

async function transfer(seed) {
  const lock = FileLock.open(path)
  for (let i = 0; i < TRANSFERS; i++) {
    const [from, to] = [(i * seed) % ACCOUNTS, (i + 7 * seed + 1) % ACCOUNTS]
    if (from === to) continue
    // Always the one that comes first in the file, so that no two wait for each other.
    const [first, second] = [from, to].sort((one, other) => one - other)
    const one = await lock.lock({ start: first * RECORD, length: RECORD })
    const other = await lock.lock({ start: second * RECORD, length: RECORD })
    const amount = i % 20
    put(lock.fd, from, balance(lock.fd, from) - amount)
    put(lock.fd, to, balance(lock.fd, to) + amount)
    other.unlock()
    one.unlock()
  }
  lock.close()
}

function balance(fd, account) {
  const record = Buffer.alloc(RECORD)
  readSync(fd, record, 0, RECORD, account * RECORD)
  return Number(record)
}

function put(fd, account, amount) {
  writeSync(fd, String(amount).padStart(RECORD), account * RECORD)
}

function sumOf(fd) {
  return Array.from({ length: ACCOUNTS }, (_, account) => balance(fd, account)).reduce((sum, each) => sum + each)
}
