/** Shared memory: within one process, between two, and against what others do to it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { SharedMemory } from '../index.js'
import { fixture, output, run, start } from './support/child.js'
import { needs } from './support/extras.js'
import { inside } from './support/inside.js'
import { newName, newObject, newSegment, removeMemoryAfter, segmentIds } from './support/memory.js'
import { descriptors, link, until } from './support/state.js'

const { parcelOf, rebuild } = inside['handover.js']

const options = { timeout: 60_000 }
const script = fixture('shared-memory.js')
const isRoot = process.getuid?.() === 0

removeMemoryAfter()

/** @param {SharedMemory} memory */
function bytesOf(memory) {
  return new Uint8Array(memory.buffer)
}

/** @param {() => unknown} call */
function codeOf(call) {
  try {
    call()
    return undefined
  } catch (error) {
    return /** @type {any} */ (error).code
  }
}

describe('shared memory is opened', options, () => {
  test('anonymous: of the size asked for, zeros, sealed against shrinking, without a name', () => {
    const memory = SharedMemory.create(5000, { label: 'a label' })
    assert.equal(link('self', memory.fd), '/memfd:a label (deleted)')
    const { kind, size, readOnly, name, id, seals } = memory
    assert.deepEqual(
      { kind, size, readOnly, name, id, seals },
      { kind: 'memfd', size: 5000, readOnly: false, name: null, id: null, seals: ['shrink'] },
    )
    assert.ok(memory.read().equals(Buffer.alloc(5000)))
    assert.throws(() => ftruncateSync(memory.fd, 1), { code: 'EPERM' })
    memory.close()
    assert.equal(memory.fd, -1)
    assert.equal(memory.size, 5000)
  })

  test('by name: create makes what is missing, with the size and nothing else, and close leaves it', () => {
    const name = newName()
    assert.throws(() => SharedMemory.open(name), { code: 'ENOENT', syscall: 'shm_open', path: name })
    assert.throws(() => SharedMemory.open(name, { create: true }), { code: 'ERR_INVALID_ARG_VALUE' })
    const made = SharedMemory.open(name, { size: 6000, create: true, exclusive: true })
    made.write('here', 5996)
    made.close()
    assert.equal(statSync(`/dev/shm${name}`).mode & 0o777, 0o600)
    assert.throws(() => SharedMemory.open(name, { size: 1, create: true, exclusive: true }), { code: 'EEXIST' })
    assert.throws(() => SharedMemory.open(name, { size: 6001, create: true }), { code: 'EINVAL' })
    const again = SharedMemory.open(name, { size: 100, create: true })
    assert.deepEqual([again.size, String(again.read(5996))], [6000, 'here'])
    again.unlink()
    assert.throws(() => again.unlink(), { code: 'ENOENT' })
    assert.equal(String(again.read(5996)), 'here')
    again.close()
  })

  test('without a name: under one that nobody can guess', () => {
    const memory = SharedMemory.open(null, { size: 10, create: true })
    assert.match(String(memory.name), /^\/os-ipc-[0-9a-f]{32}$/)
    SharedMemory.unlink(String(memory.name))
    memory.close()
  })

  test('as a System V segment, private or by key, until it is removed and detached', () => {
    const segment = newSegment(1000)
    const id = /** @type {number} */ (segment.id)
    assert.deepEqual([segment.kind, segment.fd, segment.size], ['sysv', -1, 1000])
    const reader = SharedMemory.fromSysvId(id, { readOnly: true })
    bytesOf(segment)[3] = 9
    assert.equal(reader.read(3, 1)[0], 9)
    const { attached, creatorPid, size, mode, detachTime, changeTime } = segment.stat()
    assert.deepEqual([attached, creatorPid, size, mode, detachTime], [2, process.pid, 1000, 0o600, null])
    assert.ok(Math.abs(Date.now() - changeTime.getTime()) < 60_000)
    segment.set({ mode: 0o640 })
    assert.equal(segment.stat().mode, 0o640)
    segment.unlink()
    assert.equal(reader.read(3, 1)[0], 9)
    assert.ok(segmentIds().includes(id))
    segment.close()
    reader.close()
    assert.ok(!segmentIds().includes(id))
    assert.throws(() => SharedMemory.fromSysvId(id), { id })
  })

  test('from a file, which it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    const path = join(folder, 'file')
    try {
      assert.throws(() => SharedMemory.map(path), { code: 'ENOENT', path })
      const memory = SharedMemory.map(path, { size: 10_000, create: true })
      memory.write('to the file', 9_000)
      memory.flush()
      assert.equal(readFileSync(path).toString('latin1', 9_000, 9_011), 'to the file')
      const part = SharedMemory.map(path, { offset: 9_003, length: 3 })
      assert.deepEqual([String(part.read()), part.size, part.buffer.byteLength], ['the', 3, 3])
      assert.throws(() => SharedMemory.map(path, { offset: 9_999, length: 2 }), { code: 'EINVAL', path })
      assert.throws(() => SharedMemory.map(folder, { readOnly: true }), { code: 'ERR_INVALID_ARG_VALUE' })
      for (const handle of [memory, part]) handle.close()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('from a descriptor, if nobody can shorten it', () => {
    const open = newObject(4096)
    const fd = openSync(`/dev/shm${open.name}`, 'r+')
    assert.throws(() => SharedMemory.fromFd(fd), { code: 'ERR_IPC_UNTRUSTED_OWNER' })
    const trusted = SharedMemory.fromFd(fd, { unsealed: true })
    assert.deepEqual([trusted.kind, trusted.fd, trusted.readOnly], ['posix', fd, false])
    assert.throws(() => SharedMemory.fromFd(fd), { code: 'ERR_INVALID_ARG_VALUE' })
    trusted.close()
    const sealed = SharedMemory.create(4096)
    const reader = SharedMemory.fromFd(sealed.readOnlyFd())
    assert.deepEqual([reader.readOnly, reader.size, codeOf(() => reader.write('x'))], [true, 4096, 'EACCES'])
    for (const handle of [reader, sealed]) handle.close()
    assert.throws(() => SharedMemory.fromFd(fd), { code: 'EBADF' })
    const nothing = openSync('/dev/null', 'r+')
    assert.throws(() => SharedMemory.fromFd(nothing), { code: 'ERR_INVALID_ARG_VALUE' })
    closeSync(nothing)
  })

  test('never before it has a size: one that gets none is ERR_IPC_NOT_INITIALIZED after a second', () => {
    const name = newName()
    writeFileSync(`/dev/shm${name}`, '')
    try {
      const began = performance.now()
      assert.throws(() => SharedMemory.open(name), { code: 'ERR_IPC_NOT_INITIALIZED', path: name })
      const took = performance.now() - began
      assert.ok(took > 900 && took < 3000, `${took}`)
    } finally {
      SharedMemory.unlink(name)
    }
  })

  test('under names that the kernel would take, checked before', () => {
    for (const name of ['', 'x', '/', '/.', '/..', '/a/b', '/nul\0', `/${'x'.repeat(255)}`]) {
      assert.throws(() => SharedMemory.open(name), { code: 'ERR_IPC_INVALID_NAME' }, name)
      assert.throws(() => SharedMemory.unlink(name), { code: 'ERR_IPC_INVALID_NAME' }, name)
    }
  })

  test('only of this user or root', { skip: !isRoot && 'needs root' }, () => {
    const memory = newObject(4096, { mode: 0o666 })
    const name = String(memory.name)
    assert.equal(spawnSync('chown', ['65534', `/dev/shm${name}`]).status, 0)
    assert.throws(() => SharedMemory.open(name), { code: 'ERR_IPC_UNTRUSTED_OWNER', path: name })
    SharedMemory.open(name, { anyOwner: true }).close()
  })

  test('in huge pages, or with an error that says what is missing', () => {
    try {
      SharedMemory.create(1 << 21, { hugePages: true }).close()
    } catch (error) {
      const { code, hint } = /** @type {any} */ (error)
      assert.equal(code, 'ENOMEM')
      assert.match(hint, /nr_hugepages/)
    }
  })

  test('in huge pages where there are some: whole ones, used and shared like any others', (t) => {
    const reserved = '/proc/sys/vm/nr_hugepages'
    const number = (/** @type {string} */ key) =>
      Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])
    const before = readFileSync(reserved, 'utf8')
    try {
      writeFileSync(reserved, String(Number(before) + 4))
    } catch {
      t.skip('this user cannot reserve any')
      return
    }
    try {
      if (number('HugePages_Free') < 4) {
        t.skip('the kernel has none to give')
        return
      }
      const page = number('Hugepagesize') * 1024
      const memory = SharedMemory.create(page + 1, { hugePages: true })
      assert.equal(memory.size, 2 * page)
      const other = memory.dup()
      new Uint8Array(memory.buffer)[page] = 9
      assert.equal(other.read(page, 1)[0], 9)
      other.write('huge', 2 * page - 4)
      assert.equal(Buffer.from(memory.buffer, 2 * page - 4).toString(), 'huge')
      memory.atomics.add('u64', page + 8, 5n)
      assert.equal(other.atomics.load('u64', page + 8), 5n)
      other.close()
      const segment = newSegment(page, { hugePages: true })
      segment.write('segment')
      assert.equal(String(segment.read(0, 7)), 'segment')
      segment.unlink()
      // The segment's page and these two are all that there is.
      assert.throws(() => SharedMemory.create(64 * page, { hugePages: true }), { code: 'ENOMEM' })
      for (const handle of [segment, memory]) handle.close()
    } finally {
      writeFileSync(reserved, before)
    }
    assert.equal(readFileSync(reserved, 'utf8'), before)
  })

  test('or refused: wrong arguments', () => {
    const memory = SharedMemory.create(64)
    /** @type {[string, () => unknown][]} */
    const calls = [
      ['ERR_OUT_OF_RANGE', () => SharedMemory.create(0)],
      ['ERR_OUT_OF_RANGE', () => SharedMemory.create(1.5)],
      ['ERR_INVALID_ARG_TYPE', () => SharedMemory.create(/** @type {any} */ ('1'))],
      ['ERR_INVALID_ARG_VALUE', () => SharedMemory.create(1, { seals: /** @type {any} */ (['nothing']) })],
      ['ERR_INVALID_ARG_TYPE', () => SharedMemory.open(/** @type {any} */ (5))],
      ['ERR_INVALID_ARG_VALUE', () => SharedMemory.open(null)],
      ['ERR_INVALID_ARG_VALUE', () => SharedMemory.sysv('private')],
      ['ERR_OUT_OF_RANGE', () => SharedMemory.fromSysvId(-1)],
      ['ERR_ILLEGAL_CONSTRUCTOR', () => new /** @type {any} */ (SharedMemory)()],
      ['ERR_OUT_OF_RANGE', () => memory.atomics.load('i32', 2)],
      ['ERR_OUT_OF_RANGE', () => memory.atomics.load('u64', 60)],
      ['ERR_INVALID_ARG_VALUE', () => memory.atomics.load(/** @type {any} */ ('u8'), 0)],
      ['ERR_OUT_OF_RANGE', () => memory.atomics.add('i32', 0, 2 ** 33)],
      ['ERR_OUT_OF_RANGE', () => memory.waitSync(62, 0)],
      ['ERR_INVALID_ARG_VALUE', () => memory.advise(/** @type {any} */ ('well'))],
      ['ERR_IPC_NOT_SUPPORTED', () => memory.stat()],
      ['ERR_IPC_NOT_SUPPORTED', () => memory.unlink()],
      ['ERR_IPC_NOT_SUPPORTED', () => newSegment(8).resize(9)],
      ['ERR_IPC_NOT_SUPPORTED', () => newSegment(8).detach()],
    ]
    for (const [code, call] of calls) assert.equal(codeOf(call), code, String(call))
    for (const offset of [65, -1, 2 ** 31, 2 ** 32, 2 ** 53, Number.NaN, 0.5, Infinity]) {
      assert.equal(
        codeOf(() => memory.read(offset)),
        'ERR_OUT_OF_RANGE',
        `${offset}`,
      )
      assert.equal(
        codeOf(() => memory.write('x', offset)),
        'ERR_OUT_OF_RANGE',
        `${offset}`,
      )
    }
    assert.equal(
      codeOf(() => memory.write('ab', 63)),
      'ERR_OUT_OF_RANGE',
    )
    assert.equal(memory.read(63, 2 ** 53 - 1).length, 1)
    assert.equal(memory.read(64).length, 0)
    assert.ok(memory.read().equals(Buffer.alloc(64)), 'nothing was written in part')
    memory.close()
  })
})

