// The bounded buffer: two processes produce, two consume, and eight places in shared memory lie between them. One semaphore
// counts the free places, one the filled ones, and two keep producers and consumers out of each other's way.
//   node examples/producer-consumer.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { PosixSemaphore, SharedMemory, struct } from 'os-ipc'

const PLACES = 8
const EACH = 2000
const MEMBERS = 2
/** Stands for the end: each consumer takes one. */
const NO_MORE = 0xffffffff

const Ring = struct({ head: 'u32', tail: 'u32', items: ['u32', PLACES] })
/** Where each semaphore stands, and what it begins with. */
const places = [64, 128, 192, 256]
const values = [PLACES, 0, 1, 1]

const [role, number] = process.argv.slice(2)
if (role === undefined) await main()
else {
  // Descriptor 3 is the memory that the parent has made, semaphores and all.
  const memory = SharedMemory.fromFd(3)
  const semaphores = places.map((offset) => PosixSemaphore.inMemory(memory, offset))
  await (role === 'produce' ? produce : consume)(Ring.view(memory), semaphores)
  for (const handle of [...semaphores, memory]) handle.close()
}

async function main() {
  const memory = SharedMemory.create(4096)
  const semaphores = places.map((offset, i) => PosixSemaphore.inMemory(memory, offset, { initialize: values[i] }))
  const start = (role, i) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), role, String(i)], {
      stdio: ['ignore', 'pipe', 'inherit', memory.fd],
    })
    return Object.assign(text(child.stdout), { gone: once(child, 'exit') })
  }
  const members = Array.from({ length: MEMBERS }, (_, i) => i)
  const producers = members.map((i) => start('produce', i))
  const consumers = members.map((i) => start('consume', i))

  await Promise.all(producers.map(({ gone }) => gone))
  for (const _consumer of consumers) await put(Ring.view(memory), semaphores, NO_MORE)
  const consumed = (await Promise.all(consumers)).map((line) => JSON.parse(line))

  const all = consumed.flat().sort((one, other) => one - other)
  const complete = all.length === MEMBERS * EACH && all.every((item, i) => item === i)
  for (const [i, items] of consumed.entries()) console.log(`consumer ${i} got ${items.length}`)
  console.log(complete ? `each of ${all.length} items has come once` : 'items are missing')
  for (const handle of [...semaphores, memory]) handle.close()
}

async function produce(ring, semaphores) {
  const first = Number(number) * EACH
  for (let item = first; item < first + EACH; item++) await put(ring, semaphores, item)
}

async function consume(ring, semaphores) {
  const items = []
  for (let item = await take(ring, semaphores); item !== NO_MORE; item = await take(ring, semaphores)) {
    items.push(item)
  }
  console.log(JSON.stringify(items))
}

async function put(ring, [free, filled, putting], item) {
  await free.acquire()
  await putting.with(() => {
    ring.items[ring.tail % PLACES] = item
    ring.tail++
  })
  filled.release()
}

async function take(ring, [free, filled, , taking]) {
  await filled.acquire()
  const item = await taking.with(() => {
    const first = ring.items[ring.head % PLACES]
    ring.head++
    return first
  })
  free.release()
  return item
}
