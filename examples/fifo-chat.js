// Two terminals talk through two named pipes:
//   node examples/fifo-chat.js alice bob      in one
//   node examples/fifo-chat.js bob alice      in the other
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Fifo } from 'os-ipc'

const [me, you] = process.argv.slice(2)
if (!you) {
  console.error('usage: node examples/fifo-chat.js ME YOU')
  process.exit(2)
}
const mailbox = (name) => Fifo.create(join(tmpdir(), `os-ipc-chat-${name}`), { exclusive: false })
const mine = mailbox(me)

console.log(`waiting for ${you}`)
const [reader, writer] = await Promise.all([mine.openReader(), mailbox(you).openWriter()])
console.log(`${you} is here; an empty input (Ctrl-D) ends the chat`)
mine.unlink()

await Promise.all([listen(), talk()])

async function listen() {
  for await (const line of createInterface({ input: reader.readable() })) console.log(`${you}: ${line}`)
  console.log(`${you} has gone`)
}

async function talk() {
  for await (const line of createInterface({ input: process.stdin })) await writer.send(`${line}\n`)
  writer.close()
}