describe('how memory is kept', options, () => {
  /** KiB of this process that stay in memory, as proc(5) tells. */
  const pinned = () => Number(/^VmLck:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1])

  test('pin has it stay in memory, and unpin lets it go', () => {
    const memory = SharedMemory.create(3 * 4096)
    const before = pinned()
    memory.pin()
    assert.equal(pinned(), before + 12)
    memory.unpin()
    assert.equal(pinned(), before)
    for (const advice of /** @type {const} */ (['sequential', 'random', 'willneed', 'normal'])) memory.advise(advice)
    memory.close()
  })
})

describe('the buffer', options, () => {
  test('is the memory itself, one for each handle, and a property of its own', () => {
    const memory = SharedMemory.create(4100)
    const other = memory.dup()
    const { buffer } = memory
    assert.ok(buffer instanceof ArrayBuffer)
    assert.deepEqual([buffer.byteLength, memory.buffer === buffer, Object.hasOwn(memory, 'buffer')], [4100, true, true])
    bytesOf(memory)[4099] = 200
    assert.deepEqual([bytesOf(other)[4099], other.read(4099)[0]], [200, 200])
    other.write(Buffer.from([7]), 4099)
    assert.equal(bytesOf(memory)[4099], 7)
    for (const handle of [memory, other]) handle.close()
  })

  test('is detached by close, detach and resize, and a stale view reads nothing', () => {
    const memory = SharedMemory.create(4096)
    const stale = bytesOf(memory)
    memory.resize(10_000)
    assert.deepEqual([stale.length, stale[0], memory.size, bytesOf(memory).length], [0, undefined, 10_000, 10_000])
    const last = memory.buffer
    const fd = memory.detach()
    assert.deepEqual([last.byteLength, memory.closed, memory.fd], [0, true, -1])
    assert.throws(() => memory.read(), { code: 'ERR_IPC_CLOSED' })
    const again = SharedMemory.fromFd(fd)
    const bytes = bytesOf(again)
    again.close()
    again.close()
    assert.deepEqual([bytes.length, again.buffer.byteLength], [0, 0])
  })

  test('of a read-only handle takes stray writes, which reach nobody', () => {
    const memory = newObject(8192)
    const reader = SharedMemory.open(String(memory.name), { readOnly: true })
    memory.write('seen')
    assert.equal(Buffer.from(reader.buffer, 0, 4).toString(), 'seen')
    bytesOf(reader).fill(1)
    Atomics.store(new Int32Array(reader.buffer), 0, 5)
    assert.equal(String(memory.read(0, 4)), 'seen')
    assert.equal(String(reader.read(0, 4)), 'seen')
    for (const call of [
      () => reader.write('x'),
      () => reader.atomics.store('i32', 0, 1),
      () => reader.atomics.compareExchange('i32', 0, 0, 1),
    ]) {
      assert.equal(codeOf(call), 'EACCES')
    }
    assert.equal(
      codeOf(() => reader.resize(1)),
      'ERR_INVALID_STATE',
    )
    reader.close()
    const segment = newSegment(100)
    const attached = SharedMemory.fromSysvId(/** @type {number} */ (segment.id), { readOnly: true })
    assert.equal(
      codeOf(() => attached.buffer),
      'ERR_IPC_NOT_SUPPORTED',
    )
    assert.equal(attached.read().length, 100)
    attached.close()
  })

  test('shared with threads, where the runtime can: zeros after close', () => {
    const memory = SharedMemory.create(64)
    const { sharedBuffer } = memory
    if (sharedBuffer !== undefined) {
      const words = new Int32Array(sharedBuffer)
      Atomics.store(words, 1, 77)
      assert.deepEqual([memory.atomics.load('i32', 4), memory.sharedBuffer === sharedBuffer], [77, true])
      memory.close()
      assert.equal(words[1], 0)
    }
    memory.close()
  })
})

