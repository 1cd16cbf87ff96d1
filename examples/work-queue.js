// Four worker processes and one queue of tasks: the kernel gives each task to one of them, whoever is free. Urgent tasks
// overtake the others.
//   node examples/work-queue.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PosixMessageQueue } from 'os-ipc'

const WORKERS = 4
const TASKS = 40

if (process.argv[2] === 'worker') await work()
else await main()

async function main() {
  const tasks = makeQueue()
  const results = makeQueue()
  const workers = Array.from({ length: WORKERS }, () =>
    spawn(process.execPath, [fileURLToPath(import.meta.url), 'worker'], {
      stdio: ['ignore', 'inherit', 'inherit', tasks.fd, results.fd],
    }),
  )

  const sending = sendAll(tasks)
  const done = new Map(workers.map(({ pid }) => [pid, 0]))
  let right = 0
  for (let count = 0; count < TASKS; count++) {
    const { pid, number, factors } = JSON.parse(String((await results.recv()).data))
    done.set(pid, done.get(pid) + 1)
    if (factors.reduce((product, factor) => product * factor, 1) === number) right++
  }
  await sending

  // A queue has no end: each worker is told by a message of its own, the least urgent of all.
  for (const _worker of workers) await tasks.send('')
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  for (const [pid, count] of done) console.log(`worker ${pid} did ${count}`)
  console.log(`${right} of ${TASKS} results are right`)
  for (const queue of [tasks, results]) queue.close()
}

/** A full queue makes the sender wait: there are never more than a few tasks ahead of the workers. */
async function sendAll(tasks) {
  for (let index = 0; index < TASKS; index++) {
    await tasks.send(String(1e12 + index), { priority: index % 10 === 0 ? 2 : 1 })
  }
}

async function work() {
  const tasks = PosixMessageQueue.fromFd(3)
  const results = PosixMessageQueue.fromFd(4)
  for await (const { data } of tasks) {
    if (data.length === 0) break
    const number = Number(data)
    await results.send(JSON.stringify({ pid: process.pid, number, factors: factorsOf(number) }))
  }
  for (const queue of [tasks, results]) queue.close()
}

function makeQueue() {
  const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 8, maxMessageSize: 512 })
  queue.unlink() // the workers get the descriptor, and nobody else is to find it
  return queue
}

function factorsOf(number) {
  const factors = []
  for (let factor = 2; factor * factor <= number; ) {
    if (number % factor === 0) {
      factors.push(factor)
      number /= factor
    } else {
      factor++
    }
  }
  return [...factors, number]
}
