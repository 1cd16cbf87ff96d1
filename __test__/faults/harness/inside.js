/** Who is inside of something that is held, as all processes see it: a word for those alone and one for the others. */
import { SharedMemory } from '../../../index.js'
import { leftovers } from './leftovers.js'

const ALONE = 0
const TOGETHER = 4

const nameOf = (/** @type {number} */ key) => `/os-ipc-faults-${key}`
const { note, drop } = leftovers('insides', (key) => SharedMemory.unlink(nameOf(key)))

/** One that goes when this process has gone. */
export function nameOfInside() {
  note(process.pid)
  return nameOf(process.pid)
}

/** @param {string} name @param {import('./context.js').Context} [context] that is to unlink it; without, it is there already */
export function inside(name, context) {
  const memory = SharedMemory.open(name, context === undefined ? {} : { create: true, size: 4096 })
  context?.defer(() => drop(process.pid))
  const { atomics } = memory
  return {
    /** @param {boolean} alone */
    enter(alone) {
      const [others, together] = [atomics.add('i32', ALONE, alone ? 1 : 0), atomics.add('i32', TOGETHER, alone ? 0 : 1)]
      if (others !== 0 || (alone && together !== 0)) throw new Error(`${others} and ${together} are inside already`)
    },
    /** @param {boolean} alone */
    leave: (alone) => atomics.sub('i32', alone ? ALONE : TOGETHER, 1),
    alone: () => atomics.load('i32', ALONE),
    /** After a death: nobody is there. */
    clear() {
      atomics.store('i32', ALONE, 0)
      atomics.store('i32', TOGETHER, 0)
    },
  }
}
