/** Giving up and closing: whoever waits hears of it in time, and no message is lost. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { descriptors } from '../support/state.js'
import { asking } from './asking.js'
import { Count, numbered } from './numbered.js'

/** @param {import('./transports.js').Transport} row */
export function givingUp(row) {
  const { data, promise, ofCopies, fill, drain, text } = asking(row)

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
}
