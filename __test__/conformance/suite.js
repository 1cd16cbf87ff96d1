/**
 * What every transport promises, whatever the kernel calls it: order, loss, waiting, giving up, closing. One row of
 * transports.js is enough to have another one asked the same.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, turn } from '../support/state.js'
import { asking } from './asking.js'
import { kindsOfData } from './data.js'
import { givingUp } from './giving-up.js'
import { Count, LENGTH, numbered } from './numbered.js'

/** @param {import('./transports.js').Transport} row */
export function conformance(row) {
  const { name, data, open, promise, ofCopies, ofReceivers, give, allOf, fill, drain, text } = asking(row)

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

    givingUp(row)

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

    kindsOfData(row)

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
