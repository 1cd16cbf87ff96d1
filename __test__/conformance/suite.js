/**
 * What every transport promises, whatever the kernel calls it: order, loss, waiting, giving up, closing. One row of
 * transports.js is enough to have another one asked the same.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { start } from '../support/child.js'
import { descriptors, isAlive, turn } from '../support/state.js'
import { Count, LENGTH, numbered } from './numbered.js'

const peer = fileURLToPath(new URL('./peer.js', import.meta.url))

/** @typedef {import('./transports.js').Transport} Transport */

/** @param {Transport} row */
export function conformance(row) {
  const { name, data, open } = row

  /**
   * A test with two ends of its own, which are closed after it; what it leaves open fails it.
   * @param {string} title
   * @param {(ends: { sender: any, receiver: any }) => Promise<void>} body
   */
  function promise(title, body) {
    test(title, { timeout: 20_000 }, async ({ signal }) => {
      const ends = await open()
      const close = () => {
        ends.sender.close()
        ends.receiver.close()
      }
      // When the time is up: what is pending would keep the whole spec from ending.
      signal.addEventListener('abort', close)
      try {
        await body(ends)
      } finally {
        close()
      }
    })
  }

  /** What needs more than one handle of the same end. @type {typeof promise} */
  const ofCopies = row.exclusive ? () => {} : promise
  /** What needs the receiver in another process. @type {typeof promise} */
  const ofReceivers = row.stays ? () => {} : promise

  /**
   * @param {string} role
   * @param {any} handle
   * @param {(string | number)[]} [words]
   * @param {Parameters<typeof start>[2]} [options]
   */
  const give = (role, handle, words = [], options = {}) => {
    const child = start(peer, [name, role, ...words], { ...options, handles: [handle] })
    // What stays open here too would have no end.
    if (row.shared && row.ends) queueMicrotask(() => handle.close())
    return child
  }

  /** The words for one who receives all: how many that is, where no end tells it. @param {number} count */
  const allOf = (count) => (row.ends ? [] : [count])

  /** Sends until nothing more fits, and says how many bytes did. @param {any} sender */
  function fill(sender) {
    const piece = Buffer.alloc(Math.min(row.largest, 4096), 'f')
    let bytes = 0
    for (;;) {
      const sent = sender.trySend(piece)
      if (!sent) break
      bytes += sent === true ? piece.length : sent
    }
    // Where room is counted in bytes there may be some for less.
    while (row.exclusive && sender.trySend('f')) bytes++
    return bytes
  }

  /** Takes everything that is there, or all up to so many bytes: room may well be taken at once. @param {any} receiver */
  function drain(receiver, most = Number.POSITIVE_INFINITY) {
    let bytes = 0
    while (bytes < most) {
      const message = receiver.tryRecv()
      if (message === undefined || message === null) break
      bytes += data(message).length
    }
    return bytes
  }

  /** @param {any} message */
  const text = (message) => data(message).toString()

  describe(name, () => {
    describe('between two processes', () => {
      promise('everything that one sends arrives at the other, in order', async ({ sender, receiver }) => {
        const child = give('send numbers', sender, [5000])
        const count = new Count()
        while (count.next < 5000) count.take(data(await receiver.recv()))
        if (row.ends) assert.equal(await receiver.recv(), null)
        await child.succeeded()
      })

      ofReceivers('and the other way', async ({ sender, receiver }) => {
        const child = give('receive all', receiver, allOf(2000))
        const hash = createHash('sha256')
        for (let i = 0; i < 2000; i++) {
          await sender.send(numbered(i))
          hash.update(numbered(i))
        }
        sender.close()
        const told = JSON.parse(await child.succeeded())
        assert.equal(told.bytes, 2000 * LENGTH)
        if (row.boundaries) assert.equal(told.messages, 2000)
        assert.equal(told.hash, hash.digest('hex'))
      })

      if (row.boundaries) {
        promise('messages of every length stay whole and apart', async ({ sender, receiver }) => {
          const lengths = [1, 2, 7, 8, 9, 63, 64, 65, 1023, 1024, 1025, Math.min(row.largest, 4096)]
          const sends = lengths.map((length) => sender.send(Buffer.alloc(length, length & 255)))
          for (const length of lengths) {
            assert.deepEqual(data(await receiver.recv()), Buffer.alloc(length, length & 255))
          }
          await Promise.all(sends)
        })

        promise('a message that is too long is EMSGSIZE and nothing of it is sent', async ({ sender, receiver }) => {
          const long = Buffer.alloc(row.largest + 1)
          await assert.rejects(sender.send(long), { code: 'EMSGSIZE' })
          assert.throws(() => sender.trySend(long), { code: 'EMSGSIZE' })
          assert.throws(() => sender.sendSync(long), { code: 'EMSGSIZE' })
          assert.equal(receiver.tryRecv(), undefined)
        })
      } else {
        promise('a message longer than the transport holds arrives whole', async ({ sender, receiver }) => {
          const child = give('receive all', receiver)
          const message = Buffer.alloc(5_000_001, 'abcdefg')
          await sender.send(message)
          sender.close()
          const { bytes, hash } = JSON.parse(await child.succeeded())
          assert.equal(bytes, message.length)
          assert.equal(hash, createHash('sha256').update(message).digest('hex'))
        })
      }

      ofReceivers('64 sends at once to a slow receiver arrive whole and in the order of the calls', async (ends) => {
        const { sender, receiver } = ends
        const child = give('receive all when told', receiver, allOf(64), { stdin: 'pipe' })
        await child.says('ready')
        const length = Math.min(row.largest, 1 << 20)
        const hash = createHash('sha256')
        const sends = Array.from({ length: 64 }, (_, i) => {
          const message = Buffer.alloc(length, `${i},`)
          hash.update(message)
          return sender.send(message)
        })
        child.tell('go')
        await Promise.all(sends)
        sender.close()
        const { bytes, hash: got } = JSON.parse((await child.succeeded()).slice('ready'.length))
        assert.deepEqual({ bytes, got }, { bytes: 64 * length, got: hash.digest('hex') })
      })

      promise('a blocking receive waits for what the other process sends', async ({ sender, receiver }) => {
        const child = give('send after a while', sender)
        await child.says('ready')
        assert.equal(text(receiver.recvSync({ timeout: 10_000 })), 'late')
        if (row.ends) assert.equal(receiver.recvSync({ timeout: 10_000 }), null)
        await child.succeeded()
      })

      promise('a receive that is aborted at any moment loses and doubles nothing', async ({ sender, receiver }) => {
        const total = 1000
        const child = give('send numbers with pauses', sender, [total])
        const count = new Count()
        let aborted = 0
        for (let round = 0; count.next < total; round++) {
          const controller = new AbortController()
          const pending = receiver.recv({ signal: controller.signal })
          if (round % 3 === 0) await turn()
          else if (round % 3 === 1) await undefined
          else setImmediate(() => controller.abort())
          if (round % 3 !== 2) controller.abort()
          try {
            const message = await pending
            count.take(data(message))
          } catch (error) {
            assert.equal(error, controller.signal.reason)
            aborted++
          }
        }
        assert.ok(aborted > 0)
        await child.succeeded()
        assert.equal(receiver.tryRecv() ?? null, null)
      })

      promise('a receive with a short timeout loses and doubles nothing', async ({ sender, receiver }) => {
        const total = 500
        const child = give('send numbers with pauses', sender, [total])
        const count = new Count()
        for (let round = 0; count.next < total; round++) {
          try {
            count.take(data(await receiver.recv({ timeout: round % 3 })))
          } catch (error) {
            assert.equal(/** @type {any} */ (error).code, 'ETIMEDOUT')
          }
        }
        await child.succeeded()
      })
    })

    describe('timeout', () => {
      promise('0 never waits', async ({ sender, receiver }) => {
        await assert.rejects(receiver.recv({ timeout: 0 }), { name: 'Error', code: 'ETIMEDOUT', errno: -110 })
        assert.throws(() => receiver.recvSync({ timeout: 0 }), { code: 'ETIMEDOUT' })
        fill(sender)
        await assert.rejects(sender.send('x', { timeout: 0 }), { code: 'ETIMEDOUT' })
        assert.throws(() => sender.sendSync('x', { timeout: 0 }), { code: 'ETIMEDOUT' })
      })

      promise('0 takes what can be had at once', async ({ sender, receiver }) => {
        await sender.send('a', { timeout: 0 })
        assert.equal(text(await receiver.recv({ timeout: 0 })), 'a')
        sender.sendSync('b', { timeout: 0 })
        assert.equal(text(receiver.recvSync({ timeout: 0 })), 'b')
      })

      promise('0 takes what is there behind another receive, which is served first', async ({ sender, receiver }) => {
        const first = receiver.recv(row.boundaries ? {} : { maxBytes: 1 })
        sender.trySend('a')
        sender.trySend('b')
        assert.equal(text(await receiver.recv({ timeout: 0 })), 'b')
        assert.equal(text(await first), 'a')
      })

      promise('N gives up after N milliseconds, not before', async ({ sender, receiver }) => {
        fill(sender)
        const began = performance.now()
        await assert.rejects(sender.send('x', { timeout: 30 }), { code: 'ETIMEDOUT' })
        const sent = performance.now() - began
        drain(receiver)
        await assert.rejects(receiver.recv({ timeout: 30 }), { code: 'ETIMEDOUT' })
        assert.throws(() => receiver.recvSync({ timeout: 30 }), { code: 'ETIMEDOUT' })
        assert.ok(sent >= 30 && performance.now() - began >= 90)
      })

      promise('what comes after a timeout goes to the next receive', async ({ sender, receiver }) => {
        await assert.rejects(receiver.recv({ timeout: 1 }), { code: 'ETIMEDOUT' })
        await sender.send('kept')
        assert.equal(text(await receiver.recv()), 'kept')
      })

      promise('longer than any timer of the runtime still waits', async ({ sender, receiver }) => {
        for (const timeout of [2 ** 31, 2 ** 53, Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
          const pending = receiver.recv({ timeout })
          await sleep(5)
          await sender.send('a')
          assert.equal(text(await pending), 'a')
        }
      })

      promise('may be a fraction', async ({ receiver }) => {
        await assert.rejects(receiver.recv({ timeout: 0.5 }), { code: 'ETIMEDOUT' })
      })

      promise('that is no number >= 0 is refused and takes nothing', async ({ sender, receiver }) => {
        await sender.send('kept')
        for (const timeout of [Number.NaN, -1, -Number.MIN_VALUE, Number.NEGATIVE_INFINITY]) {
          const error = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
          await assert.rejects(receiver.recv({ timeout }), error)
          assert.throws(() => receiver.recvSync({ timeout }), error)
          await assert.rejects(sender.send('x', { timeout }), error)
          assert.throws(() => sender.sendSync('x', { timeout }), error)
        }
        for (const timeout of [null, '5', 5n, true, {}, []]) {
          const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
          await assert.rejects(receiver.recv({ timeout }), error)
          assert.throws(() => receiver.recvSync({ timeout }), error)
        }
        assert.equal(text(receiver.tryRecv()), 'kept')
      })
    })

    describe('abort', () => {
      promise('that has happened already rejects with its reason and takes nothing', async ({ sender, receiver }) => {
        await sender.send('kept')
        const reason = new Error('mine')
        const signal = AbortSignal.abort(reason)
        await assert.rejects(receiver.recv({ signal }), (error) => error === reason)
        await assert.rejects(receiver.recv({ signal, timeout: 0 }), (error) => error === reason)
        await assert.rejects(sender.send('x', { signal }), (error) => error === reason)
        assert.equal(text(receiver.tryRecv()), 'kept')
        assert.equal(receiver.tryRecv(), undefined)
      })

      promise('while waiting rejects with the very reason, whatever that is', async ({ sender, receiver }) => {
        for (const reason of [new Error('mine'), undefined, null, 'words', 7, Object.freeze({ why: 'frozen' })]) {
          const controller = new AbortController()
          const pending = receiver.recv({ signal: controller.signal })
          setImmediate(() => controller.abort(reason))
          await assert.rejects(pending, (error) => error === controller.signal.reason)
        }
        await sender.send('kept')
        assert.equal(text(await receiver.recv()), 'kept')
      })

      promise('of a send that waits', async ({ sender, receiver }) => {
        const room = fill(sender)
        const reason = new Error('mine')
        const controller = new AbortController()
        const pending = sender.send('never', { signal: controller.signal })
        setImmediate(() => controller.abort(reason))
        await assert.rejects(pending, (error) => error === reason)
        assert.equal(drain(receiver), room)
        await sender.send('next')
        assert.equal(text(await receiver.recv()), 'next')
      })

      promise('keeps the stack of a reason that is an error', async ({ receiver }) => {
        const reason = new Error('mine')
        const { stack } = reason
        const controller = new AbortController()
        const pending = receiver.recv({ signal: controller.signal })
        controller.abort(reason)
        await assert.rejects(pending)
        assert.equal(reason.stack, stack)
      })

      promise('leaves no listener behind, however the wait ends', async ({ sender, receiver }) => {
        const controller = new AbortController()
        const { signal } = controller
        const listeners = () => getEventListeners(signal, 'abort').length
        const pending = receiver.recv({ signal })
        assert.equal(listeners(), 1)
        await sender.send('a')
        await pending
        assert.equal(listeners(), 0)
        await assert.rejects(receiver.recv({ signal, timeout: 1 }), { code: 'ETIMEDOUT' })
        assert.equal(listeners(), 0)
        const closed = assert.rejects(receiver.recv({ signal }), { code: 'ERR_IPC_CLOSED' })
        receiver.close()
        await closed
        assert.equal(listeners(), 0)
      })

      promise('of one signal ends the hundred waits that it was given to', async ({ receiver }) => {
        const controller = new AbortController()
        const { signal } = controller
        const waits = Array.from({ length: 100 }, () => receiver.recv({ signal }))
        assert.equal(getEventListeners(signal, 'abort').length, 1)
        controller.abort()
        const outcomes = await Promise.allSettled(waits)
        assert.ok(outcomes.every(({ status, reason }) => status === 'rejected' && reason === signal.reason))
      })

      promise('takes one wait out of the middle of the queue', async ({ sender, receiver }) => {
        const options = row.boundaries ? {} : { maxBytes: 1 }
        const controller = new AbortController()
        const first = receiver.recv(options)
        const second = receiver.recv({ ...options, signal: controller.signal })
        const third = receiver.recv(options)
        controller.abort()
        await assert.rejects(second, { name: 'AbortError' })
        sender.trySend('1')
        sender.trySend('3')
        assert.deepEqual([text(await first), text(await third)], ['1', '3'])
      })
    })

    describe('close', () => {
      ofCopies('ends 64 pending receives once each, and takes nothing after it', async ({ sender, receiver }) => {
        const other = receiver.dup()
        try {
          let settled = 0
          const settle = () => settled++
          const waits = Array.from({ length: 64 }, () => receiver.recv())
          const outcomes = Promise.allSettled(waits)
          for (const wait of waits) wait.then(settle, settle)
          receiver.close()
          const sends = Array.from({ length: 64 }, (_, i) => sender.send(numbered(i)))
          for (const { status, reason } of /** @type {any[]} */ (await outcomes)) {
            assert.deepEqual([status, reason.code], ['rejected', 'ERR_IPC_CLOSED'])
          }
          assert.equal(settled, 64)
          const count = new Count()
          while (count.next < 64) count.take(data(await other.recv()))
          await Promise.all(sends)
        } finally {
          other.close()
        }
      })

      promise('ends pending sends', async ({ sender }) => {
        fill(sender)
        const waits = Array.from({ length: 64 }, () => sender.send('x'))
        sender.close()
        for (const { status, reason } of await Promise.allSettled(waits)) {
          assert.deepEqual([status, reason.code], ['rejected', 'ERR_IPC_CLOSED'])
        }
      })

      promise('twice is once, and everything after it is ERR_IPC_CLOSED', async ({ sender, receiver }) => {
        for (const handle of [sender, receiver]) {
          assert.equal(handle.closed, false)
          handle.close()
          handle.close()
          assert.equal(handle.closed, true)
          if ('fd' in handle) assert.equal(handle.fd, -1)
          assert.throws(() => handle.dup(), { code: 'ERR_IPC_CLOSED' })
          assert.throws(() => handle.detach(), { code: 'ERR_IPC_CLOSED' })
          assert.equal(handle.ref(), handle)
          assert.equal(handle.unref(), handle)
        }
        const closed = { name: 'Error', code: 'ERR_IPC_CLOSED' }
        await assert.rejects(receiver.recv(), closed)
        await assert.rejects(receiver.recv({ timeout: 0 }), closed)
        assert.throws(() => receiver.tryRecv(), closed)
        assert.throws(() => receiver.recvSync(), closed)
        await assert.rejects(sender.send('x'), closed)
        assert.throws(() => sender.trySend('x'), closed)
        assert.throws(() => sender.sendSync('x'), closed)
      })

      promise('is what Symbol.dispose does', async ({ sender, receiver }) => {
        for (const handle of [sender, receiver]) {
          handle[Symbol.dispose ?? Symbol.for('nodejs.dispose')]()
          assert.equal(handle.closed, true)
        }
      })

      if (!row.numberless) {
        ofCopies('gives its descriptor back at once, also after waits', async ({ sender, receiver }) => {
          const before = descriptors()
          const copies = [receiver.dup(), receiver.dup(), sender.dup()]
          for (const copy of copies.slice(0, 2)) await assert.rejects(copy.recv({ timeout: 0 }), { code: 'ETIMEDOUT' })
          const waits = copies.slice(0, 2).map((copy) => assert.rejects(copy.recv(), { code: 'ERR_IPC_CLOSED' }))
          const open = descriptors()
          for (const copy of copies) copy.close()
          assert.ok(open - descriptors() >= copies.length)
          await Promise.all(waits)
          // A reactor that the first wait has started stays.
          assert.ok(descriptors() - before <= 8)
        })
      }
    })

    describe('try and sync forms', () => {
      promise('tryRecv gives undefined where nothing is there, and never waits', async ({ sender, receiver }) => {
        assert.equal(receiver.tryRecv(), undefined)
        sender.trySend('a')
        assert.equal(text(receiver.tryRecv()), 'a')
        assert.equal(receiver.tryRecv(), undefined)
      })

      promise('tryRecv and recvSync take what is there even while promises wait', async ({ sender, receiver }) => {
        const waiting = receiver.recv()
        sender.trySend('first')
        assert.equal(text(receiver.tryRecv()), 'first')
        sender.trySend('second')
        assert.equal(text(receiver.recvSync()), 'second')
        await turn()
        sender.trySend('third')
        assert.equal(text(await waiting), 'third')
      })

      promise('promises are served first come, first served', async ({ sender, receiver }) => {
        const options = row.boundaries ? {} : { maxBytes: 1 }
        const waits = Array.from({ length: 10 }, () => receiver.recv(options))
        const sends = [...'0123456789'].map((digit) => sender.send(digit))
        assert.deepEqual((await Promise.all(waits)).map(text), [...'0123456789'])
        await Promise.all(sends)
      })

      promise('trySend sends nothing while sends are queued', async ({ sender, receiver }) => {
        const room = fill(sender)
        const queued = sender.send('queued')
        assert.ok(!sender.trySend('x'))
        assert.equal(drain(receiver, room), room)
        assert.ok(!sender.trySend('x'), 'the queued one is still ahead')
        await queued
        assert.equal(text(receiver.tryRecv()), 'queued')
        assert.ok(sender.trySend('x'))
        assert.equal(text(receiver.tryRecv()), 'x')
      })

      promise('sendSync first sends what is queued', async ({ sender, receiver }) => {
        const room = fill(sender)
        const queued = sender.send('1')
        assert.throws(() => sender.sendSync('2', { timeout: 5 }), { code: 'ETIMEDOUT' })
        assert.equal(drain(receiver, room), room)
        sender.sendSync('2')
        await queued
        let got = ''
        while (got.length < 2) got += text(receiver.tryRecv())
        assert.equal(got, '12')
      })

      promise('the blocking forms wait for no longer than their timeout', async ({ sender, receiver }) => {
        const began = performance.now()
        assert.throws(() => receiver.recvSync({ timeout: 120 }), { code: 'ETIMEDOUT' })
        fill(sender)
        assert.throws(() => sender.sendSync('x', { timeout: 120 }), { code: 'ETIMEDOUT' })
        const took = performance.now() - began
        assert.ok(took >= 240 && took < 2000, `${took}`)
      })
    })

    describe('back-pressure', () => {
      promise('a send waits for room and goes on when there is some', async ({ sender, receiver }) => {
        const room = fill(sender)
        let settled = false
        const pending = sender.send('last').then(() => {
          settled = true
        })
        await turn()
        await turn()
        assert.equal(settled, false)
        let bytes = 0
        while (bytes < room + 4) bytes += data(await receiver.recv()).length
        await pending
        assert.equal(bytes, room + 4)
      })

      promise('waiting costs no processor time', async ({ sender, receiver }) => {
        fill(sender)
        const other = await open()
        const sends = [sender.send('x'), sender.send('y')].map((send) => assert.rejects(send))
        const receives = [other.receiver.recv(), other.receiver.recv()].map((receive) => assert.rejects(receive))
        await sleep(30)
        const before = process.cpuUsage()
        await sleep(200)
        const { user, system } = process.cpuUsage(before)
        sender.close()
        receiver.close()
        other.sender.close()
        other.receiver.close()
        await Promise.all([...sends, ...receives])
        assert.ok(user + system < 100_000, `${user + system} µs in 200 ms`)
      })
    })

    describe('iteration', () => {
      promise('gives everything', async ({ sender, receiver }) => {
        const child = give('send numbers', sender, [1000])
        const count = new Count()
        for await (const message of receiver) {
          count.take(data(message))
          if (!row.ends && count.next === 1000) break
        }
        assert.equal(count.next, 1000)
        await child.succeeded()
      })

      promise('break leaves the handle open and what follows where it is', async ({ sender, receiver }) => {
        await sender.send('1')
        for await (const message of receiver) {
          assert.equal(text(message), '1')
          break
        }
        assert.equal(receiver.closed, false)
        await sender.send('2')
        assert.equal(text(await receiver.recv()), '2')
      })

      promise('return() settles a pending next() and withdraws its receive', async ({ sender, receiver }) => {
        const iterator = receiver.iterate()
        const next = iterator.next()
        await turn()
        assert.deepEqual(await iterator.return(), { value: undefined, done: true })
        assert.deepEqual(await next, { value: undefined, done: true })
        assert.deepEqual(await iterator.next(), { value: undefined, done: true })
        await sender.send('kept')
        assert.equal(text(await receiver.recv()), 'kept')
      })

      promise('return() before a message has been seen does not swallow it', async ({ sender, receiver }) => {
        const iterator = receiver.iterate()
        await sender.send('taken')
        const next = iterator.next()
        await iterator.return()
        const { value, done } = await next
        assert.equal(done ? text(await receiver.recv()) : text(value), 'taken')
      })

      promise('ends quietly when the handle is closed elsewhere', async ({ receiver }) => {
        setImmediate(() => receiver.close())
        for await (const _message of receiver) assert.fail('there is none')
        assert.equal(receiver.closed, true)
      })

      promise('several next() at once are served in order', async ({ sender, receiver }) => {
        const iterator = receiver.iterate(row.boundaries ? {} : { maxBytes: 1 })
        const nexts = [iterator.next(), iterator.next(), iterator.next()]
        for (const word of 'abc') await sender.send(word)
        assert.deepEqual(
          (await Promise.all(nexts)).map(({ value }) => text(value)),
          ['a', 'b', 'c'],
        )
        await iterator.return()
      })

      promise('takes a timeout and a signal for each message', async ({ sender, receiver }) => {
        await sender.send('1')
        const got = []
        const iteration = async () => {
          for await (const message of receiver.iterate({ timeout: 10 })) got.push(text(message))
        }
        await assert.rejects(iteration(), { code: 'ETIMEDOUT' })
        assert.deepEqual(got, ['1'])
        const reason = new Error('mine')
        const next = receiver.iterate({ signal: AbortSignal.abort(reason) }).next()
        await assert.rejects(next, (error) => error === reason)
      })

      promise('is its own iterator', async ({ receiver }) => {
        const iterator = receiver.iterate()
        assert.equal(iterator[Symbol.asyncIterator](), iterator)
        await iterator.return()
      })
    })

    describe('the life of a process', () => {
      ofReceivers('that only holds an idle handle ends by itself', async ({ receiver }) => {
        await give('idle', receiver).succeeded()
      })

      ofReceivers('that has a receive pending goes on, until there is something', async ({ sender, receiver }) => {
        const child = give('wait', receiver)
        await child.says('ready')
        await sleep(150)
        assert.ok(isAlive(child.pid))
        await sender.send('x')
        await child.succeeded()
      })

      ofReceivers('ends with a receive pending after unref()', async ({ receiver }) => {
        await give('wait, then unref', receiver).succeeded()
      })

      ofReceivers('goes on again after ref()', async ({ sender, receiver }) => {
        const child = give('unref, then ref and wait', receiver)
        await child.says('ready')
        await sleep(100)
        assert.ok(isAlive(child.pid))
        await sender.send('done')
        assert.equal(await child.succeeded(), 'readydone')
      })

      ofReceivers('ends when the handle with the pending receive is closed', async ({ receiver }) => {
        assert.equal(await give('close while waiting', receiver).succeeded(), 'ERR_IPC_CLOSED')
      })
    })

    if (row.ends) {
      describe('the end', () => {
        promise('comes after everything that was sent, and for ever after', async ({ sender, receiver }) => {
          await sender.send('last words')
          sender.close()
          assert.equal(text(await receiver.recv()), 'last words')
          for (let i = 0; i < 3; i++) {
            assert.equal(await receiver.recv(), null)
            assert.equal(await receiver.recv({ timeout: 0 }), null)
            assert.equal(receiver.tryRecv(), null)
            assert.equal(receiver.recvSync(), null)
          }
          assert.deepEqual(await receiver.iterate().next(), { value: undefined, done: true })
        })

        promise('is told to all that wait', async ({ sender, receiver }) => {
          const waits = Array.from({ length: 64 }, () => receiver.recv())
          sender.close()
          assert.deepEqual(new Set(await Promise.all(waits)), new Set([null]))
        })

        ofCopies('comes when the last of several senders is gone, in whatever process', async (ends) => {
          const { sender, receiver } = ends
          const child = give('send numbers', sender.dup(), [10])
          await child.succeeded()
          const count = new Count()
          while (count.next < 10) count.take(data(await receiver.recv()))
          await assert.rejects(receiver.recv({ timeout: 5 }), { code: 'ETIMEDOUT' })
          sender.close()
          assert.equal(await receiver.recv(), null)
        })

        promise('comes when the sender is killed, after what it had sent', async ({ sender, receiver }) => {
          const child = give('send numbers with pauses', sender, [1_000_000])
          const count = new Count()
          while (count.next < 100) count.take(data(await receiver.recv()))
          await child.kill()
          const taken = (async () => {
            for await (const message of receiver) count.take(data(message))
          })()
          if (row.tellsDeath) {
            await assert.rejects(taken, { code: 'ERR_IPC_PEER_DIED' })
            await assert.rejects(receiver.recv(), { code: 'ERR_IPC_PEER_DIED' })
          } else {
            await taken
            assert.equal(await receiver.recv(), null)
          }
        })
      })
    }

    describe('pendingLimit', () => {
      promise('is the most that may wait; one more is ERR_IPC_LIMIT', async ({ sender, receiver }) => {
        assert.equal(receiver.pendingLimit, 65_536)
        receiver.pendingLimit = 3
        assert.equal(receiver.pendingLimit, 3)
        const options = row.boundaries ? {} : { maxBytes: 1 }
        const waits = Array.from({ length: 3 }, () => receiver.recv(options))
        await assert.rejects(receiver.recv(), (/** @type {any} */ error) => {
          assert.equal(error.code, 'ERR_IPC_LIMIT')
          assert.match(error.hint, /pendingLimit/)
          return true
        })
        for (const word of 'abc') sender.trySend(word)
        assert.deepEqual((await Promise.all(waits)).map(text), ['a', 'b', 'c'])
        sender.trySend('d')
        assert.equal(text(await receiver.recv()), 'd')
      })

      promise('0 lets nothing wait, and what can be done at once is done', async ({ sender, receiver }) => {
        receiver.pendingLimit = 0
        sender.pendingLimit = 0
        await assert.rejects(receiver.recv(), { code: 'ERR_IPC_LIMIT' })
        await sender.send('a')
        assert.equal(text(await receiver.recv()), 'a')
        fill(sender)
        await assert.rejects(sender.send('b'), { code: 'ERR_IPC_LIMIT' })
      })

      promise('must be a whole number >= 0', async ({ receiver }) => {
        for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
          assert.throws(() => (receiver.pendingLimit = value), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
        }
        for (const value of [undefined, null, '3', 3n]) {
          assert.throws(() => (receiver.pendingLimit = value), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
        }
        assert.equal(receiver.pendingLimit, 65_536)
      })
    })

    describe('data', () => {
      const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 255)
      /** @template {ArrayBufferLike} B @param {B} memory @returns {B} */
      const filled = (memory) => {
        new Uint8Array(memory).set(bytes)
        return memory
      }
      const buffer = filled(new ArrayBuffer(64))
      const odd = filled(new ArrayBuffer(64 + 16))
      new Uint8Array(odd).copyWithin(8, 0, 64)

      /** @type {Record<string, any>} */
      const kinds = {
        Buffer: Buffer.from(bytes),
        ArrayBuffer: buffer,
        SharedArrayBuffer: filled(new SharedArrayBuffer(64)),
        DataView: new DataView(buffer),
        'DataView in the middle of its buffer': new DataView(odd, 8, 64),
        'DataView over a SharedArrayBuffer': new DataView(filled(new SharedArrayBuffer(64))),
        'Uint8Array over a SharedArrayBuffer': new Uint8Array(filled(new SharedArrayBuffer(64))),
        'Float64Array in the middle of its buffer': new Float64Array(odd, 8, 8),
      }
      for (const Type of [
        Int8Array,
        Uint8Array,
        Uint8ClampedArray,
        Int16Array,
        Uint16Array,
        Int32Array,
        Uint32Array,
        Float32Array,
        Float64Array,
        BigInt64Array,
        BigUint64Array,
      ]) {
        kinds[Type.name] = new Type(buffer)
      }
      /** @type {any} */
      const Resizable = ArrayBuffer
      if ('resizable' in ArrayBuffer.prototype) {
        const resizable = filled(new Resizable(64, { maxByteLength: 256 }))
        kinds['resizable ArrayBuffer'] = resizable
        kinds['Uint8Array that tracks a resizable ArrayBuffer'] = new Uint8Array(resizable)
        /** @type {any} */
        const Growable = SharedArrayBuffer
        kinds['growable SharedArrayBuffer'] = filled(new Growable(64, { maxByteLength: 256 }))
      }

      promise('of every kind arrives as its bytes', async ({ sender, receiver }) => {
        for (const [kind, value] of Object.entries(kinds)) {
          await sender.send(value)
          assert.deepEqual(data(await receiver.recv()), Buffer.from(bytes), `send of ${kind}`)
          sender.trySend(value)
          assert.deepEqual(data(receiver.tryRecv()), Buffer.from(bytes), `trySend of ${kind}`)
          sender.sendSync(value)
          assert.deepEqual(data(receiver.recvSync()), Buffer.from(bytes), `sendSync of ${kind}`)
        }
      })

      promise('that is a string arrives as UTF-8', async ({ sender, receiver }) => {
        for (const string of ['ascii', 'žluťoučký kůň', '漢字', '🐎\0🐴']) {
          await sender.send(string)
          assert.equal(text(await receiver.recv()), string)
        }
      })

      promise('is sent as of the call, whatever becomes of it while the send waits', async ({ sender, receiver }) => {
        const room = fill(sender)
        const mutated = Buffer.from(bytes)
        const transferred = buffer.slice(0)
        const shared = filled(new SharedArrayBuffer(64))
        const sends = [mutated, transferred, shared].map((value) => sender.send(value))
        mutated.fill(0)
        structuredClone(transferred, { transfer: [transferred] })
        new Uint8Array(shared).fill(0)
        assert.equal(drain(receiver, room), room)
        await Promise.all(sends)
        let got = Buffer.alloc(0)
        while (got.length < 3 * 64) got = Buffer.concat([got, data(await receiver.recv())])
        assert.deepEqual(got, Buffer.concat([bytes, bytes, bytes]))
      })

      promise('is looked at after the options, whose getters may change it', async ({ sender, receiver }) => {
        const detached = buffer.slice(0)
        const options = {
          get timeout() {
            structuredClone(detached, { transfer: [detached] })
            return undefined
          },
        }
        await assert.rejects(sender.send(detached, options), { code: 'ERR_INVALID_ARG_VALUE' })
        const again = buffer.slice(0)
        const sync = {
          get timeout() {
            structuredClone(again, { transfer: [again] })
            return undefined
          },
        }
        assert.throws(() => sender.sendSync(again, sync), { code: 'ERR_INVALID_ARG_VALUE' })
        assert.equal(receiver.tryRecv(), undefined)
      })

      promise('that is received is its receiver’s own', async ({ sender, receiver }) => {
        await sender.send('aaaa')
        const first = data(await receiver.recv())
        await sender.send('bbbb')
        const second = data(await receiver.recv())
        second.fill('c')
        assert.equal(first.toString(), 'aaaa')
        await sender.send('dddd')
        await receiver.recv()
        assert.equal(second.toString(), 'cccc')
      })
    })

    describe('dup, detach and handing over', () => {
      ofCopies('dup is a handle of its own of the same thing', async ({ sender, receiver }) => {
        const [otherSender, otherReceiver] = [sender.dup(), receiver.dup()]
        try {
          if (!row.numberless) assert.notEqual(otherSender.fd, sender.fd)
          sender.close()
          await otherSender.send('a')
          assert.equal(text(await otherReceiver.recv()), 'a')
          assert.equal(receiver.closed, false)
          const waiting = receiver.recv()
          otherReceiver.close()
          await otherSender.send('b')
          assert.equal(text(await waiting), 'b')
        } finally {
          otherSender.close()
          otherReceiver.close()
        }
      })

      ofCopies('two that wait for the same thing get each message once', async ({ sender, receiver }) => {
        const other = receiver.dup()
        try {
          let got = 0
          let ended = 0
          const collect = async (/** @type {any} */ handle) => {
            for await (const message of handle.iterate({ timeout: row.ends ? undefined : 500 })) {
              got += data(message).length
            }
            ended++
          }
          const collected = Promise.allSettled([collect(receiver), collect(other)])
          for (let i = 0; i < 2000; i++) await sender.send(numbered(i))
          sender.close()
          await collected
          assert.equal(got, 2000 * LENGTH)
          if (row.ends) assert.equal(ended, 2)
        } finally {
          other.close()
        }
      })

      if (row.numberless || row.exclusive) {
        promise('there is no number that detach could give up', async ({ receiver }) => {
          assert.throws(() => receiver.detach(), { code: 'ERR_IPC_NOT_SUPPORTED' })
          assert.equal(receiver.closed, false)
        })
      } else {
        promise('detach gives the number up, ends what is pending and tells the other side nothing', async (ends) => {
          const { sender, receiver } = ends
          const pending = assert.rejects(receiver.recv(), { code: 'ERR_IPC_CLOSED' })
          const { fd } = receiver
          assert.equal(receiver.detach(), fd)
          await pending
          assert.deepEqual([receiver.closed, receiver.fd], [true, -1])
          await sender.send('still open')
          const again = receiver.constructor.fromFd(fd)
          try {
            assert.equal(text(await again.recv()), 'still open')
          } finally {
            again.close()
          }
        })
      }

      ofReceivers(
        `handing over ${row.shared ? 'leaves it open' : 'closes it'} here and nothing else changes`,
        async ({ sender, receiver }) => {
          const child = give('receive all', receiver, allOf(1))
          assert.equal(receiver.closed, !row.shared)
          await sender.send('x')
          sender.close()
          assert.equal(JSON.parse(await child.succeeded()).bytes, 1)
        },
      )
    })
  })
}
