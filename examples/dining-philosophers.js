// Dining philosophers: four processes around a table, four forks between them, and each needs both of its neighbours' forks
// to eat. Everybody takes the fork with the lower number first, so they can never all wait for one another. And mutexes are
// fair: while one is hungry the others can eat a few times, never for ever.
//   node examples/dining-philosophers.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Mutex, SharedMemory, struct } from 'os-ipc'

const SEATS = 4
const MEALS = 100
/** So many meals of the others, while one was hungry, are still no starvation. */
const PATIENCE = 50

const Table = struct({
  /** In how many hands each fork is. */
  hands: ['u32', SEATS],
  /** How often each philosopher has eaten, and the most meals of others while that one was hungry. */
  eaten: ['u32', SEATS],
  longest: ['u32', SEATS],
  meals: 'u32',
  mistakes: 'u32',
})

const [name, seat] = process.argv.slice(2)
if (name === undefined) await main()
else await dine(Number(seat))

async function main() {
  const memory = SharedMemory.create(4096)
  const name = `dining-${process.pid}`
  const seats = Array.from({ length: SEATS }, (_, i) => i)
  const guests = seats.map((seat) =>
    spawn(process.execPath, [fileURLToPath(import.meta.url), name, String(seat)], {
      stdio: ['ignore', 'inherit', 'inherit', memory.fd],
    }),
  )
  await Promise.all(guests.map((guest) => once(guest, 'exit')))
  for (const fork of seats) Mutex.unlink(`${name}-${fork}`)

  const { eaten, longest, mistakes } = Table.view(memory)
  for (const seat of seats) console.log(`philosopher ${seat} has eaten ${eaten[seat]} times`)
  console.log(mistakes === 0 ? 'no fork was ever in two hands' : `${mistakes} times a fork was in two hands`)
  const most = Math.max(...longest)
  console.log(most <= PATIENCE ? 'nobody has starved' : `somebody was hungry while others ate ${most} times`)
  memory.close()
}

async function dine(seat) {
  const memory = SharedMemory.fromFd(3) // the parent's
  const { atomics } = memory
  const { hands, eaten, longest, meals, mistakes } = Table.offsets
  const own = [seat, (seat + 1) % SEATS].sort((one, other) => one - other)
  const forks = own.map((fork) => Mutex.open(`${name}-${fork}`))

  for (let meal = 0; meal < MEALS; meal++) {
    const before = atomics.load('u32', meals)
    const first = await forks[0].lock()
    const second = await forks[1].lock()
    for (const fork of own) if (atomics.add('u32', hands + 4 * fork, 1) !== 0) atomics.add('u32', mistakes, 1)
    const others = atomics.add('u32', meals, 1) - before
    if (others > atomics.load('u32', longest + 4 * seat)) atomics.store('u32', longest + 4 * seat, others)

    await sleep(1) // eats
    atomics.add('u32', eaten + 4 * seat, 1)
    for (const fork of own) atomics.sub('u32', hands + 4 * fork, 1)
    second.unlock()
    first.unlock()
  }
  for (const fork of forks) fork.close()
  memory.close()
}
