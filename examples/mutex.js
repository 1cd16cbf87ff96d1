// Four processes keep one account in a file. One of them is killed in the middle of a change, and the next one repairs what
// that has left: node examples/mutex.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Mutex } from 'os-ipc'

const DEPOSITS = 50

const [role, name, path] = process.argv.slice(2)
if (role === undefined) await main()
else await deposit(role === 'unlucky')

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'account-'))
  const file = join(folder, 'account')
  const lock = `account-${process.pid}`
  writeFileSync(file, '0')
  const start = (role) => spawn(process.execPath, [process.argv[1], role, lock, file], { stdio: 'inherit' })
  const clerks = ['unlucky', 'clerk', 'clerk', 'clerk'].map(start)
  await Promise.all(clerks.map((clerk) => once(clerk, 'exit')))

  const mutex = Mutex.open(lock)
  console.log(`${await mutex.with(() => readFileSync(file, 'utf8'))} in the account`)
  mutex.close()
  Mutex.unlink(lock)
  rmSync(folder, { recursive: true })
}

async function deposit(unlucky) {
  const mutex = Mutex.open(name)
  for (let i = 0; i < DEPOSITS; i++) {
    await mutex.with((guard) => {
      // What stood there before a change stands in a journal for as long as the change is under way.
      if (guard.abandoned) {
        writeFileSync(path, readFileSync(`${path}.journal`))
        console.log('repaired')
      }
      const before = readFileSync(path, 'utf8')
      writeFileSync(`${path}.journal`, before)
      writeFileSync(path, 'half a ch')
      if (unlucky && i === 5) process.kill(process.pid, 'SIGKILL')
      writeFileSync(path, String(Number(before) + 1))
    })
  }
  mutex.close()
}
