/** What of IPC there is: list(), limits() and cleanup(), beside what the system's own tools tell. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  cleanup,
  Fifo,
  limits,
  list,
  PosixMessageQueue,
  PosixSemaphore,
  SharedMemory,
  SysvMessageQueue,
  SysvSemaphoreSet,
  UnixListener,
  UnixSocket,
} from '../index.js'
import { fromProc } from '../lib/list/sockets.js'
import { fixture, output, start } from './support/child.js'
import { needs } from './support/extras.js'

const options = { timeout: 60_000 }
const uid = process.geteuid?.()
const folder = mkdtempSync(join(tmpdir(), 'os-ipc-list-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** @type {Array<() => void>} */
const undo = []
after(() => {
  for (const step of undo.splice(0).reverse()) step()
})

/** @param {string} word */
const name = (word) => `/os-ipc-spec-${process.pid}-${word}`

/** @template {{ close(): void }} H @param {H} handle @param {(handle: H) => void} [remove] @returns {H} */
function keep(handle, remove) {
  undo.push(() => {
    remove?.(handle)
    handle.close()
  })
  return handle
}

/** @param {(object: import('../index.js').IpcObject) => boolean} which @param {Parameters<typeof list>[0]} [options] */
function one(which, options) {
  const found = list(options).filter(which)
  assert.equal(found.length, 1, JSON.stringify(found))
  return found[0]
}

/** @param {{ close(): void, unlink(): void }} handle */
const unlink = (handle) => handle.unlink()
/** @param {{ remove(): void }} handle */
const removal = (handle) => handle.remove()

