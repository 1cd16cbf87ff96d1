// Four processes, of which never more than two work at once: node examples/semaphores.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { PosixSemaphore, SharedMemory } from 'os-ipc'

const PROCESSES = 4
const TASKS = 3
const SLOTS = 2

// Two semaphores and some figures, in memory that goes with its last user.
const [SLOT, LOCK, FIGURES] = [0, 32, 64]

if (process.argv[2] === 'work') await work(SharedMemory.fromFd(3))
else await main()

async function main() {
  const memory = SharedMemory.create(4096)
  // Counting: as many permits as there are slots. Binary: one permit, for one at a time.
  PosixSemaphore.inMemory(memory, SLOT, { initialize: SLOTS }).close()
  PosixSemaphore.inMemory(memory, LOCK, { initialize: 1 }).close()

  const workers = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, [process.argv[1], 'work'], { stdio: ['ignore', 'inherit', 'inherit', memory.fd] }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'exit')))

  const [, most, done] = new Int32Array(memory.buffer, FIGURES, 3)
  console.log(`${done} tasks by ${PROCESSES} processes, never more than ${most} at once`)
  memory.close()
}

async function work(memory) {
  const slots = PosixSemaphore.inMemory(memory, SLOT)
  const lock = PosixSemaphore.inMemory(memory, LOCK)
  const figures = new Int32Array(memory.buffer, FIGURES, 3)

  for (let task = 0; task < TASKS; task++) {
    await slots.with(async () => {
      await lock.with(() => {
        const [running, most] = figures
        figures.set([running + 1, Math.max(most, running + 1)])
      })
      await sleep(20)
      await lock.with(() => {
        figures[0] -= 1
        figures[2] += 1
      })
    })
  }
  for (const handle of [slots, lock, memory]) handle.close()
}
