import { Mutex } from '../../../index.js'
import { held } from '../harness/held.js'

/** Mutexes: one is held for as long as there is nothing to be had. */
export default held({
  name: 'mutex',
  most: 200,
  /** One that finds it free settles a few turns of the microtask queue before those that were served earlier. */
  unordered: true,
  threads: true,
  failingCalls: { semget: ['ENOSPC', 'ENOMEM'], semop: ['ENOMEM'] },
  class: Mutex,
  take: {
    try: (mutex) => mutex.tryLock(),
    sync: (mutex, options) => mutex.lockSync(options),
    ways: { lock: (mutex, options) => mutex.lock(options) },
  },
  calls: ({ receiver, sender }) => ({
    lock: () => receiver.lock(),
    'lock that never waits': () => receiver.lock({ timeout: 0 }),
    tryLock: () => receiver.tryLock(),
    lockSync: () => receiver.lockSync({ timeout: 0 }),
    locked: () => receiver.locked,
    with: () => receiver.with(() => {}),
    'lock of the sender': () => sender.lock(),
  }),
  waits: (mutex) => [(options) => mutex.lock(options), (options) => mutex.with(() => {}, options)],
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
})
