import { RwLock } from '../../../index.js'

/** Read-write locks have holders instead of messages, so they have faults of their own. */
export default {
  name: 'rwlock',
  only: ['S1', 'S3', 'S7'],
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
}
