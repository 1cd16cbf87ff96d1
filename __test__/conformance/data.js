/** What may be sent: whatever has bytes, as it is at that moment; and what is received is the receiver’s own. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { asking } from './asking.js'

/** @param {import('./transports.js').Transport} row */
export function kindsOfData(row) {
  const { data, promise, fill, drain, text } = asking(row)

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
}