describe('list', options, () => {
  const path = join(folder, 'fifo')
  const address = join(folder, 'socket')
  /** @type {any} */
  const made = {}
  /** @type {ReturnType<typeof start>} */
  let holder
  before(async () => {
    const sizes = { maxMessages: 2, maxMessageSize: 16 }
    made.queue = keep(PosixMessageQueue.open(name('mq'), { create: true, ...sizes }), unlink)
    made.queue.trySend('12345')
    made.queue.trySend('678')
    made.semaphore = keep(PosixSemaphore.open(name('sem'), { create: true, mode: 0o640 }), unlink)
    made.memory = keep(SharedMemory.open(name('shm'), { create: true, size: 10_000 }), unlink)
    made.segment = keep(SharedMemory.sysv('private', { size: 5_000 }), unlink)
    made.sysvQueue = keep(SysvMessageQueue.open('private', { mode: 0o620 }), removal)
    made.sysvQueue.trySend('1234567')
    made.set = keep(
      SysvSemaphoreSet.open(0x7a000000 + (process.pid & 0xffff), { create: true, values: [1, 2, 3] }),
      removal,
    )
    Fifo.create(path)
    made.listener = keep(UnixListener.listen(address, { mode: 0o600 }))
    const [queue, semaphore, memory] = [made.queue, made.semaphore, made.memory].map((handle) => handle.name)
    const held = JSON.stringify({ queue, semaphore, memory, segment: made.segment.id, fifo: path })
    holder = start(fixture('list-hold.js'), [held], { patience: 0 })
    await holder.says('holding 6')
  })
  after(() => holder.kill())

  /** @param {import('../index.js').IpcObject} object @param {object} expected */
  function tells(object, expected) {
    const { created = 0, ...facts } = object
    assert.ok(Math.abs(Date.now() - created) < 60_000, `${created}`)
    assert.deepEqual(facts, { uid, ...expected })
  }
  /** @param {Array<{ pid: number | undefined }>} processes */
  const pids = (...processes) => processes.map(({ pid }) => Number(pid)).sort((a, b) => a - b)

  test('tells of a POSIX queue what is in it and who has it open', () => {
    const object = one((seen) => seen.name === made.queue.name)
    tells(object, {
      kind: 'posix-queue',
      name: made.queue.name,
      mode: 0o600,
      bytes: 8,
      messages: 2,
      holders: pids(process, holder),
    })
  })

  test('tells of POSIX memory its size and who has it open or mapped', () => {
    const { name } = made.memory
    const holders = pids(process, holder)
    tells(
      one((seen) => seen.name === name),
      { kind: 'posix-memory', name, mode: 0o600, bytes: 10_000, holders },
    )
  })

  test('tells of a POSIX semaphore who has it mapped', () => {
    const object = one((seen) => seen.name === made.semaphore.name)
    const holders = pids(process, holder)
    tells(object, { kind: 'posix-semaphore', name: made.semaphore.name, mode: 0o640, bytes: 32, holders })
  })

  test('tells of System V memory how often it is attached, and by whom', () => {
    const object = one(({ kind, id }) => kind === 'sysv-memory' && id === made.segment.id)
    const { attached } = made.segment.stat()
    assert.ok(attached >= 2)
    const facts = { kind: 'sysv-memory', name: '0x00000000', key: 0, id: made.segment.id, mode: 0o600 }
    tells(object, { ...facts, bytes: 5_000, attached, holders: pids(process, holder) })
  })

  test('tells of System V queues and sets their contents', () => {
    const { id } = made.sysvQueue
    const queue = one((seen) => seen.kind === 'sysv-queue' && seen.id === id)
    tells(queue, { kind: 'sysv-queue', name: '0x00000000', key: 0, id, mode: 0o620, bytes: 7, messages: 1 })
    const set = one((seen) => seen.kind === 'sysv-semaphores' && seen.id === made.set.id)
    const named = { name: `0x${made.set.key.toString(16)}`, key: made.set.key, id: made.set.id }
    tells(set, { kind: 'sysv-semaphores', ...named, mode: 0o600, semaphores: 3 })
  })

  test('tells of FIFOs in the usual places and of those that are open elsewhere', () => {
    tells(
      one((seen) => seen.name === path),
      { kind: 'fifo', name: path, mode: 0o600, holders: pids(holder) },
    )
  })

  test('looks where it is told to, too', () => {
    const deep = mkdtempSync(join(folder, 'a-'))
    const far = mkdtempSync(join(mkdtempSync(join(deep, 'b-')), 'c-'))
    const hidden = join(far, 'fifo')
    Fifo.create(hidden)
    assert.ok(!list({ kinds: ['fifo'] }).some((seen) => seen.name === hidden))
    assert.ok(list({ kinds: ['fifo'], folders: [far] }).some((seen) => seen.name === hidden))
    assert.ok(list({ kinds: ['fifo'], folders: [new URL(`file://${deep}`)] }).some((seen) => seen.name === hidden))
  })

  test('tells of sockets: listeners, abstract ones, pairs, and files that nobody listens on any more', async () => {
    const client = keep(await UnixSocket.connect(address))
    const listener = one((seen) => seen.name === address && seen.listening === true)
    const { id } = listener
    const common = { kind: 'socket', type: 'stream', holders: pids(process) }
    tells(listener, { ...common, name: address, id, mode: 0o600, listening: true, messages: 1 })
    assert.equal(statSync(`/proc/self/fd/${made.listener.fd}`).ino, id)
    const abstract = `@os-ipc-spec-${process.pid}\u{1b}[31m`
    keep(UnixSocket.bind(abstract))
    assert.equal(one((seen) => seen.name === abstract).type, 'datagram')
    const inode = statSync(`/proc/self/fd/${client.fd}`).ino
    assert.equal(one((seen) => seen.kind === 'socket' && seen.id === inode).name, client.address ?? '')
    const stale = join(folder, 'stale')
    UnixListener.listen(stale).close()
    const { created, ...left } = one((seen) => seen.name === stale)
    assert.deepEqual(left, { kind: 'socket', name: stale, uid, mode: 0o600, holders: [] })
  })

  test('lists the kinds that were asked for, and no others', () => {
    assert.deepEqual(
      new Set(list({ kinds: ['fifo', 'posix-memory'] }).map(({ kind }) => kind)),
      new Set(['fifo', 'posix-memory']),
    )
    assert.deepEqual(list({ kinds: [] }), [])
  })

  test('leaves a notice alone that this process waits for', async () => {
    const queue = keep(PosixMessageQueue.open(null, { create: true, maxMessages: 1, maxMessageSize: 8 }), unlink)
    const noticed = queue.notify({ timeout: 10_000 })
    list()
    list({ kinds: ['posix-queue'] })
    queue.trySend('x')
    await noticed
  })

  test('does not make a POSIX queue younger by looking at it', async () => {
    const look = () => one((seen) => seen.name === made.queue.name, { kinds: ['posix-queue'] }).created
    const before = look()
    // Longer than the kernel's clock of files needs for a step.
    await new Promise((settle) => setTimeout(settle, 30))
    assert.deepEqual([look(), look()], [before, before])
  })

  test('keeps no descriptor open', () => {
    list()
    const before = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 5; round++) list()
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

  test('refuses what is no kind and no folder, before it looks', () => {
    for (const kinds of ['fifo', 1, {}]) {
      assert.throws(() => list(/** @type {any} */ ({ kinds })), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.throws(() => list(/** @type {any} */ ({ kinds: ['pipe'] })), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => list(/** @type {any} */ ({ folders: '/tmp' })), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => list(/** @type {any} */ ({ folders: [1] })), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => list({ folders: ['a\0b'] }), { code: 'ERR_INVALID_ARG_VALUE' })
  })
})

describe('list beside the tools of the system', options, () => {
  /** What a tool shows before and after a look has been there all the time. @param {() => string[]} show @param {() => Set<string>} look */
  function missing(show, look) {
    const before = new Set(show())
    const seen = look()
    return show().filter((line) => before.has(line) && !seen.has(line))
  }

  before(() => {
    keep(SysvMessageQueue.open('private'), removal)
    keep(SysvSemaphoreSet.open('private'), removal)
    keep(SharedMemory.sysv('private', { size: 1 }), unlink)
    keep(SharedMemory.open(name('a b\nc'), { create: true, size: 1 }), unlink)
    keep(PosixSemaphore.open(name('d'), { create: true }), unlink)
  })

  test('ipcs shows nothing that list does not', needs('unshare'), () => {
    for (const [flag, kind] of [
      ['-q', 'sysv-queue'],
      ['-s', 'sysv-semaphores'],
      ['-m', 'sysv-memory'],
    ]) {
      const show = () =>
        execFileSync('ipcs', [flag], { encoding: 'utf8' })
          .split('\n')
          .filter((line) => /^0x/.test(line))
          .map((line) => `${line.split(/\s+/)[1]}`)
      assert.ok(show().length > 0)
      const look = () => new Set(list({ kinds: [/** @type {any} */ (kind)] }).map(({ id }) => String(id)))
      assert.deepEqual(missing(show, look), [], kind)
    }
  })

  test('ls /dev/shm shows no file that list does not', () => {
    const show = () =>
      readdirSync('/dev/shm', { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
    assert.ok(show().includes(name('a b\nc').slice(1)))
    const look = () =>
      new Set(
        list({ kinds: ['posix-memory', 'posix-semaphore'] }).map(
          ({ kind, name }) => `${kind === 'posix-semaphore' ? 'sem.' : ''}${name.slice(1)}`,
        ),
      )
    assert.deepEqual(missing(show, look), [])
  })

  test('ss -x shows no socket that list does not', needs('ss'), () => {
    // The local address's number is the socket's inode.
    const show = () =>
      execFileSync('ss', ['-xaH'], { encoding: 'utf8' })
        .split('\n')
        .flatMap((line) => / (\d+) +(?:\*|\S+) +\d+ *$/.exec(line)?.[1] ?? [])
    assert.ok(show().length > 0)
    const look = () => new Set(list({ kinds: ['socket'] }).map(({ id }) => String(id)))
    assert.deepEqual(missing(show, look), [])
  })

  test('tells every queue in its namespace as root, with nothing mounted', needs('unshare'), async () => {
    const queues = Array.from({ length: 3 }, (_, index) => name(`q${index}`))
    const code = `
      import { list, PosixMessageQueue } from '${new URL('../index.js', import.meta.url)}'
      const names = ${JSON.stringify(queues)}
      for (const name of names) PosixMessageQueue.open(name, { create: true, maxMessages: 1, maxMessageSize: 8 }).close()
      console.log(JSON.stringify(list({ kinds: ['posix-queue'] }).map(({ name }) => name).sort()))`
    const run = spawnSync('unshare', ['-Uri', process.execPath, '--input-type=module', '-e', code], {
      encoding: 'utf8',
    })
    const asRoot = spawnSync('unshare', ['-i', process.execPath, '--input-type=module', '-e', code], {
      encoding: 'utf8',
    })
    if (asRoot.status === 0) assert.deepEqual(JSON.parse(asRoot.stdout), queues)
    else assert.equal(run.status, 0, asRoot.stderr + run.stderr)
  })
})

describe('list under circumstances', options, () => {
  test('as an ordinary user tells of the queues that are held open, and of what others own without its contents', {
    skip: uid !== 0 && 'only root can become somebody else',
  }, async () => {
    const memory = keep(SharedMemory.open(name('his'), { create: true, size: 100 }), unlink)
    const queue = keep(SysvMessageQueue.open('private'), removal)
    const own = name('own')
    const seen = JSON.parse(await output(fixture('list-as-nobody.js'), [own, String(memory.name), queue.id]))
    const [first, second, third] = seen
    assert.equal(seen.length, 3, JSON.stringify(seen))
    assert.deepEqual([first.kind, first.id, first.uid], ['sysv-queue', queue.id, 0])
    assert.deepEqual(
      [second.name, second.uid, second.messages, second.bytes, second.holders.length],
      [own, 65_534, 1, 5, 1],
    )
    assert.deepEqual([third.name, third.uid, third.bytes, third.holders], [memory.name, 0, 100, []])
  })

  test('objects that come and go while it looks are no error', async () => {
    const code = `for (let i = 0; ; i++) { const f = '/dev/shm/os-ipc-spec-${process.pid}-' + i % 50; try { require('fs').writeFileSync(f, ''); require('fs').unlinkSync(f) } catch {} if (i === 0) console.log('going') }`
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 })
    await once(/** @type {import('node:stream').Readable} */ (child.stdout), 'data')
    for (let round = 0; round < 50; round++) list({ kinds: ['posix-memory'] })
    child.kill('SIGKILL')
    await once(child, 'close')
    for (let index = 0; index < 50; index++) rmSync(`/dev/shm/os-ipc-spec-${process.pid}-${index}`, { force: true })
  })

  test('ten thousand objects cost no more than their number', () => {
    /** Milliseconds of the quickest of a few calls, for each object. @param {number} count */
    const each = (count) => {
      const files = Array.from({ length: count }, (_, index) => `/dev/shm/os-ipc-spec-${process.pid}-many-${index}`)
      try {
        for (const file of files) writeFileSync(file, '')
        const times = [1, 2, 3, 4, 5].map(() => {
          const began = performance.now()
          assert.ok(list({ kinds: ['posix-memory'] }).length >= count)
          return performance.now() - began
        })
        return Math.min(...times) / count
      } finally {
        for (const file of files) unlinkSync(file)
      }
    }
    const [few, many] = [each(500), each(10_000)]
    assert.ok(many < 4 * few, `${few} and ${many} ms an object`)
  })

  test('a name that is not text is listed as far as it can be told', () => {
    const file = Buffer.concat([Buffer.from(`/dev/shm/os-ipc-spec-${process.pid}-`), Buffer.from([0xff, 0xfe])])
    writeFileSync(file, 'x')
    try {
      assert.equal(one((seen) => seen.name === `${name('')}\u{fffd}\u{fffd}`).bytes, 1)
    } finally {
      unlinkSync(file)
    }
  })

  test('without /proc the kinds that need it are refused, and the others listed', needs('unshare'), () => {
    const code = `
      import { list, limits } from '${new URL('../index.js', import.meta.url)}'
      const told = (kind) => { try { return Array.isArray(list({ kinds: [kind] })) } catch ({ code }) { return code } }
      console.log(JSON.stringify([told('sysv-queue'), told('posix-memory'), told('socket'), Object.keys(limits())]))`
    const script = `mount -t tmpfs none /proc && exec "$0" --input-type=module -e "$1"`
    const asRoot = spawnSync('unshare', ['-m', 'true']).status === 0
    const words = [asRoot ? '-m' : '-Urm', 'sh', '-c', script, process.execPath, code]
    const { status, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), ['ERR_IPC_NOT_SUPPORTED', true, true, ['/dev/shm']])
  })

  test('a kernel that has no diagnosis of sockets is read from its table, names with newlines too', () => {
    const text = [
      'Num       RefCount Protocol Flags    Type St Inode Path',
      '0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/a',
      'b',
      '0000000000000000: 00000003 00000000 00000000 0002 03  1147',
      '0000000000000000: 00000003 00000000 00000000 0005 03 99 @x y',
      '',
    ].join('\n')
    assert.deepEqual(fromProc(text), [
      { inode: 12345, kind: 1, state: 10, name: '/run/a\nb' },
      { inode: 1147, kind: 2, state: 0, name: '' },
      { inode: 99, kind: 5, state: 0, name: '@x y' },
    ])
    assert.deepEqual(fromProc(''), [])
    const live = fromProc(readFileSync('/proc/net/unix', 'utf8'))
    assert.ok(live.length > 0 && live.some(({ inode }) => inode > 0))
  })
})

describe('cleanup', options, () => {
  test('removes what a process that was killed made for itself, and never what the user named', async () => {
    const named = name('named')
    const child = start(fixture('list-left-behind.js'), [named])
    await child.says(']')
    const own = JSON.parse(child.stdout)
    const standing = () =>
      list()
        .filter(({ name }) => own.includes(name))
        .map(({ kind }) => kind)
    const ofIts = () => cleanup({ dryRun: true }).filter(({ name }) => own.includes(name))
    try {
      assert.equal(standing().length, 3)
      assert.deepEqual(ofIts(), [], 'it lives')
      await child.kill()
      assert.deepEqual(
        ofIts()
          .map(({ kind }) => kind)
          .sort(),
        ['posix-memory', 'posix-queue', 'posix-semaphore'],
      )
      assert.equal(standing().length, 3, 'a dry run removes nothing')
      const removed = cleanup().filter(({ name }) => own.includes(name))
      assert.deepEqual(
        removed.map((object) => [object.uid, object.mode]),
        Array(3).fill([uid, 0o600]),
      )
      assert.deepEqual(standing(), [])
      assert.equal(one((seen) => seen.name === named).kind, 'posix-memory')
    } finally {
      await child.kill()
      SharedMemory.unlink(named)
    }
  })

  test('refuses what is no option', () => {
    assert.throws(() => cleanup(/** @type {any} */ ({ dryRun: 1 })), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => cleanup(/** @type {any} */ (1)), { code: 'ERR_INVALID_ARG_TYPE' })
  })
})

describe('limits', options, () => {
  test('are those that the system tells, by its names', () => {
    const all = limits()
    const read = (/** @type {string} */ file) => Number(readFileSync(`/proc/sys/${file}`, 'utf8'))
    assert.equal(all['kernel.msgmax'], read('kernel/msgmax'))
    assert.equal(all['fs.mqueue.msg_max'], read('fs/mqueue/msg_max'))
    assert.equal(all['fs.pipe-max-size'], read('fs/pipe-max-size'))
    assert.equal(all['net.core.wmem_max'], read('net/core/wmem_max'))
    const [, , perCall] = readFileSync('/proc/sys/kernel/sem', 'utf8').split('\t').map(Number)
    assert.equal(all['kernel.sem.semopm'], perCall)
    assert.ok(all['/dev/shm'] > 0)
    const files = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim()
    assert.equal(String(all.RLIMIT_NOFILE), files)
  })

  test('of a process are its own', needs('prlimit'), () => {
    const code = `import('${new URL('../index.js', import.meta.url)}').then(({ limits }) => console.log(limits().RLIMIT_NOFILE))`
    const words = ['--nofile=999:999', process.execPath, '-e', code]
    assert.equal(execFileSync('prlimit', words, { encoding: 'utf8' }).trim(), '999')
  })
})