describe('seals', options, () => {
  test('against writing make the handle read-only, unless another one may write', () => {
    const memory = SharedMemory.create(4096)
    memory.write('last words')
    const stale = bytesOf(memory)
    const other = memory.dup()
    assert.throws(() => memory.seal('write'), { code: 'EBUSY' })
    stale[0] = 76
    assert.equal(String(other.read(0, 4)), 'Last')
    other.close()
    memory.seal('write', 'grow')
    assert.deepEqual([memory.readOnly, stale.length, String(memory.read(0, 4))], [true, 0, 'Last'])
    assert.deepEqual(memory.seals.sort(), ['grow', 'shrink', 'write'])
    assert.equal(Buffer.from(memory.buffer, 0, 4).toString(), 'Last')
    const received = SharedMemory.fromFd(memory.readOnlyFd())
    assert.equal(received.readOnly, true)
    for (const handle of [memory, received]) handle.close()
  })

  test('against growing and shrinking hold, and nothing has changed', () => {
    const memory = SharedMemory.create(4096, { seals: ['shrink', 'grow'] })
    const bytes = bytesOf(memory)
    assert.throws(() => memory.resize(8192), { code: 'EPERM' })
    assert.throws(() => memory.resize(1), { code: 'EPERM' })
    assert.deepEqual([bytes.length, memory.size], [4096, 4096])
    memory.close()
    assert.throws(() => newObject(10).seal('grow'), { code: 'ERR_IPC_NOT_SUPPORTED' })
  })
})

