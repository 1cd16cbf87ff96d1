// What a single process does with shared memory, and with an ordinary ArrayBuffer. The first word says what.
import { SharedMemory } from '../../index.js'
import { serve } from '../lib/near.js'

const [what, size, batch] = process.argv.slice(2)
const bytes = Number(size)
const many = Number(batch)
/** @type {Record<string, () => [() => void, () => void]>} */
const jobs = {
  shared() {
    const memory = SharedMemory.create(bytes)
    return [summing(memory.buffer), () => memory.close()]
  },
  ordinary: () => [summing(new ArrayBuffer(bytes)), () => {}],
  open() {
    const made = SharedMemory.open(null, { size: bytes, create: true })
    const name = String(made.name)
    const once = () => {
      for (let index = 0; index < many; index += 1) SharedMemory.open(name).close()
    }
    return [once, () => made.unlink()]
  },
}
const [once, end] = jobs[what]()
await serve(once, () => {
  end()
  process.exit()
})

/** @param {ArrayBuffer} buffer */
function summing(buffer) {
  const numbers = new Float64Array(buffer).fill(1)
  return () => {
    let sum = 0
    for (let index = 0; index < numbers.length; index += 1) sum += numbers[index]
    if (sum !== numbers.length) throw new Error('a wrong sum')
  }
}
