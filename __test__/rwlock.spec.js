/** Read-write locks: who goes in with whom, in which order, and what the death of a holder leaves. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RwLock } from '../index.js'
import { elsewhere, holding, inWorker, killed, newName, unlinkAfter, waitingIn } from './support/locks.js'
import { staysUnder } from './support/pace.js'
import { until } from './support/state.js'

const options = { timeout: 60_000 }

/** Holds the lock in the way that is asked for until it is told to leave. */
const HOLD = holding('ipc.RwLock.open(words[0])[words[1]]()')

unlinkAfter()

function newLock(name = newName('rwlock')) {
  return { name, lock: RwLock.open(name) }
}

/** How many threads of processes stand in the kernel's queue for their turn. @param {string} name */
const queued = (name) => waitingIn('rwlock', name, 0).forMore

describe('a read-write lock', options, () => {
  test('lets readers in together, and a writer alone', () => {
    const { lock } = newLock()
    const [a, b] = [lock.tryRead(), lock.tryRead()]
    assert.ok(a && b)
    assert.equal(lock.tryWrite(), undefined)
    a.unlock()
    assert.equal(lock.tryWrite(), undefined)
    b.unlock()
    b.unlock()
    const writer = lock.tryWrite()
    assert.ok(writer)
    assert.equal(lock.tryRead(), undefined)
    assert.equal(lock.tryWrite(), undefined)
    assert.throws(() => lock.readSync({ timeout: 5 }), { code: 'ETIMEDOUT' })
    assert.throws(() => lock.writeSync({ timeout: 5 }), { code: 'ETIMEDOUT' })
    writer.unlock()
    lock.readSync().unlock()
    lock.writeSync({ timeout: 0 }).unlock()
    lock.close()
    assert.throws(() => lock.tryRead(), { code: 'ERR_IPC_CLOSED' })
  })

  test('serves processes in the groups in which they came: r r w r r w r', async () => {
    const { name, lock } = newLock()
    const first = lock.writeSync()
    const arrivals = ['read', 'read', 'write', 'read', 'read', 'write', 'read']
    const children = []
    for (const [index, how] of arrivals.entries()) {
      children.push(elsewhere(HOLD, [name, how]))
      await until(() => queued(name) === index + 1, `${index} waits`)
    }
    first.unlock()
    for (const group of [[0, 1], [2], [3, 4], [5], [6]]) {
      await Promise.all(group.map((index) => children[index].says('in')))
      // Those behind have not come in, and will not before these leave.
      const inside = children.flatMap(({ stdout }, index) =>
        stdout.includes('in') && !stdout.includes('out') ? [index] : [],
      )
      assert.deepEqual(inside, group)
      for (const index of group) children[index].tell('leave')
      await Promise.all(group.map((index) => children[index].says('out')))
    }
    await Promise.all(children.map((child) => child.succeeded()))
    lock.close()
  })

  test('serves promises of one handle in the same groups', async () => {
    const { lock } = newLock()
    const first = lock.writeSync()
    /** @type {Set<number>} */
    const inside = new Set()
    /** @type {number[][]} */
    const groups = []
    const enter = async (/** @type {'read' | 'write'} */ how, /** @type {number} */ index) => {
      const guard = await lock[how]()
      inside.add(index)
      await sleep(10)
      groups.push([...inside])
      await sleep(5)
      inside.delete(index)
      guard.unlock()
    }
    const arrivals = /** @type {const} */ (['read', 'read', 'write', 'read', 'read', 'write', 'read'])
    const all = arrivals.map(enter)
    first.unlock()
    await Promise.all(all)
    assert.deepEqual([...new Set(groups.map((group) => group.join()))], ['0,1', '2', '3,4', '5', '6'])
    lock.close()
  })

  test('keeps late readers behind a writer that waits', async () => {
    const { name, lock } = newLock()
    const reader = lock.readSync()
    const writer = elsewhere(HOLD, [name, 'write'])
    // It has the turn, and waits for the readers to leave.
    await until(() => waitingIn('rwlock', name, 1).forZero === 1, 'the writer waits')
    assert.equal(lock.tryRead(), undefined)
    reader.unlock()
    await writer.says('in')
    const late = lock.read()
    writer.tell('leave')
    ;(await late).unlock()
    await writer.succeeded()
    lock.close()
  })

  test('keeps a late reader behind the writer of another process, though one of its own handle stands before', async () => {
    const { name, lock } = newLock()
    const first = lock.writeSync()
    const early = [lock.read(), lock.read()]
    await until(() => queued(name) === 1, 'the readers wait')
    const writer = elsewhere(HOLD, [name, 'write'])
    await until(() => queued(name) === 2, 'the writer waits')
    const late = lock.read()
    let isIn = false
    late.then(() => {
      isIn = true
    })
    first.unlock()
    const guards = await Promise.all(early)
    // The writer has the turn, and the late one stands behind it.
    await until(() => queued(name) === 1 && waitingIn('rwlock', name, 1).forZero === 1, 'both wait')
    assert.equal(isIn, false)
    for (const guard of guards) guard.unlock()
    await writer.says('in')
    assert.equal(isIn, false)
    writer.tell('leave')
    ;(await late).unlock()
    await writer.succeeded()
    lock.close()
  })

  test('is there for the try forms as soon as whoever waited has given up', async () => {
    const { lock } = newLock()
    for (let round = 0; round < 300; round++) {
      const reader = lock.readSync()
      const controller = new AbortController()
      const writing = assert.rejects(lock.write({ signal: controller.signal }), /enough/)
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      // The writer's thread keeps readers out until it has gone, and goes on by itself if the reader leaves.
      if (round % 3 === 0) reader.unlock()
      controller.abort(new Error('enough'))
      if (round % 3 !== 0) reader.unlock()
      const guard = [() => lock.tryRead(), () => lock.tryWrite(), () => lock.read({ timeout: 0 })][round % 3]()
      assert.ok(guard, `round ${round}`)
      ;(await guard).unlock()
      await writing
    }
    lock.close()
  })

  test('goes on to the readers when a writer before them gives up', async () => {
    const { lock } = newLock()
    const reader = lock.readSync()
    const controller = new AbortController()
    const aborted = assert.rejects(lock.write({ signal: controller.signal }), /enough/)
    const readers = [lock.read(), lock.read()]
    const timed = assert.rejects(lock.write({ timeout: 20 }), { code: 'ETIMEDOUT' })
    await sleep(5)
    controller.abort(new Error('enough'))
    await aborted
    for (const guard of await Promise.all(readers)) guard.unlock()
    await timed
    reader.unlock()
    ;(await lock.write({ timeout: 1000 })).unlock()
    lock.close()
  })

  test('gives nothing to a blocking form that a promise of the same handle keeps for itself', async () => {
    const { lock } = newLock()
    for (let round = 0; round < 500; round++) {
      const first = lock.writeSync()
      const waiting = [lock.write(), lock.read(), lock.write()].map((taken) => taken.then((guard) => guard.unlock()))
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      first.unlock()
      if (round % 3 === 0) lock.readSync().unlock()
      else lock.writeSync().unlock()
      await Promise.all(waiting)
    }
    lock.close()
  })

  test('is never held by a reader and a writer, or by two writers, of many processes', async () => {
    const { SharedMemory } = await import('../index.js')
    const { name, lock } = newLock()
    const memory = SharedMemory.open(`/os-ipc-spec-rw-${process.pid}`, { create: true, size: 4096 })
    const code = `
      const lock = ipc.RwLock.open(words[0])
      const { atomics } = ipc.SharedMemory.open(words[1])
      let wrong = 0
      for (let i = 0; i < 150; i++) {
        const write = (i + Number(words[2])) % 4 === 0
        const guard = write ? await lock.write() : await lock.read()
        atomics.add('i32', write ? 0 : 4, 1)
        if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
        const [writers, readers] = [atomics.load('i32', 0), atomics.load('i32', 4)]
        if (write ? writers !== 1 || readers !== 0 : writers !== 0) wrong++
        atomics.sub('i32', write ? 0 : 4, 1)
        guard.unlock()
      }
      say(wrong)
      process.exit()
    `
    const children = [0, 1, 2, 3].map((number) => elsewhere(code, [name, String(memory.name), number]))
    const wrong = await Promise.all(children.map((child) => child.succeeded()))
    assert.deepEqual(wrong, ['0\n', '0\n', '0\n', '0\n'])
    memory.unlink()
    memory.close()
    lock.close()
  })
})

