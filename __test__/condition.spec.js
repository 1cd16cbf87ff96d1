/** Conditions: who is woken, how many, and that the mutex is held again in every case. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Condition, Mutex, RwLock } from '../index.js'
import { elsewhere, inWorker, newName, unlinkAfter, waitingIn } from './support/locks.js'
import { until } from './support/state.js'

const options = { timeout: 60_000 }

/** Waits once, says so, and goes. */
const WAIT = `
  const mutex = ipc.Mutex.open(words[0])
  const condition = ipc.Condition.open(words[1])
  const guard = await mutex.lock()
  await condition.wait(guard)
  say('woken', mutex.locked)
  guard.unlock()
  process.exit()
`

unlinkAfter()

function newPair() {
  const names = [newName('mutex'), newName('condition')]
  const [mutex, condition] = [Mutex.open(names[0]), Condition.open(names[1])]
  const close = () => {
    mutex.close()
    condition.close()
  }
  return { names, mutex, condition, close }
}

/** How many are counted. @param {string[]} names */
const counted = (names) => waitingIn('condition', names[1], 1).value

describe('a condition', options, () => {
  test('wakes one for each notify, and tells how many it has woken', async () => {
    const { names, mutex, condition, close } = newPair()
    assert.equal(condition.notify(), 0)
    const children = [0, 1, 2].map(() => elsewhere(WAIT, names))
    await until(() => counted(names) === 3, 'all wait')
    // They are counted before they give it up.
    await until(() => !mutex.locked, 'the mutex is free')
    const guard = mutex.lockSync()
    assert.equal(condition.notify(), 1)
    assert.equal(condition.notify(0), 0)
    guard.unlock()
    await Promise.race(children.map((child) => child.succeeded()))
    await sleep(20)
    assert.equal(children.filter(({ stdout }) => stdout === 'woken true\n').length, 1)
    assert.equal(condition.notify(Number.POSITIVE_INFINITY), 2)
    await Promise.all(children.map((child) => child.succeeded()))
    assert.equal(condition.notify(5), 0)
    assert.equal(mutex.locked, false)
    close()
  })

  test('wakes whoever has begun to wait before the mutex was free, however soon the notify comes', async () => {
    const { mutex, condition, close } = newPair()
    for (let round = 0; round < 200; round++) {
      const guard = mutex.lockSync()
      const waiting = condition.wait(guard, { timeout: 5000 })
      const next = mutex.lockSync()
      assert.equal(condition.notify(), 1)
      next.unlock()
      await waiting
      assert.equal(mutex.tryLock(), undefined)
      guard.unlock()
    }
    close()
  })

  test('gives the guard up while waiting: nobody can use it meanwhile', async () => {
    const { mutex, condition, close } = newPair()
    const guard = await mutex.lock()
    const waiting = condition.wait(guard)
    assert.equal(mutex.locked, false)
    assert.throws(() => guard.unlock(), { code: 'ERR_INVALID_STATE' })
    await assert.rejects(condition.wait(guard), { code: 'ERR_INVALID_STATE' })
    assert.throws(() => condition.waitSync(guard), { code: 'ERR_INVALID_STATE' })
    condition.notify()
    await waiting
    assert.equal(mutex.locked, true)
    guard.unlock()
    assert.equal(mutex.locked, false)
    await assert.rejects(condition.wait(guard), { code: 'ERR_INVALID_STATE' })
    for (const wrong of [undefined, null, {}, 'guard', mutex]) {
      // @ts-expect-error no guards
      await assert.rejects(condition.wait(wrong), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    const lock = RwLock.open(newName('rwlock'))
    const other = lock.writeSync()
    await assert.rejects(condition.wait(other), { code: 'ERR_INVALID_ARG_TYPE' })
    other.unlock()
    lock.close()
    close()
  })

  test('holds the guard again before a timeout, an abort or a close rejects', async () => {
    const { mutex, condition, close } = newPair()
    const guard = mutex.lockSync()
    await assert.rejects(condition.wait(guard, { timeout: 10 }), { code: 'ETIMEDOUT' })
    assert.equal(mutex.locked, true)
    await assert.rejects(condition.wait(guard, { timeout: 0 }), { code: 'ETIMEDOUT' })
    await assert.rejects(condition.wait(guard, { signal: AbortSignal.abort(new Error('before')) }), /before/)
    assert.equal(mutex.locked, true)
    const controller = new AbortController()
    const aborted = condition.wait(guard, { signal: controller.signal })
    const blocking = mutex.lockSync()
    controller.abort(new Error('enough'))
    let settled = false
    const rejected = assert.rejects(aborted, /enough/).then(() => {
      settled = true
    })
    await sleep(20)
    assert.equal(settled, false)
    blocking.unlock()
    await rejected
    assert.equal(mutex.locked, true)
    const closed = condition.wait(guard)
    condition.close()
    await assert.rejects(closed, { code: 'ERR_IPC_CLOSED' })
    assert.equal(mutex.locked, true)
    guard.unlock()
    assert.equal(mutex.locked, false)
    close()
  })

  test('tells in the guard that its mutex was abandoned meanwhile', async () => {
    const { names, mutex, condition, close } = newPair()
    const guard = mutex.lockSync()
    assert.equal(guard.abandoned, false)
    const waiting = condition.wait(guard)
    const code = `await ipc.Mutex.open(words[0]).lock(); ipc.Condition.open(words[1]).notify(); process.kill(process.pid, 'SIGKILL')`
    await elsewhere(code, names).outcome
    await waiting
    assert.equal(guard.abandoned, true)
    guard.unlock()
    close()
  })

  test('has a blocking form that does the same, in the main thread and in workers', async () => {
    const { names, mutex, condition, close } = newPair()
    const guard = mutex.lockSync()
    assert.throws(() => condition.waitSync(guard, { timeout: 10 }), { code: 'ETIMEDOUT' })
    assert.equal(mutex.locked, true)
    assert.equal(counted(names), 0)
    guard.unlock()
    const code = `
      const guard = ipc.Mutex.open(words[0]).lockSync()
      ipc.Condition.open(words[1]).waitSync(guard)
      guard.unlock()
    `
    const worker = inWorker(code, names)
    const child = elsewhere(code, names)
    await until(() => counted(names) === 2, 'both wait')
    await sleep(150)
    assert.equal(condition.notify(Number.POSITIVE_INFINITY), 2)
    await Promise.all([once(worker, 'exit'), child.outcome])
    assert.equal(mutex.locked, false)
    const terminated = inWorker(code, names)
    await until(() => counted(names) === 1, 'it waits')
    await terminated.terminate()
    await until(() => counted(names) === 0, 'it is not counted any more')
    close()
  })

  test('does not lose a notify to whoever has given up or was killed', async () => {
    const { names, mutex, condition, close } = newPair()
    const victim = elsewhere(WAIT, names)
    await until(() => counted(names) === 1, 'it waits')
    const survivor = elsewhere(WAIT, names)
    await until(() => counted(names) === 2, 'both wait')
    await victim.kill()
    await until(() => counted(names) === 1, 'the dead is not counted')
    assert.equal(condition.notify(2), 1)
    await survivor.succeeded()
    // Nor does a notice that came too late for the dead wait for whoever comes next.
    const guard = mutex.lockSync()
    await assert.rejects(condition.wait(guard, { timeout: 20 }), { code: 'ETIMEDOUT' })
    guard.unlock()
    close()
  })

  test('counts: of notices and aborts at random, as many have returned as were told to have been woken', async () => {
    const { names, mutex, condition, close } = newPair()
    let woken = 0
    let returned = 0
    const waiters = Array.from({ length: 8 }, async (_, number) => {
      for (let round = 0; round < 60; round++) {
        const guard = await mutex.lock()
        try {
          await condition.wait(guard, { timeout: (number + round) % 4 })
          returned++
        } catch (error) {
          assert.equal(/** @type {any} */ (error).code, 'ETIMEDOUT')
        }
        guard.unlock()
      }
    })
    let going = true
    const notifier = (async () => {
      while (going) {
        woken += condition.notify(2)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    await Promise.all(waiters)
    going = false
    await notifier
    assert.ok(returned > 0)
    // One that was notified and gave up in the same moment passes it on; nobody returns without a notice.
    assert.ok(returned <= woken, `${returned} of ${woken}`)
    const left = waitingIn('condition', names[1], 1).value
    assert.equal(left, 0)
    assert.equal(mutex.locked, false)
    close()
  })

  test('is a bounded buffer of two processes, with nothing lost', async () => {
    const { SharedMemory } = await import('../index.js')
    const { names, mutex, condition, close } = newPair()
    const full = newName('condition')
    const memory = SharedMemory.open(`/os-ipc-spec-cv-${process.pid}`, { create: true, size: 4096 })
    const code = `
      const mutex = ipc.Mutex.open(words[0])
      const [filled, emptied] = [ipc.Condition.open(words[1]), ipc.Condition.open(words[2])]
      const { atomics } = ipc.SharedMemory.open(words[3])
      let sum = 0
      for (let i = 0; i < 500; i++) {
        const guard = await mutex.lock()
        while (atomics.load('i32', 0) === 0) await filled.wait(guard)
        sum += atomics.load('i32', 4 * atomics.sub('i32', 0, 1))
        emptied.notify()
        guard.unlock()
      }
      say(sum)
      process.exit()
    `
    const consumer = elsewhere(code, [...names, full, String(memory.name)])
    const emptied = Condition.open(full)
    for (let i = 1; i <= 500; i++) {
      const guard = await mutex.lock()
      while (memory.atomics.load('i32', 0) === 4) await emptied.wait(guard)
      memory.atomics.store('i32', 4 * (memory.atomics.add('i32', 0, 1) + 1), i)
      condition.notify()
      guard.unlock()
    }
    assert.equal(await consumer.succeeded(), `${(500 * 501) / 2}\n`)
    memory.unlink()
    memory.close()
    emptied.close()
    close()
  })

  test('tells EIDRM when it is unlinked, with the guard held again', async () => {
    const { names, mutex, condition, close } = newPair()
    const guard = mutex.lockSync()
    const waiting = condition.wait(guard)
    Condition.unlink(names[1])
    await assert.rejects(waiting, { code: 'EIDRM' })
    assert.equal(mutex.locked, true)
    assert.equal(condition.notify(), 0)
    const again = condition.wait(guard, { timeout: 1000 })
    assert.equal(condition.notify(), 1)
    await again
    // Without its mutex the guard holds nothing.
    const lost = condition.wait(guard, { timeout: 10 })
    mutex.close()
    await assert.rejects(lost, { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(condition.wait(guard), { code: 'ERR_INVALID_STATE' })
    close()
  })
})
