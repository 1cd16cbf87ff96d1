import { RwLock } from '../../../index.js'
import { held } from '../harness/held.js'

/** Read-write locks: one is held by a writer for as long as there is nothing to be had. */
export default held({
  name: 'rwlock',
  most: 200,
  unordered: true,
  threads: true,
  failingCalls: { semget: ['ENOSPC', 'ENOMEM'], semop: ['ENOMEM'] },
  class: RwLock,
  take: {
    try: (lock) => lock.tryWrite(),
    sync: (lock, options) => lock.writeSync(options),
    ways: {
      write: (lock, options) => lock.write(options),
      /** First with the other readers, then alone. */
      async read(lock, options) {
        ;(await lock.read(options)).unlock()
        return lock.write(options)
      },
    },
  },
  calls: ({ receiver, sender }) => ({
    read: () => receiver.read(),
    'read that never waits': () => receiver.read({ timeout: 0 }),
    tryRead: () => receiver.tryRead(),
    readSync: () => receiver.readSync({ timeout: 0 }),
    write: () => sender.write(),
    'write that never waits': () => sender.write({ timeout: 0 }),
    tryWrite: () => sender.tryWrite(),
    writeSync: () => sender.writeSync({ timeout: 0 }),
  }),
  waits: (lock) => [(options) => lock.read(options), (options) => lock.write(options)],
  holds: {
    /** @param {string} name */
    open: (name) => RwLock.open(name),
    /** @param {string} name */
    unlink: (name) => RwLock.unlink(name),
    /** How it is taken; and which ways are for one at a time. */
    ways: { read: (lock, options) => lock.read(options), write: (lock, options) => lock.write(options) },
    sync: { read: (lock, options) => lock.readSync(options), write: (lock, options) => lock.writeSync(options) },
    alone: ['write'],
  },
})