describe('the holder of a read-write lock', options, () => {
  test('is a reader that is killed: a writer goes in within 100 ms, and nothing was abandoned', async () => {
    const { name, lock } = newLock()
    await staysUnder(100, async () => {
      const reader = elsewhere(HOLD, [name, 'read'])
      await reader.says('in')
      const waiting = lock.write()
      const { guard, passed } = await killed(reader, waiting)
      assert.equal(guard.abandoned, false)
      guard.unlock()
      await reader.outcome
      return passed
    })
    lock.close()
  })

  test('is a writer that is killed: whoever comes is told, until a writer has given it back', async () => {
    const { name, lock } = newLock()
    const writer = elsewhere(HOLD, [name, 'write'])
    await writer.says('in')
    const waiting = [lock.read(), lock.read()]
    await sleep(5)
    await writer.kill()
    const readers = await Promise.all(waiting)
    assert.deepEqual(
      readers.map(({ abandoned }) => abandoned),
      [true, true],
    )
    for (const guard of readers) guard.unlock()
    const repairing = await lock.write()
    assert.equal(repairing.abandoned, true)
    repairing.unlock()
    const reading = await lock.read()
    assert.equal(reading.abandoned, false)
    reading.unlock()
    assert.equal(lock.tryWrite()?.abandoned, false)
    lock.close()
  })

  test('is a worker that ends: what it read and wrote is free', async () => {
    const { name, lock } = newLock()
    for (const how of ['readSync', 'writeSync']) {
      const worker = inWorker(`globalThis.kept = ipc.RwLock.open(words[0])[words[1]](); setInterval(() => {}, 1000)`, [
        name,
        how,
      ])
      await until(() => {
        const guard = lock.tryWrite()
        guard?.unlock()
        return guard === undefined
      }, 'the worker holds it')
      const waiting = lock.write({ timeout: 5000 })
      await worker.terminate()
      const guard = await waiting
      assert.equal(guard.abandoned, how === 'writeSync')
      guard.unlock()
    }
    lock.close()
  })

  test('was a writer killed while it waited for the readers: the turn goes on', async () => {
    const { name, lock } = newLock()
    const reader = lock.readSync()
    const writer = elsewhere(HOLD, [name, 'write'])
    await until(() => waitingIn('rwlock', name, 1).forZero === 1, 'the writer waits')
    await writer.kill()
    const more = await lock.read({ timeout: 1000 })
    assert.equal(more.abandoned, false)
    more.unlock()
    reader.unlock()
    lock.close()
  })

  test('is told EIDRM while waiting when it is unlinked', async () => {
    const { name, lock } = newLock()
    const guard = lock.writeSync()
    const waiting = [lock.read(), lock.write(), lock.read()].map((taken) => assert.rejects(taken, { code: 'EIDRM' }))
    await sleep(5)
    RwLock.unlink(name)
    await Promise.all(waiting)
    guard.unlock()
    ;(await lock.write({ timeout: 1000 })).unlock()
    lock.close()
  })

  test('terminated in writeSync, a worker leaves the line', async () => {
    const { name, lock } = newLock()
    const reader = lock.readSync()
    const worker = inWorker('ipc.RwLock.open(words[0]).writeSync()', [name])
    await until(() => waitingIn('rwlock', name, 1).forZero === 1, 'the worker waits')
    const ended = once(worker, 'exit')
    await worker.terminate()
    await ended
    await until(() => waitingIn('rwlock', name, 1).forZero === 0, 'it has left')
    lock.tryRead()?.unlock()
    reader.unlock()
    const writer = lock.tryWrite()
    assert.ok(writer)
    writer.unlock()
    lock.close()
  })
})