describe('atomics', options, () => {
  test('give what stood there before, on words with a sign and without', () => {
    const memory = SharedMemory.create(64)
    const { atomics } = memory
    assert.equal(atomics.store('i32', 0, -2), undefined)
    assert.deepEqual([atomics.load('u32', 0), atomics.load('i32', 0)], [4_294_967_294, -2])
    assert.equal(atomics.add('u32', 0, 3), 4_294_967_294)
    assert.equal(atomics.sub('i32', 0, 2), 1)
    assert.equal(atomics.exchange('i32', 0, 0b1100), -1)
    assert.equal(atomics.and('i32', 0, 0b0110), 0b1100)
    assert.equal(atomics.or('i32', 0, 0b0001), 0b0100)
    assert.equal(atomics.xor('i32', 0, 0b1111), 0b0101)
    assert.equal(atomics.compareExchange('i32', 0, 0b1010, 5), 0b1010)
    assert.equal(atomics.compareExchange('i32', 0, 0, 9), 5)
    assert.equal(atomics.load('i32', 0), 5)
    assert.equal(atomics.store('i64', 8, -(2n ** 63n)), undefined)
    assert.deepEqual([atomics.load('u64', 8), atomics.load('i64', 8)], [2n ** 63n, -(2n ** 63n)])
    assert.equal(atomics.add('u64', 8, 2n ** 63n), 2n ** 63n)
    assert.equal(atomics.compareExchange('u64', 8, 0n, 2n ** 64n - 1n), 0n)
    assert.equal(atomics.exchange('i64', 8, 1n), -1n)
    memory.close()
  })

  test('lose nothing between two processes, natively or by Atomics of JS', async () => {
    const memory = SharedMemory.create(64)
    const other = start(script, ['add', 8], { handles: [memory] })
    const third = start(script, ['js-add', 8], { handles: [memory] })
    for (let i = 0; i < 100_000; i++) memory.atomics.add('u32', 8, 1)
    await Promise.all([other.succeeded(), third.succeeded()])
    assert.equal(memory.atomics.load('u32', 8), 300_000)
    memory.close()
  })
})

