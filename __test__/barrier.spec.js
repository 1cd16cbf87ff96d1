/** Barriers: going on together, again and again, with parties that give up or die. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Barrier } from '../index.js'
import { elsewhere, inWorker, newName, unlinkAfter, waitingIn } from './support/locks.js'
import { until } from './support/state.js'

const options = { timeout: 60_000 }

const WAIT = `
  const { last } = await ipc.Barrier.open(words[0], { parties: Number(words[1]) }).wait()
  say(last)
  process.exit()
`

unlinkAfter()

/** @param {number} parties */
function newBarrier(parties) {
  const name = newName('barrier')
  return { name, barrier: Barrier.open(name, { parties }) }
}

/** How many have arrived. @param {string} name */
const arrived = (name) => waitingIn('barrier', name, 1).value

describe('a barrier', options, () => {
  test('counts nobody whose signal cannot be listened to', async () => {
    const { barrier } = newBarrier(2)
    const signal = /** @type {any} */ ({
      aborted: false,
      addEventListener() {
        throw new Error('no listeners here')
      },
      removeEventListener() {},
    })
    await assert.rejects(barrier.wait({ signal }), /no listeners here/)
    await assert.rejects(barrier.wait({ timeout: 10 }), { code: 'ETIMEDOUT' })
    barrier.close()
  })

  test('lets its parties go on when the last one has come, and tells that one', async () => {
    const { name, barrier } = newBarrier(3)
    assert.equal(barrier.parties, 3)
    const children = [0, 1].map(() => elsewhere(WAIT, [name, 3]))
    await until(() => arrived(name) === 2, 'both wait')
    assert.deepEqual(
      children.map(({ stdout }) => stdout),
      ['', ''],
    )
    assert.deepEqual(await barrier.wait(), { last: true })
    assert.deepEqual(await Promise.all(children.map((child) => child.succeeded())), ['false\n', 'false\n'])
    barrier.close()
  })

  test('is for one party no obstacle', async () => {
    const { barrier } = newBarrier(1)
    for (let i = 0; i < 100; i++) assert.deepEqual(await barrier.wait({ timeout: 0 }), { last: true })
    assert.deepEqual(barrier.waitSync(), { last: true })
    barrier.close()
  })

  test('keeps four processes in step for many generations, with one last in each', async () => {
    const { SharedMemory } = await import('../index.js')
    const { name, barrier } = newBarrier(4)
    const memory = SharedMemory.open(`/os-ipc-spec-bar-${process.pid}`, { create: true, size: 4096 })
    const code = `
      const barrier = ipc.Barrier.open(words[0], { parties: 4 })
      const { atomics } = ipc.SharedMemory.open(words[1])
      let [lasts, wrong] = [0, 0]
      for (let generation = 0; generation < 300; generation++) {
        atomics.add('i32', 0, 1)
        if ((words[2] === 'sync' ? barrier.waitSync() : await barrier.wait()).last) lasts++
        // All have counted, and nobody can be more than one generation ahead.
        const counted = atomics.load('i32', 0)
        if (counted < 4 * (generation + 1) || counted >= 4 * (generation + 2)) wrong++
      }
      say(lasts, wrong)
      process.exit()
    `
    const children = ['', '', 'sync', 'sync'].map((how) => elsewhere(code, [name, String(memory.name), how]))
    const told = await Promise.all(children.map((child) => child.succeeded()))
    assert.equal(
      told.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0),
      300,
    )
    assert.ok(told.every((text) => text.endsWith(' 0\n')))
    assert.equal(arrived(name), 0)
    memory.unlink()
    memory.close()
    barrier.close()
  })

  test('withdraws a party that times out, aborts, closes or is terminated', async () => {
    const { name, barrier } = newBarrier(2)
    await assert.rejects(barrier.wait({ timeout: 10 }), { code: 'ETIMEDOUT' })
    await assert.rejects(barrier.wait({ timeout: 0 }), { code: 'ETIMEDOUT' })
    await assert.rejects(barrier.wait({ signal: AbortSignal.abort(new Error('before')) }), /before/)
    assert.throws(() => barrier.waitSync({ timeout: 10 }), { code: 'ETIMEDOUT' })
    assert.throws(() => barrier.waitSync({ timeout: 0 }), { code: 'ETIMEDOUT' })
    const controller = new AbortController()
    const aborted = assert.rejects(barrier.wait({ signal: controller.signal }), /enough/)
    controller.abort(new Error('enough'))
    await aborted
    const other = Barrier.open(name, { parties: 2 })
    const closed = assert.rejects(other.wait(), { code: 'ERR_IPC_CLOSED' })
    other.close()
    await closed
    for (const code of [`ipc.Barrier.open(words[0], { parties: 2 }).waitSync()`, WAIT]) {
      const worker = inWorker(code, [name, 2])
      await until(() => arrived(name) === 1, 'the worker waits')
      const ended = once(worker, 'exit')
      await worker.terminate()
      await ended
      await until(() => arrived(name) === 0, 'it is withdrawn')
    }
    const waiting = barrier.wait()
    assert.deepEqual([await barrier.wait(), await waiting], [{ last: true }, { last: false }])
    barrier.close()
  })

  test('withdraws a party that is killed, and what it had counted in another generation is not taken back', async () => {
    const { name, barrier } = newBarrier(2)
    const first = elsewhere(
      `const b = ipc.Barrier.open(words[0], { parties: 2 }); await b.wait(); say('once'); await b.wait()`,
      [name],
    )
    await until(() => arrived(name) === 1, 'it waits')
    await barrier.wait()
    await first.says('once')
    await until(() => arrived(name) === 1, 'it waits again')
    await first.kill()
    await until(() => arrived(name) === 0, 'it is withdrawn')
    const waiting = barrier.wait()
    const second = elsewhere(WAIT, [name, 2])
    assert.deepEqual(await waiting, { last: false })
    assert.equal(await second.succeeded(), 'true\n')
    assert.equal(arrived(name), 0)
    barrier.close()
  })

  test('lets none go who was withdrawn, and none wait who was not: timeouts at random', async () => {
    const { name, barrier } = newBarrier(3)
    let [passed, lasts] = [0, 0]
    const parties = Array.from({ length: 6 }, async (_, number) => {
      for (let round = 0; round < 100; round++) {
        try {
          if ((await barrier.wait({ timeout: (number + round) % 3 })).last) lasts++
          passed++
        } catch (error) {
          assert.equal(/** @type {any} */ (error).code, 'ETIMEDOUT')
        }
      }
    })
    await Promise.all(parties)
    assert.ok(lasts > 0)
    assert.equal(passed, 3 * lasts)
    assert.equal(arrived(name), 0)
    barrier.close()
  })

  test('has one number of parties, from 1 to 32,767', () => {
    const { name, barrier } = newBarrier(2)
    assert.throws(() => Barrier.open(name, { parties: 3 }), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
    for (const parties of [0, -1, 1.5, 32_768, Number.NaN]) {
      assert.throws(() => Barrier.open(name, { parties }), { code: 'ERR_OUT_OF_RANGE' })
    }
    // @ts-expect-error how many is to be said
    assert.throws(() => Barrier.open(name), { code: 'ERR_INVALID_ARG_TYPE' })
    barrier.close()
  })

  test('tells EIDRM when it is unlinked, and is another one with the next call', async () => {
    const { name, barrier } = newBarrier(2)
    const waiting = barrier.wait()
    await sleep(5)
    Barrier.unlink(name)
    await assert.rejects(waiting, { code: 'EIDRM' })
    const other = Barrier.open(name, { parties: 2 })
    const again = barrier.wait({ timeout: 5000 })
    assert.deepEqual([await other.wait(), await again], [{ last: true }, { last: false }])
    other.close()
    barrier.close()
  })
})
