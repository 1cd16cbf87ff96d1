// One of those who want the lock: KIND FORM NAME NUMBER, with their words as descriptor 3.
import { SharedMemory } from '../../index.js'
import { locks } from './locks.js'
import { BEGUN, DONE, HANDED_OVER, LAST, OVER, ROUND, TAKEN } from './locks-contended.js'

const [kind, form, name, number] = process.argv.slice(2)
const me = Number(number)
const memory = SharedMemory.fromFd(3)
const words = new Int32Array(memory.buffer)
const { take, taken } = locks[kind](name)

function count() {
  if (Atomics.exchange(words, LAST, me) !== me) words[HANDED_OVER + me]++
  words[TAKEN + me]++
}

/** @param {number} word */
function tell(word) {
  Atomics.add(words, word, 1)
  memory.notify(4 * word)
}

// Whoever started this is gone when nothing happens for so long.
const timeout = 60_000
for (let round = 0; ; round += 1) {
  tell(DONE)
  if ((await memory.wait(4 * ROUND, round, { timeout })) === 'timed-out') break
  for (let turn = 0; Atomics.load(words, OVER) === 0; turn += 1) {
    const give = form === 'await' ? await taken() : take()
    count()
    give()
    if (turn === 0) tell(BEGUN)
  }
}
