import { Mutex } from '../../../index.js'

/** Mutexes have holders instead of messages, so they have faults of their own. */
export default {
  name: 'mutex',
  only: ['S1', 'S3', 'S7'],
  holds: {
    /** @param {string} name */
    open: (name) => Mutex.open(name),
    /** @param {string} name */
    unlink: (name) => Mutex.unlink(name),
    /** How it is taken; and which ways are for one at a time. */
    ways: { lock: (mutex, options) => mutex.lock(options) },
    sync: { lock: (mutex, options) => mutex.lockSync(options) },
    alone: ['lock'],
  },
}
