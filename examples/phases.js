// Heat spreads along a rod, in three processes: each has a third, and all take every step together:
//   node examples/phases.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Barrier, SharedMemory } from 'os-ipc'

const PARTS = 3
const CELLS = 30
const STEPS = 200

const [number, name] = process.argv.slice(2)
if (number === undefined) await main()
else await heat(Number(number), Barrier.open(name, { parties: PARTS }), SharedMemory.fromFd(3))

async function main() {
  const memory = SharedMemory.create(2 * CELLS * 8)
  const name = `rod-${process.pid}`
  new Float64Array(memory.buffer)[0] = 100
  const parts = Array.from({ length: PARTS }, (_, number) =>
    spawn(process.execPath, [process.argv[1], number, name], { stdio: ['ignore', 'inherit', 'inherit', memory.fd] }),
  )
  await Promise.all(parts.map((part) => once(part, 'exit')))

  const rod = new Float64Array(memory.buffer, 0, CELLS)
  const sum = rod.reduce((total, cell) => total + cell)
  const falls = rod.every((cell, index) => index === 0 || cell <= rod[index - 1])
  console.log(`${sum.toFixed(6)} in all, as at the beginning; it falls from left to right: ${falls}`)
  Barrier.unlink(name)
  memory.close()
}

async function heat(number, barrier, memory) {
  const rods = [0, 1].map((index) => new Float64Array(memory.buffer, index * CELLS * 8, CELLS))
  const [first, end] = [number, number + 1].map((part) => (part * CELLS) / PARTS)
  for (let step = 0; step < STEPS; step++) {
    const [before, after] = step % 2 === 0 ? rods : [rods[1], rods[0]]
    for (let i = first; i < end; i++) {
      const [left, right] = [before[Math.max(0, i - 1)], before[Math.min(CELLS - 1, i + 1)]]
      after[i] = before[i] + (left - 2 * before[i] + right) / 4
    }
    // Nobody reads the new rod before all have written it, nor writes the old one before all have read it.
    await barrier.wait()
  }
  barrier.close()
  memory.close()
}
