// A mailbox that outlives its users: send from one terminal, read later from another. The most urgent comes first.
//   node examples/posix-queue.js send 5 'the milk is finished'
//   node examples/posix-queue.js send 9 'the kitchen is on fire'
//   node examples/posix-queue.js read
import { PosixMessageQueue } from 'os-ipc'

const name = '/os-ipc-example-mailbox'
const [what, priority, text] = process.argv.slice(2)

if (what === 'send' && text) {
  const queue = PosixMessageQueue.open(name, { create: true, maxMessages: 4, maxMessageSize: 256 })
  if (queue.trySend(text, { priority: Number(priority) }))
    console.log(`${queue.size} of ${queue.maxMessages} are waiting`)
  else console.log('the mailbox is full: read it first')
  queue.close()
} else if (what === 'read') {
  const queue = PosixMessageQueue.open(name, { create: true })
  for (let message = queue.tryRecv(); message; message = queue.tryRecv()) {
    console.log(`${message.priority}: ${message.data}`)
  }
  console.log('the mailbox is empty')
  queue.unlink() // or it stays in the kernel until the next boot
  queue.close()
} else {
  console.error('usage: node examples/posix-queue.js send PRIORITY TEXT | read')
  process.exit(2)
}
