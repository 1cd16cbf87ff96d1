/** System V message queues: what the kernel's own semantics add to what the conformance suite asks of every transport. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { ftok, SysvMessageQueue } from '../index.js'
import { fixture, output, run, start } from './support/child.js'
import { needs } from './support/extras.js'
import { inside } from './support/inside.js'
import { staysUnder, timeOf } from './support/pace.js'
import { waitingThreads } from './support/standing.js'
import { threads, turn, until } from './support/state.js'
import { fill, newKey, newQueue, queueIds, removeQueuesAfter } from './support/sysv.js'

const { parcelOf, rebuild } = inside['handover.js']

const options = { timeout: 60_000 }
const isRoot = process.getuid?.() === 0

removeQueuesAfter()

/** @param {any} error */
const code = (error) => error.code

/** @param {import('../index.js').SysvMessage | undefined} message */
const brief = (message) => message && [String(message.data), message.type]

describe('a System V queue is opened', options, () => {
  test("as 'private': a new one each time, with key 0", () => {
    const [one, other] = [newQueue(), newQueue()]
    assert.notEqual(one.id, other.id)
    assert.deepEqual([one.key, other.key], [0, 0])
    assert.deepEqual(Object.keys(one).sort(), ['fd', 'id', 'key'])
    assert.throws(() => Object.assign(one, { id: 5 }), TypeError)
  })

  test('by a key: create makes what is missing, exclusive only that', () => {
    const key = newKey()
    const shown = `0x${(key >>> 0).toString(16).padStart(8, '0')}`
    assert.throws(
      () => SysvMessageQueue.open(key),
      ({ code, syscall, errno, message, stack }) => {
        assert.deepEqual([code, syscall, errno], ['ENOENT', 'msgget', -2])
        assert.ok(message.endsWith(`msgget ${shown}`), message)
        assert.ok(stack.includes(message), stack)
        return true
      },
    )
    const made = SysvMessageQueue.open(key, { create: true, exclusive: true })
    try {
      assert.equal(made.key, key)
      assert.throws(() => SysvMessageQueue.open(key, { create: true, exclusive: true }), { code: 'EEXIST' })
      const again = SysvMessageQueue.open(key, { create: true })
      const found = SysvMessageQueue.open(key)
      assert.deepEqual([again.id, found.id], [made.id, made.id])
      again.close()
      found.close()
      assert.ok(queueIds().includes(made.id), 'close never removes')
    } finally {
      made.remove()
      made.close()
    }
  })

  test('by a key with or without a sign', () => {
    const signed = -newKey()
    const queue = SysvMessageQueue.open(signed >>> 0, { create: true })
    const same = SysvMessageQueue.open(signed)
    assert.deepEqual([queue.key, queue.stat().key, same.id], [signed, signed, queue.id])
    queue.remove()
    for (const handle of [queue, same]) handle.close()
  })

  test('with mode 0o600 unless asked otherwise, whatever the umask', () => {
    const before = process.umask(0o777)
    try {
      assert.equal(newQueue().stat().mode, 0o600)
      const open = SysvMessageQueue.open('private', { mode: 0o642 })
      assert.equal(open.stat().mode, 0o642)
      open.remove()
      open.close()
    } finally {
      process.umask(before)
    }
  })

  test('by id, if there is such a queue', () => {
    const queue = newQueue()
    const same = SysvMessageQueue.fromId(queue.id)
    queue.trySend('x')
    assert.deepEqual(brief(same.tryRecv()), ['x', 1])
    same.close()
    queue.remove()
    assert.throws(() => SysvMessageQueue.fromId(queue.id), { code: /^E(INVAL|IDRM)$/, id: queue.id })
  })

  test('only with arguments that mean something', () => {
    for (const key of [undefined, null, '5', 5n, {}, Symbol('a')]) {
      assert.throws(() => SysvMessageQueue.open(/** @type {any} */ (key)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    // 0 is IPC_PRIVATE, and would make a new queue each time.
    for (const key of [0, -0, 1.5, Number.NaN, 2 ** 32, -(2 ** 31) - 1, Number.POSITIVE_INFINITY]) {
      assert.throws(() => SysvMessageQueue.open(key), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    }
    for (const id of [-1, 2 ** 31, 0.5]) assert.throws(() => SysvMessageQueue.fromId(id), { code: 'ERR_OUT_OF_RANGE' })
    for (const mode of [-1, 0o1000, 1.5]) {
      assert.throws(() => SysvMessageQueue.open('private', { mode }), { code: 'ERR_OUT_OF_RANGE' })
    }
    assert.throws(() => SysvMessageQueue.open(5, { exclusive: true }), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => SysvMessageQueue.open('private', /** @type {any} */ ({ create: 1 })), {
      code: 'ERR_INVALID_ARG_TYPE',
    })
    assert.throws(() => new /** @type {any} */ (SysvMessageQueue)(1), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
  })

  test('by another user only as far as its mode allows, and EACCES comes at once', { skip: !isRoot }, async () => {
    const key = newKey()
    const queue = SysvMessageQueue.open(key, { create: true })
    try {
      const words = [queue.id, key]
      const refused = JSON.parse(await output(fixture('sysv-queue-as-nobody.js'), words))
      assert.deepEqual(refused, Array(6).fill('EACCES'))
      queue.set({ mode: 0o604 })
      queue.trySend('to read', { type: 9 })
      const reader = JSON.parse(await output(fixture('sysv-queue-as-nobody.js'), words))
      assert.deepEqual(reader, [key, 'EACCES', 9, 'EACCES', 'EPERM', 'EPERM'])
    } finally {
      queue.remove()
      queue.close()
    }
  })

  test('again by dup, which is a handle of its own', async () => {
    const queue = newQueue()
    const other = queue.dup()
    queue.close()
    const pending = other.recv()
    other.trySend('x')
    assert.deepEqual(brief(await pending), ['x', 1])
    assert.throws(() => other.detach(), { code: 'ERR_IPC_NOT_SUPPORTED' })
    other.close()
    assert.throws(() => other.dup(), { code: 'ERR_IPC_CLOSED' })
  })

  test('from what another process hands over', () => {
    const queue = newQueue()
    const { handedOver, ...parcel } = parcelOf(queue)
    const other = /** @type {SysvMessageQueue} */ (rebuild(JSON.parse(JSON.stringify(parcel))))
    handedOver()
    assert.equal(queue.closed, false, 'it is shared')
    assert.equal(other.id, queue.id)
    other.close()
  })
})

describe('ftok', options, () => {
  test('gives what the C library gives', () => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    try {
      const source = join(folder, 'ftok.c')
      const program = join(folder, 'ftok')
      writeFileSync(
        source,
        `#include <stdio.h>\n#include <stdlib.h>\n#include <sys/ipc.h>
        int main(int c, char **v) { printf("%d\\n", ftok(v[1], atoi(v[2]))); return c != 3; }`,
      )
      assert.equal(spawnSync('cc', ['-o', program, source]).status, 0)
      for (const path of [source, program, folder, '/proc/self', process.execPath]) {
        for (const id of [1, 65, 127, 128, 255]) {
          const { stdout } = spawnSync(program, [path, String(id)], { encoding: 'utf8' })
          // /proc/self is another folder for each process.
          if (path !== '/proc/self') assert.equal(ftok(path, id), Number(stdout))
        }
      }
      assert.equal(ftok(pathToFileURL(source), 7), ftok(source, 7))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('refuses what is no key', () => {
    assert.throws(() => ftok('/nowhere/at/all', 1), { code: 'ENOENT', path: '/nowhere/at/all' })
    for (const id of [0, 256, -1, 1.5, Number.NaN]) assert.throws(() => ftok('/', id), { code: 'ERR_OUT_OF_RANGE' })
    for (const id of ['1', undefined, null, 1n]) {
      assert.throws(() => ftok('/', /** @type {any} */ (id)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const path of ['', 'a\0b']) assert.throws(() => ftok(path, 1), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => ftok(/** @type {any} */ (5), 1), { code: 'ERR_INVALID_ARG_TYPE' })
  })
})

describe('messages', options, () => {
  test('are selected by type in all four ways', async () => {
    const queue = newQueue()
    const refill = () => {
      for (const type of [5, 3, 9, 3, 5]) queue.trySend(`${type}`, { type })
    }
    /** @type {[import('../index.js').SysvSelect, number[]][]} */
    const cases = [
      [{}, [5, 3, 9, 3, 5]],
      [{ type: 0 }, [5, 3, 9, 3, 5]],
      [{ type: 3 }, [3, 3]],
      [{ type: -5 }, [3, 3, 5, 5]],
      [{ type: -4 }, [3, 3]],
      [{ type: 5, except: true }, [3, 9, 3]],
      [{ type: 7 }, []],
      [{ type: 9, except: false }, [9]],
    ]
    for (const [select, expected] of cases) {
      for (const take of [
        () => queue.tryRecv(select),
        () => queue.recv({ ...select, timeout: 0 }).catch(() => undefined),
        () => {
          try {
            return queue.recvSync({ ...select, timeout: 0 })
          } catch {
            return undefined
          }
        },
      ]) {
        refill()
        const got = []
        for (let message = await take(); message; message = await take()) got.push(message.type)
        assert.deepEqual(got, expected, JSON.stringify(select))
        while (queue.tryRecv());
      }
    }
  })

  test('that are waited for are selected by type too', async () => {
    const queue = newQueue()
    const waits = [{ type: 3 }, { type: -5 }, { type: 9, except: true, timeout: 30_000 }, { type: 9 }].map((select) =>
      queue.recv(select),
    )
    queue.trySend('nine', { type: 9 })
    assert.deepEqual(brief(await waits[3]), ['nine', 9])
    queue.trySend('three', { type: 3 })
    const first = await Promise.race(waits.slice(0, 3))
    assert.equal(first.type, 3)
    for (let i = 0; i < 2; i++) queue.trySend('three', { type: 3 })
    assert.deepEqual((await Promise.all(waits.slice(0, 3))).map(brief), Array(3).fill(['three', 3]))
  })

  test('of one type do not hold up receives of another', async () => {
    const queue = newQueue()
    const first = queue.recv({ type: 1 })
    const second = queue.recv({ type: 2 })
    queue.trySend('2', { type: 2 })
    assert.deepEqual(brief(await second), ['2', 2])
    const third = queue.recv({ type: 3 })
    queue.trySend('3', { type: 3 })
    assert.deepEqual(brief(await third), ['3', 3])
    queue.trySend('1', { type: 1 })
    assert.deepEqual(brief(await first), ['1', 1])
  })

  test('keep types of any size', async () => {
    const queue = newQueue()
    for (const type of [1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40 + 3, Number.MAX_SAFE_INTEGER]) {
      queue.trySend('x', { type })
      queue.trySend('other', { type: 7 })
      assert.deepEqual(brief(queue.tryRecv({ type: 7, except: true })), ['x', type])
      queue.trySend('x', { type })
      assert.deepEqual(brief(queue.tryRecv({ type })), ['x', type])
      const waiting = queue.recv({ type })
      queue.trySend('x', { type })
      assert.deepEqual(brief(await waiting), ['x', type])
      assert.deepEqual(brief(queue.recvSync({ type: -Math.max(type, 7) })), ['other', 7])
    }
  })

  test('have a type above 0, and receives a type that is a number', async () => {
    const queue = newQueue()
    for (const type of [0, -1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      const error = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
      await assert.rejects(queue.send('x', { type }), error)
      assert.throws(() => queue.trySend('x', { type }), error)
      assert.throws(() => queue.sendSync('x', { type }), error)
    }
    for (const type of [null, '1', 1n, {}]) {
      const wrong = /** @type {any} */ ({ type })
      assert.throws(() => queue.trySend('x', wrong), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
      assert.throws(() => queue.tryRecv(wrong), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const type of [0.5, Number.NaN, 2 ** 53, Number.NEGATIVE_INFINITY]) {
      assert.throws(() => queue.tryRecv({ type }), { code: 'ERR_OUT_OF_RANGE' })
    }
    assert.throws(() => queue.tryRecv({ type: -3, except: true }), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => queue.tryRecv({ except: true }), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => queue.tryRecv({ truncate: -1 }), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => queue.tryRecv(/** @type {any} */ ({ except: 1 })), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.equal(queue.stat().messages, 0)
  })

  test('are never cut, up to the largest that the kernel takes', async () => {
    const queue = newQueue()
    const long = Buffer.from(Array.from({ length: 8192 }, (_, i) => (i * 7) & 255))
    for (const take of [() => queue.tryRecv(), () => queue.recvSync(), () => queue.recv()]) {
      queue.trySend(long)
      const message = await take()
      assert.deepEqual(message?.data, long)
      assert.ok(message && !('fullLength' in message))
    }
  })

  test('are cut on request, and tell how long they were', async () => {
    const queue = newQueue()
    /** @type {((select: import('../index.js').SysvSelect) => any)[]} */
    const ways = [(select) => queue.tryRecv(select), (select) => queue.recvSync(select), (select) => queue.recv(select)]
    for (const take of ways) {
      for (let i = 0; i < 3; i++) queue.trySend('abcdef', { type: 4 })
      assert.deepEqual(await take({ truncate: 2 }), { data: Buffer.from('ab'), type: 4, fullLength: 6 })
      assert.deepEqual(await take({ truncate: 6 }), { data: Buffer.from('abcdef'), type: 4 })
      assert.deepEqual(await take({ truncate: 0, type: 4 }), { data: Buffer.alloc(0), type: 4, fullLength: 6 })
    }
    const waiting = queue.recv({ truncate: 1 })
    queue.trySend('late')
    assert.deepEqual(await waiting, { data: Buffer.from('l'), type: 1, fullLength: 4 })
  })

  test('that are too long are EMSGSIZE before they are sent, and the limit has its name', async () => {
    const queue = newQueue()
    const { maxBytes } = queue.stat()
    /** @param {number} length @param {RegExp} hint */
    const refused = async (length, hint) => {
      const message = Buffer.alloc(length)
      for (const error of [
        await queue.send(message).catch((reason) => reason),
        await queue.send(message, { timeout: 0 }).catch((reason) => reason),
        caught(() => queue.trySend(message)),
        caught(() => queue.sendSync(message)),
      ]) {
        assert.deepEqual([error.code, error.syscall, error.id], ['EMSGSIZE', 'msgsnd', queue.id])
        assert.match(error.hint, hint)
      }
    }
    await refused(8193, /\/proc\/sys\/kernel\/msgmax.*sysctl/)
    queue.set({ maxBytes: 1000 })
    await refused(1001, /maxBytes.*\/proc\/sys\/kernel\/msgmnb.*sysctl/)
    assert.equal(queue.trySend(Buffer.alloc(1000)), true)
    // Behind others, it is refused when its turn comes.
    const first = queue.send('first')
    const second = assert.rejects(queue.send(Buffer.alloc(1001)), { code: 'EMSGSIZE' })
    const third = queue.send('third')
    assert.equal(queue.tryRecv()?.data.length, 1000)
    await Promise.all([first, second, third])
    assert.deepEqual(
      [brief(queue.tryRecv()), brief(queue.tryRecv())],
      [
        ['first', 1],
        ['third', 1],
      ],
    )
    assert.equal(queue.set({ maxBytes }), undefined)
  })

  test('can be looked at without taking them', async () => {
    const queue = newQueue()
    assert.equal(queue.peek(), undefined)
    for (const type of [5, 1, 9]) queue.trySend(`${type}`.repeat(type), { type })
    assert.deepEqual(
      [0, 1, 2, 3, 1000].map((index) => brief(queue.peek(index))),
      [['55555', 5], ['1', 1], ['999999999', 9], undefined, undefined],
    )
    assert.equal(queue.stat().messages, 3)
    for (const index of [-1, 1.5, 2 ** 31]) assert.throws(() => queue.peek(index), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => queue.peek(/** @type {any} */ ('0')), { code: 'ERR_INVALID_ARG_TYPE' })
  })
})

/** @param {() => unknown} call @returns {any} */
function caught(call) {
  try {
    call()
  } catch (error) {
    return error
  }
  assert.fail('it has not thrown')
}

describe('stat and set', options, () => {
  test('tell and change what the kernel keeps', async () => {
    const began = Math.floor(Date.now() / 1000) * 1000
    const queue = newQueue()
    const { uid, gid, pid } = { uid: process.getuid?.(), gid: process.getgid?.(), pid: process.pid }
    const { changeTime, ...fresh } = queue.stat()
    assert.deepEqual(fresh, {
      key: 0,
      uid,
      gid,
      creatorUid: uid,
      creatorGid: gid,
      mode: 0o600,
      messages: 0,
      bytes: 0,
      maxBytes: fresh.maxBytes,
      lastSendPid: 0,
      lastRecvPid: 0,
      lastSendTime: null,
      lastRecvTime: null,
    })
    assert.ok(changeTime instanceof Date && changeTime.getTime() >= began)
    queue.trySend('12345')
    queue.trySend('678')
    queue.tryRecv()
    const used = queue.stat()
    assert.deepEqual([used.messages, used.bytes, used.lastSendPid, used.lastRecvPid], [1, 3, pid, pid])
    assert.ok(Number(used.lastSendTime) >= began && Number(used.lastRecvTime) >= began)
    queue.set({ mode: 0o640, maxBytes: 5000 })
    assert.deepEqual([queue.stat().mode, queue.stat().maxBytes], [0o640, 5000])
    queue.set({})
    assert.deepEqual([queue.stat().mode, queue.stat().maxBytes], [0o640, 5000])
    if (isRoot) {
      queue.set({ uid: 65_534, gid: 65_533 })
      const { uid: owner, gid: group, creatorUid } = queue.stat()
      assert.deepEqual([owner, group, creatorUid], [65_534, 65_533, uid])
    }
  })

  test('refuse what is no change', () => {
    const queue = newQueue()
    for (const changes of [undefined, null, 5, 'x', []]) {
      assert.throws(() => queue.set(/** @type {any} */ (changes)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    const { maxBytes } = queue.stat()
    const values = [{ mode: 0o1000 }, { maxBytes: 0 }, { uid: -1 }, { gid: 2 ** 32 - 1 }, { maxBytes: 1.5 }]
    // The kernel itself would take 2 ** 40 for 0.
    for (const changes of [...values, { maxBytes: 2 ** 31 }, { maxBytes: 2 ** 40 }]) {
      assert.throws(() => queue.set(changes), { code: 'ERR_OUT_OF_RANGE' })
    }
    assert.equal(queue.stat().maxBytes, maxBytes)
  })
})

describe('removal', options, () => {
  test('is told to a hundred that wait, within 100 ms, as EIDRM', async () => {
    await staysUnder(100, async () => {
      const queue = newQueue(500)
      const room = fill(queue)
      const ways = [{}, { type: 5 }, { type: -3 }, { type: 1000, except: true }]
      const other = newQueue()
      const told = Array.from({ length: 100 }, (_, i) => other.recv(ways[i % 4]).catch((error) => error))
      const sends = Array.from({ length: 10 }, () => queue.send('x'.repeat(100)).catch((error) => error))
      await turn()
      const began = performance.now()
      other.remove()
      queue.remove()
      const errors = await Promise.all([...told, ...sends])
      const took = performance.now() - began
      assert.ok(room > 0)
      assert.deepEqual(new Set(errors.map(code)), new Set(['EIDRM']))
      assert.deepEqual(
        new Set(errors.map(({ id, syscall }) => `${syscall} ${id}`)),
        new Set([`msgrcv ${other.id}`, `msgsnd ${queue.id}`]),
      )
      assert.equal(new Set(errors).size, 110, 'each has an error of its own')
      return took
    })
  })

  test('is told to those who block, in other processes', async () => {
    const queue = newQueue()
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { SysvMessageQueue } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const queue = SysvMessageQueue.fromId(${queue.id})
      try { console.log('ready'); queue.recvSync() } catch (error) { console.log(error.code) }`,
    ])
    const said = text(child.stdout)
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await until(() => waitingThreads(Number(child.pid)) > 0, 'it blocks')
    queue.remove()
    assert.equal(await said, 'ready\nEIDRM\n')
  })

  test('makes all later calls fail, and a second one too', async () => {
    const queue = newQueue()
    queue.remove()
    const gone = { code: /^E(INVAL|IDRM)$/ }
    await assert.rejects(queue.recv(), gone)
    await assert.rejects(queue.send('x'), gone)
    for (const call of [
      () => queue.tryRecv(),
      () => queue.recvSync(),
      () => queue.trySend('x'),
      () => queue.sendSync('x'),
      () => queue.peek(),
      () => queue.stat(),
      () => queue.set({ mode: 0o600 }),
      () => queue.remove(),
    ]) {
      assert.throws(call, gone)
    }
    queue.close()
  })

  test('and making it again under its key leaves old handles without effect on the new one', async () => {
    const key = newKey()
    let old = SysvMessageQueue.open(key, { create: true })
    for (let round = 0; round < 2000; round++) {
      const waiting = round % 50 === 0 ? old.recv().catch(code) : 'EIDRM'
      old.remove()
      const next = SysvMessageQueue.open(key, { create: true, exclusive: true })
      next.trySend('for the new one')
      assert.throws(() => old.trySend('x'), { code: /^E(INVAL|IDRM)$/ })
      assert.throws(() => old.tryRecv(), { code: /^E(INVAL|IDRM)$/ })
      assert.throws(() => old.remove(), { code: /^E(INVAL|IDRM)$/ })
      assert.equal(await waiting, 'EIDRM')
      assert.deepEqual([next.stat().messages, brief(next.tryRecv())], [1, ['for the new one', 1]])
      old.close()
      old = next
    }
    old.remove()
    old.close()
  })
})

describe('sends to a full queue', options, () => {
  test('are made in the order of the calls', async () => {
    const queue = newQueue(256)
    fill(queue)
    const order = /** @type {number[]} */ ([])
    const sends = Array.from({ length: 50 }, (_, i) => queue.send(String(i).padEnd(64)).then(() => order.push(i)))
    const numbers = []
    while (numbers.length < 50) {
      const { data, type } = await queue.recv()
      if (type === 1) numbers.push(Number(data))
    }
    await Promise.all(sends)
    const expected = Array.from({ length: 50 }, (_, i) => i)
    assert.deepEqual([numbers, order], [expected, expected])
  })

  test('are sent or called off, never both, whoever comes first', async () => {
    const queue = newQueue(64)
    let [sent, calledOff] = [0, 0]
    for (let round = 0; round < 1000; round++) {
      fill(queue)
      const controller = new AbortController()
      const timeout = round % 3 === 0 ? 1 : 10_000
      const pending = queue.send('y'.repeat(64), { type: 5, signal: controller.signal, timeout })
      if (round % 2) await turn()
      const steps = [
        () => assert.equal(queue.tryRecv({ type: 1000 })?.type, 1000),
        () => {
          const until = performance.now() + Math.random() * 0.1
          while (performance.now() < until);
        },
        () => controller.abort(),
      ]
      for (const step of round % 4 < 2 ? steps : steps.reverse()) step()
      const done = await pending.then(
        () => true,
        (error) => assert.ok(error === controller.signal.reason || error.code === 'ETIMEDOUT'),
      )
      if (done) sent++
      else calledOff++
      assert.equal(queue.tryRecv({ type: 5 }) !== undefined, done === true)
      while (queue.tryRecv());
    }
    assert.ok(sent > 20 && calledOff > 20, `${sent} sent, ${calledOff} called off: that is no race`)
  })

  test('settle at close with ERR_IPC_CLOSED, and nothing of them is sent', async () => {
    const queue = newQueue(256)
    const other = queue.dup()
    fill(queue)
    const sends = Array.from({ length: 20 }, () => queue.send('never', { type: 5 }).catch(code))
    await turn()
    queue.close()
    assert.deepEqual(new Set(await Promise.all(sends)), new Set(['ERR_IPC_CLOSED']))
    while (other.tryRecv({ type: 1000 }));
    await turn()
    assert.equal(other.stat().messages, 0)
    other.close()
  })
})

describe('messages without any text', options, () => {
  test('arrive by every way of receiving', async () => {
    const queue = newQueue()
    const empty = { data: Buffer.alloc(0), type: 3 }
    queue.trySend('', { type: 3 })
    assert.deepEqual(queue.tryRecv(), empty)
    queue.trySend('', { type: 3 })
    assert.deepEqual(queue.recvSync(), empty)
    queue.trySend('', { type: 3 })
    assert.deepEqual(await queue.recv(), empty)
    for (const type of [0, 3, -3]) {
      const waiting = queue.recv({ type })
      await turn()
      queue.trySend('', { type: 3 })
      assert.deepEqual(await waiting, empty)
    }
    const several = Array.from({ length: 5 }, () => queue.recv())
    for (let type = 1; type <= 5; type++) queue.trySend('', { type })
    assert.deepEqual((await Promise.all(several)).map(({ type }) => type).sort(), [1, 2, 3, 4, 5])
  })

  /** A queue of which a thread has taken a message without text, for a receive that is then called off. */
  async function stashed(type = 3) {
    const queue = newQueue()
    const controller = new AbortController()
    const waiting = assert.rejects(queue.recv({ type, signal: controller.signal }))
    await until(() => waitingThreads() > 0, 'the thread stands in msgrcv')
    queue.trySend('', { type })
    // Nobody is told before this turn ends.
    const deadline = performance.now() + 5000
    while (queue.stat().messages > 0) assert.ok(performance.now() < deadline, 'the thread has not taken it')
    controller.abort()
    await waiting
    return queue
  }

  test('that nobody wants any more go to the next receive that selects them', async () => {
    for (const type of [3, 0, -3]) {
      assert.deepEqual(brief((await stashed()).tryRecv({ type })), ['', 3])
      assert.deepEqual(brief((await stashed()).recvSync({ type })), ['', 3])
      assert.deepEqual(brief(await (await stashed()).recv({ type })), ['', 3])
    }
    const queue = await stashed()
    assert.equal(queue.tryRecv({ type: 4 }), undefined)
    assert.equal(queue.tryRecv({ type: -2 }), undefined)
    assert.equal(queue.tryRecv({ type: 3, except: true }), undefined)
    queue.trySend('behind', { type: 3 })
    assert.deepEqual(
      [0, 1, 2].map((index) => brief(queue.peek(index))),
      [['', 3], ['behind', 3], undefined],
    )
    assert.deepEqual(
      [brief(queue.tryRecv()), brief(queue.tryRecv())],
      [
        ['', 3],
        ['behind', 3],
      ],
    )
  })

  test('are seen by a peek from the moment that nobody waits for them', async () => {
    for (let round = 0; round < 100; round++) {
      const queue = await stashed()
      assert.deepEqual(brief(queue.peek()), ['', 3])
      assert.deepEqual(brief(queue.tryRecv()), ['', 3])
    }
  })

  test('go to other handles of the process too', async () => {
    const queue = await stashed()
    const other = SysvMessageQueue.fromId(queue.id)
    queue.close()
    assert.deepEqual(brief(await other.recv({ type: 3 })), ['', 3])
    other.close()
  })

  test('go to whoever waits with another selector', async () => {
    const queue = newQueue()
    const controller = new AbortController()
    const first = assert.rejects(queue.recv({ type: 3, signal: controller.signal }))
    const second = queue.recv({ type: -5 })
    await until(() => waitingThreads() > 1, 'both threads stand in msgrcv')
    queue.trySend('', { type: 3 })
    const deadline = performance.now() + 5000
    while (queue.stat().messages > 0) assert.ok(performance.now() < deadline, 'no thread has taken it')
    controller.abort()
    await first
    assert.deepEqual(brief(await second), ['', 3])
  })

  test('go back to the queue when the last handle is closed', async () => {
    const queue = newQueue()
    assert.equal(await output(fixture('sysv-queue-stash-and-close.js'), [queue.id]), '0 1')
    assert.deepEqual(brief(queue.tryRecv()), ['', 7])
  })

  test('go back when the handles are forgotten, with one warning, and what waits stays', async () => {
    const [queue, other] = [newQueue(), newQueue()]
    const said = await run(fixture('sysv-queue-forget.js'), [queue.id, other.id], { node: ['--expose-gc'] })
    assert.equal(said.code, 0, said.stderr)
    assert.deepEqual(JSON.parse(said.stdout), [['ERR_IPC_NOT_CLOSED'], 'kept'])
    assert.deepEqual(brief(queue.tryRecv()), ['', 7])
  })

  for (const way of ['exit', 'throw']) {
    test(`go back when the process ends by ${way} before it has heard of them`, async () => {
      const queue = newQueue()
      const child = start(fixture('sysv-queue-wait-and-exit.js'), [queue.id, way], { stdin: 'pipe' })
      await child.says('ready')
      child.tell('go')
      const { code, signal } = await child.outcome
      assert.deepEqual({ code, signal }, { code: way === 'exit' ? 7 : 1, signal: null })
      const types = []
      for (let message = queue.tryRecv(); message; message = queue.tryRecv()) types.push(message.type)
      assert.deepEqual(
        types.sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8],
      )
    })
  }

  test('go back when the worker ends whose thread has taken them', async () => {
    const queue = newQueue()
    const worker = new Worker(fixture('sysv-queue-worker.js'), { workerData: { id: queue.id, way: 'stash' } })
    await new Promise((resolve) => worker.on('message', (word) => word === 'taken' && resolve(undefined)))
    await worker.terminate()
    const types = []
    await until(() => {
      for (let message = queue.tryRecv(); message; message = queue.tryRecv()) types.push(message.type)
      return types.length === 3
    }, 'all three are back')
  })
})

describe('waiting', options, () => {
  test('aborted and timed out at any moment, receives lose nothing, double nothing and keep the order', async () => {
    const total = Number(process.env.OS_IPC_MESSAGES ?? 4000)
    const queue = newQueue()
    const child = start(fixture('sysv-queue-send-numbers.js'), [queue.id, total])
    const gaveUp = { ETIMEDOUT: 0, ABORT_ERR: 0 }
    for (let next = 0, round = 0; next < total; round++) {
      const controller = new AbortController()
      const { signal } = controller
      if (round % 4 === 0) setImmediate(() => controller.abort())
      const pending = queue.recv(round % 4 === 1 ? { timeout: Math.random() * 2 } : { signal })
      if (round % 4 === 2) controller.abort()
      if (round % 4 === 3) setTimeout(() => controller.abort(), Math.random() * 2)
      try {
        const { data, type } = await pending
        assert.deepEqual([String(data), type], [next % 7 === 0 ? '' : String(next), next + 1])
        next++
      } catch (error) {
        if (error !== signal.reason && code(error) !== 'ETIMEDOUT') throw error
        gaveUp[error === signal.reason ? 'ABORT_ERR' : 'ETIMEDOUT']++
      }
    }
    assert.equal(queue.tryRecv(), undefined)
    assert.ok(gaveUp.ABORT_ERR > 100 && gaveUp.ETIMEDOUT > 10, JSON.stringify(gaveUp))
    await child.succeeded()
  })

  test('costs one thread for each queue and selector, however many wait', async () => {
    const queue = newQueue()
    const other = queue.dup()
    const before = waitingThreads()
    const waits = [queue, other].flatMap((handle) =>
      Array.from({ length: 50 }, (_, i) => handle.recv({ type: (i % 2) + 1 }).catch(code)),
    )
    await until(() => waitingThreads() === before + 2, 'two threads wait')
    queue.close()
    other.close()
    assert.deepEqual(new Set(await Promise.all(waits)), new Set(['ERR_IPC_CLOSED']))
    await until(() => waitingThreads() === before, 'none does')
  })

  test('on 500 queues holds up neither files nor each other, and the thread too many is ERR_IPC_LIMIT', async () => {
    const said = await output(fixture('sysv-queue-many.js'), [], { env: { UV_THREADPOOL_SIZE: '1' } })
    const { threads: count, readMs, refused, right } = JSON.parse(said)
    assert.ok(count >= 500 && count < 510, `${count} threads`)
    assert.ok(readMs < 50, `${readMs} ms`)
    assert.deepEqual([refused, right], [['ERR_IPC_LIMIT'], true])
  })

  test('in a worker ends with it at once, whatever it waits for, and leaves no thread', async () => {
    const [empty, full] = [newQueue(), newQueue(100)]
    assert.equal(fill(full, 50), 2)
    const before = waitingThreads()
    for (const way of ['recvSync', 'sendSync', 'recv', 'send', 'recvSync']) {
      const { id } = way.startsWith('send') ? full : empty
      await staysUnder(250, async () => {
        const worker = new Worker(fixture('sysv-queue-worker.js'), { workerData: { id, way } })
        await new Promise((resolve) => worker.once('message', resolve))
        await until(() => waitingThreads() > before, `${way} waits`)
        const took = await timeOf(() => worker.terminate())
        await until(() => waitingThreads() === before, `nobody waits after ${way}`)
        return took
      })
    }
    empty.trySend('still here')
    assert.deepEqual(brief(empty.tryRecv()), ['still here', 1])
  })

  test('by a blocking receive keeps its place before those that come later', async () => {
    const queue = newQueue()
    const script = (/** @type {string} */ word) => `
      import { SysvMessageQueue } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const queue = SysvMessageQueue.fromId(${queue.id})
      console.log('${word}', String(queue.recvSync().data))`
    const children = []
    for (const word of ['first', 'second']) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script(word)])
      children.push({ said: text(child.stdout) })
      await until(() => waitingThreads(Number(child.pid)) > 0, 'it blocks')
      // Longer than any slice.
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    queue.trySend('1')
    queue.trySend('2')
    assert.deepEqual(await Promise.all(children.map(({ said }) => said)), ['first 1\n', 'second 2\n'])
  })

  test('ends by its timeout, to the millisecond as far as one can tell', () => {
    const queue = newQueue(64)
    fill(queue)
    for (const timeout of [1, 20, 130]) {
      for (const call of [
        () => queue.recvSync({ type: 5, timeout }),
        () => queue.sendSync('x'.repeat(64), { timeout }),
      ]) {
        const began = performance.now()
        assert.throws(call, { code: 'ETIMEDOUT' })
        const took = performance.now() - began
        assert.ok(took >= timeout && took < timeout + 90, `${timeout} ms took ${took}`)
      }
    }
  })

  test('many at once are served in the order of the calls', async () => {
    const queue = newQueue()
    const order = /** @type {number[]} */ ([])
    const waits = Array.from({ length: 200 }, (_, i) => queue.recv().then(({ data }) => order.push(i, Number(data))))
    for (let i = 0; i < 200; i++) await queue.send(String(i))
    await Promise.all(waits)
    assert.deepEqual(
      order,
      Array.from({ length: 400 }, (_, i) => i >> 1),
    )
  })

  test('ends for an iteration that goes on to another queue', async () => {
    const queue = newQueue()
    for (const word of ['a', 'b']) queue.trySend(word, { type: 2 })
    const got = []
    for await (const { data } of queue.iterate({ type: 2 })) {
      got.push(String(data))
      if (got.length === 2) break
    }
    assert.deepEqual(got, ['a', 'b'])
    assert.equal(queue.closed, false)
  })
})

describe('a receiver that is killed', options, () => {
  test('takes at most the one message with it that it had taken and not told of yet', async () => {
    const queue = newQueue()
    let lost = 0
    for (let kill = 0; kill < 8; kill++) {
      const child = start(fixture('sysv-queue-receive-and-tell.js'), [queue.id])
      let sent = 0
      const end = performance.now() + 100 + Math.random() * 50
      while (performance.now() < end || child.stdout === '') await queue.send(String(sent++))
      const { stdout } = await child.kill()
      const seen = stdout.trim().split('\n').map(Number)
      for (let message = queue.tryRecv(); message; message = queue.tryRecv()) seen.push(Number(message.data))
      assert.equal(new Set(seen).size, seen.length, 'none has come twice')
      assert.ok(sent - seen.length <= 1, `${sent - seen.length} are lost with one kill`)
      lost += sent - seen.length
    }
    assert.ok(lost <= 8)
  })
})

describe('limits of the system', { ...options, ...needs('unshare') }, () => {
  test('are told by name, and messages may be longer than what may be sent now', { skip: !isRoot }, () => {
    const { status, stdout, stderr } = spawnSync('unshare', ['-i', process.execPath, fixture('sysv-queue-limits.js')], {
      encoding: 'utf8',
      timeout: 30_000,
    })
    assert.equal(status, 0, stderr)
    const { queues, tooLong, whole, cut, later } = JSON.parse(stdout)
    assert.equal(queues.code, 'ENOSPC')
    assert.match(queues.hint, /\/proc\/sys\/kernel\/msgmni.*sysctl/)
    assert.equal(tooLong.code, 'EMSGSIZE')
    assert.deepEqual({ whole, cut, later }, { whole: Array(4).fill(true), cut: ['abc', 100_000], later: 400_000 })
  })
})

describe('the spec', () => {
  test('waits for threads that it has started to end', async () => {
    await until(() => threads() < 40, 'idle threads go')
  })
})
