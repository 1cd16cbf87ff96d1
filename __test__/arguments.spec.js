/**
 * Wrong arguments: every value of a list, for every parameter that does not take it, is a TypeError or a RangeError with a
 * code, before the addon is called at all, and leaves nothing behind. Promise methods reject and never throw.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Fifo, PosixMessageQueue, pipe, pipeline } from '../index.js'
import native from '../lib/load.js'
import { closeAll, folder, openAll, queue, reader, semaphore, set, small, writer } from './arguments/objects.js'
import { parameters } from './arguments/parameters.js'
import { hostile, mine, revoked, thrower, values } from './arguments/values.js'
import { childrenOf, descriptors } from './support/state.js'

const CODES = new Set(['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE'])

describe('wrong arguments', () => {
  /** @type {string[]} */
  let called = []
  /** @type {Record<string, any>} */
  const originals = {}
  /** @type {any} */
  const addon = native

  before(async () => {
    await openAll()
    for (const [name, original] of Object.entries(addon)) {
      if (typeof original !== 'function') continue
      originals[name] = original
      addon[name] = (/** @type {any[]} */ ...args) => {
        called.push(name)
        return original(...args)
      }
    }
  })

  after(() => {
    Object.assign(addon, originals)
    closeAll()
  })

  /** @param {any} error @param {any} value @param {string} what */
  function check(error, value, what) {
    if (error === mine) return
    const fits = error instanceof TypeError || error instanceof RangeError
    // What the runtime says of a revoked proxy has no code.
    assert.ok(
      fits && (CODES.has(/** @type {any} */ (error).code) || value === revoked.proxy),
      `${what}: ${error?.stack}`,
    )
    assert.ok(error.message.length < 400, error.message)
  }

  test('are tried by more than forty values', () => assert.ok(Object.keys(values).length >= 40))

  for (const [name, { call, takes, promise }] of Object.entries(parameters)) {
    test(`${name}: refused before anything happens`, async () => {
      const open = descriptors()
      const children = childrenOf(process.pid)
      let refused = 0
      for (const [described, value] of Object.entries(values)) {
        if (!hostile.has(value) && takes(value)) continue
        const what = `${name} = ${described}`
        called = []
        if (promise) {
          const answer = call(value)
          assert.ok(answer instanceof Promise, `${what} gives a promise`)
          const outcome = await answer.then(
            () => assert.fail(`${what} was taken`),
            (/** @type {any} */ error) => error,
          )
          if (outcome?.code === 'ERR_ASSERTION') throw outcome
          check(outcome, value, what)
        } else {
          let thrown
          try {
            call(value)
          } catch (error) {
            thrown = error
          }
          assert.ok(thrown, `${what} was taken`)
          check(thrown, value, what)
        }
        assert.deepEqual(called, [], `${what}: calls of the addon`)
        refused++
      }
      assert.ok(refused > 20, `${refused}`)
      assert.equal(descriptors(), open)
      assert.deepEqual(childrenOf(process.pid), children)
      assert.deepEqual(readdirSync(folder), ['fifo'])
      assert.deepEqual([reader.pending, writer.pendingLimit, reader.closed, writer.closed], [4, 65_536, false, false])
      assert.deepEqual([queue.size, queue.closed], [1, false])
      assert.deepEqual([semaphore.value, semaphore.closed], [7, false])
      assert.ok(small.read().every((byte) => byte === 0xff) && small.size === 64, 'nothing was written')
      assert.deepEqual(set.values, [7, 8])
    })
  }

  test('a getter that throws: its own error, and nothing has happened', async () => {
    const open = descriptors()
    for (const [name, { call, promise }] of Object.entries(parameters)) {
      const [, option] = /options\.(\w+)$/.exec(name) ?? []
      if (option === undefined) continue
      const whole = parameters[name.replace(/\.\w+$/, '')]
      const options = Object.defineProperty({}, option, { get: thrower, enumerable: true })
      called = []
      assert.ok(call !== undefined)
      if (promise) await assert.rejects(whole.call(options), (error) => error === mine, name)
      else
        assert.throws(
          () => whole.call(options),
          (error) => error === mine,
          name,
        )
      assert.deepEqual(called, [], `${name}: calls of the addon`)
    }
    assert.equal(descriptors(), open)
    assert.equal(reader.pending, 4)
  })

  test('a getter is asked once', async () => {
    for (const name of Object.keys(parameters)) {
      const [, option] = /options\.(\w+)$/.exec(name) ?? []
      if (option === undefined) continue
      const whole = parameters[name.replace(/\.\w+$/, '')]
      let asked = 0
      const get = () => {
        asked++
        return Symbol('wrong')
      }
      const options = Object.defineProperty({}, option, { get, enumerable: true })
      await (async () => whole.call(options))().then(
        () => assert.fail(name),
        () => {},
      )
      assert.equal(asked, 1, name)
    }
  })

  test('a getter that closes the handle: ERR_IPC_CLOSED', async () => {
    const { reader, writer } = pipe()
    const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 2, maxMessageSize: 16 })
    queue.unlink()
    const closing = {
      get timeout() {
        reader.close()
        writer.close()
        queue.close()
        return undefined
      },
    }
    await assert.rejects(reader.recv(closing), { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(writer.send('x', closing), { code: 'ERR_IPC_CLOSED' })
    assert.throws(() => writer.sendSync('x', closing), { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(queue.send('x', closing), { code: 'ERR_IPC_CLOSED' })
  })

  test('a URL that names no file', () => {
    for (const url of ['http://localhost/x', 'file://host/x', 'file:///a%2Fb', 'file:///a%00b']) {
      assert.throws(() => Fifo.at(new URL(url)), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' })
    }
  })

  test('are named in the message, with what was received', async () => {
    await assert.rejects(reader.recv({ timeout: /** @type {any} */ ('5') }), {
      message: /^The "options\.timeout" property must be of type number\. Received type string \('5'\)$/,
    })
    assert.throws(() => writer.trySend(/** @type {any} */ (null)), {
      message: /^The "data" argument .* Received null$/,
    })
    assert.throws(() => pipe({ capacity: 0 }), { message: /"options\.capacity" property must be >= 1 .* Received/ })
    assert.throws(() => pipeline([['true'], /** @type {any} */ ('x')]), { message: /commands\[1\]/ })
  })
})
