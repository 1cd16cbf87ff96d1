// Four philosophers, each a process, and four forks between them. Each takes both of its forks at once or waits: nobody
// holds one while it waits for the other, so they cannot block each other. One of them is killed while it eats, and its
// forks come back.
//   node examples/philosophers.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SysvSemaphoreSet } from 'os-ipc'

const self = fileURLToPath(import.meta.url)
const SEATS = 4
const MEALS = 100

if (process.argv[2] === 'sit') await dine(...process.argv.slice(3).map(Number))
else await host()

async function host() {
  // A fork each, and one semaphore more for those who have come.
  const table = SysvSemaphoreSet.open('private', { values: [1, 1, 1, 1, 0] })
  try {
    const sit = (seat, meals) =>
      spawn(process.execPath, [self, 'sit', String(table.id), String(seat), String(meals)], { stdio: 'inherit' })
    const glutton = sit(0, 0)
    await table.at(SEATS).acquire()
    glutton.kill('SIGKILL')
    await once(glutton, 'exit')
    console.log(`one dies while it eats; forks on the table: ${table.values.slice(0, SEATS).join(' ')}`)

    const philosophers = Array.from({ length: SEATS }, (_, seat) => sit(seat, MEALS))
    await Promise.all(philosophers.map((philosopher) => once(philosopher, 'exit')))
    console.log(`all have eaten; forks on the table: ${table.values.slice(0, SEATS).join(' ')}`)
  } finally {
    // Nobody else removes it, and it would stay until the next boot.
    table.remove()
    table.close()
  }
}

async function dine(id, seat, meals) {
  const table = SysvSemaphoreSet.fromId(id)
  const forks = [seat, (seat + 1) % SEATS]
  const take = forks.map((index) => ({ index, op: -1, undo: true }))
  const give = forks.map((index) => ({ index, op: 1, undo: true }))
  if (meals === 0) {
    await table.operate(take)
    table.at(SEATS).release()
    await new Promise((resolve) => setTimeout(resolve, 60_000))
  }
  for (let meal = 0; meal < meals; meal++) {
    await table.operate(take, { timeout: 10_000 })
    await new Promise(setImmediate)
    table.tryOperate(give)
  }
  console.log(`philosopher ${seat} has eaten ${meals} times`)
  table.close()
}
