// Readers and writers: a table of prices in shared memory that two processes change and two read. Whoever reads sees all of
// one change or nothing of it; readers read together, and a writer never waits for ever.
//   node examples/readers-writers.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { RwLock, SharedMemory } from 'os-ipc'

const PRICES = 256
const ROUNDS = 400
/** Words behind the prices: how many read now, the most that ever did together, and what they have found wrong. */
const [READING, TOGETHER, WRONG, CHANGES] = [PRICES, PRICES + 1, PRICES + 2, PRICES + 3]

const [role, name] = process.argv.slice(2)
if (role === undefined) await main()
else {
  const memory = SharedMemory.fromFd(3) // the parent's
  const lock = RwLock.open(name)
  const words = new Uint32Array(memory.buffer)
  for (let round = 0; round < ROUNDS; round++) await (role === 'read' ? read : write)(lock, words)
  lock.close()
  memory.close()
}

async function main() {
  const memory = SharedMemory.create(4096)
  const name = `prices-${process.pid}`
  const members = ['read', 'write', 'read', 'write'].map((role) =>
    spawn(process.execPath, [fileURLToPath(import.meta.url), role, name], {
      stdio: ['ignore', 'inherit', 'inherit', memory.fd],
    }),
  )
  await Promise.all(members.map((member) => once(member, 'exit')))
  RwLock.unlink(name)

  const words = new Uint32Array(memory.buffer)
  console.log(`${words[CHANGES]} changes, ${words[WRONG]} halves of one seen`)
  console.log(`readers were ${words[TOGETHER] > 1 ? 'together' : 'never together'}`)
  memory.close()
}

async function read(lock, words) {
  const guard = await lock.read()
  const reading = Atomics.add(words, READING, 1) + 1
  if (reading > words[TOGETHER]) words[TOGETHER] = reading
  for (let i = 1; i < PRICES; i++) if (words[i] !== words[0]) Atomics.add(words, WRONG, 1)
  // A look at the table takes a while, in which others may look too.
  await new Promise((resolve) => setTimeout(resolve, 1))
  Atomics.sub(words, READING, 1)
  guard.unlock()
}

async function write(lock, words) {
  const guard = await lock.write()
  words[CHANGES]++
  for (let i = 0; i < PRICES; i++) words[i]++
  guard.unlock()
}
