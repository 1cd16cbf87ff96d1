// One queue, one server, three clients: a question has the type 1, an answer the type that its client asked for, so each
// receives its own out of the one queue.
//   node examples/sysv-queue.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ftok, SysvMessageQueue } from 'os-ipc'

const self = fileURLToPath(import.meta.url)
const QUESTION = 1

if (process.argv[2] === 'client') await ask()
else await serve()

async function serve() {
  // Who knows the file and the number finds the queue: here, one of this process's own.
  const key = ftok(self, (process.pid % 255) + 1)
  const queue = SysvMessageQueue.open(key, { create: true, exclusive: true })
  try {
    const clients = ['2 + 3', '4 * 5', '6 - 7'].map((sum) =>
      spawn(process.execPath, [self, 'client', String(key), sum], { stdio: ['ignore', 'inherit', 'inherit'] }),
    )
    const gone = Promise.all(clients.map((client) => once(client, 'exit')))
    const answering = answerAll(queue)
    await gone
    // Nobody else removes it, and it would stay until the next boot. Whoever waits is told.
    queue.remove()
    await answering
  } finally {
    queue.close()
  }
}

async function answerAll(queue) {
  try {
    for await (const { data } of queue.iterate({ type: QUESTION })) {
      const { pid, sum } = JSON.parse(String(data))
      const [left, operator, right] = sum.split(' ')
      const result = { '+': +left + +right, '-': left - right, '*': left * right }[operator]
      // A pid is always above 1, so it is nobody's question.
      await queue.send(`${sum} = ${result}`, { type: pid })
    }
  } catch (error) {
    console.log(`the server ends with ${error.code}`)
  }
}

async function ask() {
  const [, , , key, sum] = process.argv
  const queue = SysvMessageQueue.open(Number(key))
  await queue.send(JSON.stringify({ pid: process.pid, sum }), { type: QUESTION })
  const { data } = await queue.recv({ type: process.pid, timeout: 5000 })
  console.log(String(data))
  queue.close()
}
