/**
 * What of the kernel's features works here: each is tried, with objects that nobody sees or that go at once.
 *
 * @typedef {typeof import('../../index.js')} Package
 * @typedef {object} Probe
 * @property {string} name
 * @property {string} needs what is missing where it fails
 * @property {boolean} [vital] without it the package cannot work
 * @property {(ipc: Package) => unknown | Promise<unknown>} run throws where it does not work; a string says more
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const soon = { timeout: 2_000 }

/** @type {readonly Probe[]} */
export const probes = [
  {
    name: 'Waiting without blocking',
    needs: 'epoll, and libuv or a thread',
    vital: true,
    async run({ pipe }) {
      const { reader, writer } = pipe()
      try {
        const received = reader.recv(soon)
        await new Promise((settle) => setTimeout(settle, 5))
        writer.trySend('x')
        await received
      } finally {
        reader.close()
        writer.close()
      }
    },
  },
  {
    name: '/proc',
    needs: '/proc, mounted and not hidden: FIFOs, locks of files, registry and ls use it',
    vital: true,
    run: ({ ProcessHandle }) =>
      using(ProcessHandle.open(process.pid), ({ startTime }) => assert(startTime.getTime() > 0)),
  },
  {
    name: 'FIFOs',
    needs: 'a temporary folder whose file system has FIFOs',
    async run({ Fifo }) {
      const folder = mkdtempSync(join(tmpdir(), 'os-ipc-doctor-'))
      try {
        const fifo = Fifo.create(join(folder, 'fifo'))
        const [reader, writer] = await Promise.all([fifo.openReader(soon), fifo.openWriter(soon)])
        reader.close()
        writer.close()
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  },
  {
    name: 'POSIX message queues',
    needs: 'CONFIG_POSIX_MQUEUE, room under RLIMIT_MSGQUEUE and fs.mqueue.queues_max',
    async run({ PosixMessageQueue }) {
      const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 1, maxMessageSize: 16 })
      try {
        queue.unlink()
        const received = queue.recv(soon)
        queue.trySend('x')
        await received
      } finally {
        queue.close()
      }
    },
  },
  {
    name: 'POSIX queues in ls',
    needs: 'root, or the mqueue file system mounted: without them ls shows the queues that are held open',
    run({ PosixMessageQueue, list }) {
      const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 1, maxMessageSize: 16 })
      const { name } = queue
      queue.close()
      try {
        assert(
          list({ kinds: ['posix-queue'] }).some((object) => object.name === name),
          'ENOENT',
        )
      } finally {
        PosixMessageQueue.unlink(/** @type {string} */ (name))
      }
    },
  },
  {
    name: 'System V message queues',
    needs: 'CONFIG_SYSVIPC, room under kernel.msgmni',
    run: ({ SysvMessageQueue }) =>
      removing(SysvMessageQueue.open('private'), (queue) =>
        assert(queue.trySend('x') && queue.tryRecv() !== undefined),
      ),
  },
  {
    name: 'Looking at System V messages (peek)',
    needs: 'CONFIG_CHECKPOINT_RESTORE',
    run: ({ SysvMessageQueue }) =>
      removing(SysvMessageQueue.open('private'), (queue) => {
        queue.trySend('x')
        assert(queue.peek() !== undefined)
      }),
  },
  {
    name: 'System V semaphores, and locks with names',
    needs: 'CONFIG_SYSVIPC, room under kernel.sem',
    run: ({ SysvSemaphoreSet }) =>
      removing(SysvSemaphoreSet.open('private', { values: [1] }), (set) => assert(set.at(0).tryAcquire())),
  },
  {
    name: 'System V shared memory',
    needs: 'CONFIG_SYSVIPC, room under kernel.shmmni and kernel.shmall',
    run: ({ SharedMemory }) =>
      using(SharedMemory.sysv('private', { size: 4096 }), (memory) => {
        memory.unlink()
        memory.write('x')
      }),
  },
  {
    name: 'POSIX shared memory',
    needs: '/dev/shm, a tmpfs that this user may write to',
    run: ({ SharedMemory }) =>
      using(SharedMemory.open(null, { create: true, size: 4096 }), (memory) => {
        memory.unlink()
        memory.write('x')
      }),
  },
  {
    name: 'POSIX semaphores',
    needs: '/dev/shm, and a C library whose semaphores are known (glibc, musl 1.2.4)',
    run: ({ PosixSemaphore }) =>
      using(PosixSemaphore.open(null, { create: true, value: 1 }), (semaphore) => {
        semaphore.unlink()
        assert(semaphore.tryAcquire())
      }),
  },
  {
    name: 'Anonymous memory (memfd) with seals',
    needs: 'memfd_create: Linux 3.17',
    run: ({ SharedMemory }) => using(SharedMemory.create(4096), ({ seals }) => assert(seals.includes('shrink'))),
  },
  {
    name: 'Memory as an ArrayBuffer',
    needs: 'a runtime that allows buffers outside its heap (Electron forbids them): read and write work without',
    run: ({ SharedMemory }) => using(SharedMemory.create(4096), ({ buffer }) => assert(buffer.byteLength === 4096)),
  },
  {
    name: 'Memory as a SharedArrayBuffer',
    needs: 'node_api_create_external_sharedarraybuffer, which newer runtimes have: buffer works without',
    run: ({ SharedMemory }) =>
      using(SharedMemory.create(4096), ({ sharedBuffer }) =>
        assert(sharedBuffer !== undefined, 'ERR_IPC_NOT_SUPPORTED'),
      ),
  },
  {
    name: 'Sleeping on a word of memory (futex)',
    needs: 'futex',
    run: ({ SharedMemory }) =>
      using(SharedMemory.create(4096), (memory) => assert(memory.waitSync(0, 1, { timeout: 1 }) === 'not-equal')),
  },
  {
    name: 'Unix sockets that carry descriptors',
    needs: 'CONFIG_UNIX',
    async run({ UnixSocket, pipe }) {
      const [a, b] = UnixSocket.pair('seqpacket')
      const { reader, writer } = pipe()
      try {
        a.trySend('x', { fds: [reader] })
        const message = await b.recv(soon)
        assert(message?.fdCount === 1)
        message?.[Symbol.dispose]()
      } finally {
        for (const handle of [a, b, reader, writer]) handle.close()
      }
    },
  },
  {
    name: 'The process behind a socket (peerProcess)',
    needs: 'SO_PEERPIDFD: Linux 6.5',
    run({ UnixSocket }) {
      const [a, b] = UnixSocket.pair('seqpacket')
      try {
        const peer = a.peerProcess()
        assert(peer !== undefined, 'ERR_IPC_NOT_SUPPORTED')
        peer?.close()
      } finally {
        a.close()
        b.close()
      }
    },
  },
  {
    name: 'Channels',
    needs: 'memfd, Unix sockets and memory as an ArrayBuffer',
    async run({ Channel }) {
      const [a, b] = Channel.pair()
      try {
        a.trySend('x')
        assert((await b.recv(soon)) !== null)
      } finally {
        a.close()
        b.close()
      }
    },
  },
  {
    name: 'Locks of files',
    needs: 'locks of open file descriptions: Linux 3.15, and a file system that has them',
    run({ FileLock }) {
      const folder = mkdtempSync(join(tmpdir(), 'os-ipc-doctor-'))
      try {
        using(FileLock.open(join(folder, 'file'), { create: true }), (lock) => lock.tryLock()?.unlock())
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  },
  {
    name: 'Realtime signals with a value',
    needs: 'sigqueue, and threads whose masks can be set',
    async run({ signals }) {
      const receiver = signals.receive('SIGRTMIN+5')
      try {
        const received = receiver.recv(soon)
        signals.send(process.pid, 'SIGRTMIN+5', { value: 7 })
        assert((await received).value === 7)
      } finally {
        receiver.close()
      }
    },
  },
  {
    name: 'Processes that cannot be mistaken (pidfd)',
    needs: 'pidfd_open: Linux 5.3',
    run: ({ ProcessHandle }) => using(ProcessHandle.open(process.pid), ({ fd }) => assert(fd >= 0)),
  },
  {
    name: 'A folder for what os-ipc makes for itself',
    needs: 'XDG_RUNTIME_DIR, /dev/shm or /tmp, where nobody has put something in its place',
    run: ({ cleanup }) => void cleanup({ dryRun: true }),
  },
]

/**
 * @template {{ close(): void }} H
 * @template R
 * @param {H} handle
 * @param {(handle: H) => R} body
 */
function using(handle, body) {
  try {
    return body(handle)
  } finally {
    handle.close()
  }
}

/**
 * @template {{ close(): void, remove(): void }} H
 * @param {H} handle
 * @param {(handle: H) => void} body
 */
function removing(handle, body) {
  using(handle, () => {
    try {
      body(handle)
    } finally {
      handle.remove()
    }
  })
}

/** @param {boolean} holds @param {string} [code] */
function assert(holds, code = 'EPROTO') {
  const message = code === 'EPROTO' ? 'it does not do what it should' : 'it is not there'
  if (!holds) throw Object.assign(new Error(message), { code })
}