describe('a wait', options, () => {
  test('answers not-equal at once, timed-out in time, and never rejects for either', async () => {
    const memory = SharedMemory.create(64)
    assert.equal(await memory.wait(0, 1), 'not-equal')
    assert.equal(memory.waitSync(0, 1), 'not-equal')
    for (const timeout of [0, 20]) {
      const began = performance.now()
      assert.equal(await memory.wait(0, 0, { timeout }), 'timed-out')
      assert.equal(memory.waitSync(0, 0, { timeout }), 'timed-out')
      assert.ok(performance.now() - began >= 2 * timeout)
    }
    memory.close()
  })

  test('is ended by a notice that comes right after it, whatever the thread has come to', async () => {
    const memory = SharedMemory.create(64)
    for (let i = 0; i < 200; i++) {
      const waiting = memory.wait(4, i)
      memory.atomics.store('i32', 4, i + 1)
      memory.notify(4)
      assert.equal(await waiting, 'ok')
    }
    memory.close()
  })

  test('of another process is woken, in both forms, and only as many as asked for', async () => {
    const memory = SharedMemory.create(64)
    const others = ['wait', 'waitSync', 'wait'].map((form) => start(script, [form, 16, 0], { handles: [memory] }))
    await Promise.all(others.map((other) => other.says('waiting')))
    assert.equal(memory.notify(16, 0), 0)
    let woken = 0
    await until(() => {
      woken += memory.notify(16, 2)
      return woken >= 2
    }, 'two are asleep')
    await until(() => {
      woken += memory.notify(16)
      return woken === 3
    }, 'the third is asleep')
    for (const other of others) assert.equal(await other.succeeded(), 'waiting ok')
    memory.close()
  })

  test('can be aborted and is ended by close, each with its reason', async () => {
    const memory = SharedMemory.create(64)
    const reason = new Error('enough')
    const controller = new AbortController()
    const aborted = memory.wait(0, 0, { signal: controller.signal })
    const closed = memory.wait(0, 0)
    controller.abort(reason)
    await assert.rejects(aborted, (error) => error === reason)
    await assert.rejects(memory.wait(0, 0, { signal: controller.signal }), (error) => error === reason)
    memory.close()
    await assert.rejects(closed, { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(memory.wait(0, 0), { code: 'ERR_IPC_CLOSED' })
  })

  test('respects pendingLimit, and unref lets the process end', async () => {
    const memory = SharedMemory.create(64)
    memory.pendingLimit = 1
    const first = memory.wait(0, 0)
    await assert.rejects(memory.wait(0, 0), { code: 'ERR_IPC_LIMIT' })
    memory.close()
    await assert.rejects(first, { code: 'ERR_IPC_CLOSED' })
    const code = `import { SharedMemory } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const memory = SharedMemory.create(8).unref(); memory.wait(0, 0); console.log('ends')`
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 20_000 })
    assert.deepEqual([status, String(stdout)], [0, 'ends\n'])
  })

  test('in a worker ends with the worker', async () => {
    const memory = SharedMemory.create(64)
    const code = `import { SharedMemory } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      import { parentPort, workerData } from 'node:worker_threads'
      const memory = SharedMemory.fromFd(workerData.fd)
      memory.buffer
      memory.wait(0, 0)
      parentPort.postMessage('waiting')
      if (workerData.sync) memory.waitSync(4, 0)`
    for (const sync of [false, true]) {
      const fd = memory.dup().detach()
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
        workerData: { fd, sync },
      })
      await new Promise((resolve) => worker.once('message', resolve))
      await until(() => memory.notify(sync ? 4 : 0, 0) === 0, 'it runs')
      const began = performance.now()
      await worker.terminate()
      assert.ok(performance.now() - began < 5000)
    }
    memory.close()
  })
})

