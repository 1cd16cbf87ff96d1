import { PosixSemaphore, SharedMemory } from '../../../index.js'
import { namesOf } from '../harness/held.js'
import { opened } from '../harness/opened.js'
import { permits } from '../harness/permits.js'

const names = namesOf(PosixSemaphore, '/')

/** POSIX semaphores inside shared memory, which goes with those who have it, whoever is killed. Both ends are handles of one. */
const SIZE = 4096
const AT = 64

/** The memory is kept where another process may want it. */
function create() {
  const memory = SharedMemory.create(SIZE)
  try {
    return { memory, semaphore: PosixSemaphore.inMemory(memory, AT, { initialize: 0 }) }
  } catch (error) {
    memory.close()
    throw error
  }
}

export default permits({
  name: 'posix-semaphore',
  most: 200,
  /** A wait that finds a permit at once settles a few turns of the microtask queue before those that were served earlier. */
  unordered: true,
  /** Each handle that is waited upon has a thread, and a descriptor only as long as its memory is open. */
  threads: true,
  /** Calls that an open makes, and how they fail. */
  failingCalls: {
    memfd_create: ['EMFILE', 'ENFILE', 'ENOMEM'],
    fallocate: ['ENOSPC', 'ENOMEM'],
  },

  acquires: {
    acquire: (semaphore, options) => semaphore.acquire(options),
    one: (semaphore, options) => semaphore.acquire({ ...options, permits: 1 }),
  },
  tryAcquire: (semaphore) => semaphore.tryAcquire(),
  acquireSync: (semaphore, options) => semaphore.acquireSync(options),
  give: (semaphore) => semaphore.release(),

  another: (end) => end.dup(),
  names: {
    place: names.newName,
    make: (name) => PosixSemaphore.open(name, { create: true, exclusive: true }),
    drop: names.drop,
  },

  calls({ sender, receiver }) {
    return {
      acquire: () => receiver.acquire(),
      'acquire that never waits': () => receiver.acquire({ timeout: 0 }),
      tryAcquire: () => receiver.tryAcquire(),
      acquireSync: () => receiver.acquireSync({ timeout: 0 }),
      release: () => sender.release(),
      value: () => sender.value,
      with: () => receiver.with(() => {}),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
      unlink: () => receiver.unlink(),
    }
  },

  onThreads: ({ receiver, sender }) => [receiver.acquire(), sender.acquire()],

  async open() {
    const { memory, semaphore: sender } = create()
    const receiver = sender.dup()
    return {
      ...opened(sender, receiver, () => memory.close()),
      /** @param {'sender' | 'receiver'} side */
      share: (side) => ({ side, fds: [memory.fd] }),
    }
  },

  async offer() {
    const { memory, semaphore } = create()
    return {
      fds: [memory.fd],
      async meet() {
        memory.close()
        return semaphore
      },
    }
  },

  async join() {
    const memory = SharedMemory.fromFd(3)
    const semaphore = PosixSemaphore.inMemory(memory, AT)
    memory.close()
    return semaphore
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { sender, receiver } = await this.open(context)
    const { signal } = new AbortController()
    const pending = []
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.acquire({ signal }), receiver.acquire({ timeout: 600_000 }), sender.acquire())
    }
    pending.push(receiver.with(() => {}))
    return { pending, handles: [sender, receiver] }
  },
})