describe('another process', options, () => {
  /** @type {[string, () => SharedMemory][]} */
  const kinds = [
    ['anonymous memory', () => SharedMemory.create(10_000)],
    ['an object with a name', () => newObject(10_000)],
    ['a segment', () => newSegment(10_000)],
  ]
  for (const [what, make] of kinds) {
    test(`that is handed ${what} sees what is written, and is seen`, async () => {
      const memory = make()
      memory.write('from here', 5_000)
      assert.equal(await output(script, ['read', 5_000, 9], { handles: [memory] }), 'from here')
      assert.equal(await output(script, ['buffer', 5_000, 9], { handles: [memory] }), 'from here')
      await output(script, ['write', 9_990, 'from there'], { handles: [memory] })
      assert.equal(Buffer.from(memory.buffer, 9_990, 10).toString(), 'from there')
      const facts = JSON.parse(await output(script, ['facts'], { handles: [memory] }))
      assert.deepEqual(facts, [memory.kind, 10_000, false, memory.name])
      assert.equal(memory.closed, false)
      memory.close()
    })
  }

  test('gets a part as that part, and a read-only handle as one', async () => {
    const name = String(newObject(20_000).name)
    const part = SharedMemory.open(name, { readOnly: true, offset: 5_001, length: 100 })
    const facts = JSON.parse(await output(script, ['facts'], { handles: [part] }))
    assert.deepEqual(facts, ['posix', 100, true, name])
    part.close()
  })

  test('that resizes an object is seen by whoever opens it, or resizes it to the same', async () => {
    const memory = newObject(4096)
    await output(script, ['resize', 0, 9000], { handles: [memory] })
    assert.deepEqual([memory.size, memory.dup().size], [4096, 9000])
    memory.resize(9000)
    assert.equal(memory.buffer.byteLength, 9000)
    memory.close()
  })

  test('takes nothing over by a parcel that fails', () => {
    const before = descriptors()
    const pipe = openSync('/dev/null', 'r')
    const parcel = { ...parcelOf(newObject(10)), fds: [pipe] }
    assert.throws(() => rebuild(parcel), { code: 'ERR_INVALID_ARG_VALUE' })
    closeSync(pipe)
    assert.equal(descriptors(), before + 1, 'the object alone')
  })
})

describe('a misused handle', options, () => {
  /** @type {Record<string, unknown>} */
  const misuses = {
    'use-after-close': [0, null, 'TypeError', 'TypeError'],
    'close-under-a-thread': true,
    'transfer-then-close': [0, 2],
    'post-to-a-worker': 1 << 20,
    'write-to-read-only': true,
    'truncated-by-a-peer': [0, 'ERR_IPC_TRUNCATED', 'ERR_IPC_TRUNCATED', 'ERR_IPC_TRUNCATED', 'ERR_IPC_TRUNCATED'],
    'larger-than-a-buffer': ['x', true],
    'shown-twice': [true, 0],
    'beyond-the-end': [0],
    'collected-in-any-order': true,
  }
  for (const [what, expected] of Object.entries(misuses)) {
    test(`crashes nothing: ${what.replaceAll('-', ' ')}`, async () => {
      const { name } = newObject(1 << 20)
      const { code, signal, stdout, stderr } = await run(fixture('shared-memory-misuse.js'), [what, String(name)], {
        node: ['--expose-gc', '--no-warnings'],
      })
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
      assert.deepEqual(JSON.parse(stdout), expected)
    })
  }
})

describe('more memory than there is', options, () => {
  test('is ENOMEM at once if it has no name, also where it is to grow', () => {
    const refused = { code: 'ENOMEM', syscall: 'posix_fallocate', hint: /not as much memory/ }
    assert.throws(() => SharedMemory.create(2 ** 45), refused)
    const memory = SharedMemory.create(4096)
    assert.throws(() => memory.resize(2 ** 45), refused)
    assert.deepEqual([memory.size, memory.write('as before', 4000)], [4096, undefined])
    memory.close()
  })
})

describe('a full /dev/shm', { ...options, ...needs('unshare') }, () => {
  test('is ENOSPC at once, and no name is left behind', () => {
    const code = `import { SharedMemory } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      import { readdirSync } from 'node:fs'
      try { SharedMemory.open('/large', { size: 8 << 20, create: true }) } catch (error) { console.log(error.code, readdirSync('/dev/shm').length) }
      const memory = SharedMemory.open('/small', { size: 1 << 19, create: true })
      try { memory.resize(8 << 20) } catch (error) { console.log(error.code, memory.size, memory.buffer.byteLength) }
      new Uint8Array(memory.buffer).fill(1)`
    const shell = 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$0" --input-type=module -e "$1"'
    const words = [...(isRoot ? ['-m'] : ['-Urm']), 'sh', '-c', shell, process.execPath, code]
    const { status, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 30_000 })
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'ENOSPC 0\nENOSPC 524288 524288\n', stderr: '' })
  })
})

describe('nothing is left behind', options, () => {
  test('of handles that were opened, used and closed: no descriptors, no mappings', async () => {
    const mappings = () =>
      readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes('memfd:left')).length
    const before = descriptors()
    for (let i = 0; i < 1000; i++) {
      const memory = SharedMemory.create(8192, { label: 'left' })
      bytesOf(memory)[0] = 1
      void memory.sharedBuffer
      memory.close()
    }
    assert.deepEqual([mappings(), descriptors()], [0, before])
  })
})
