/** Channels as ports: a MessagePort between processes, and the libraries that were written for one. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { createBirpc } from 'birpc'
import { newMessagePortRpcSession, RpcTarget } from 'capnweb'
import * as Comlink from 'comlink'
import { Channel, pipe, SharedMemory } from '../index.js'
import native from '../lib/load.js'
import { fixture, start } from './support/child.js'
import { descriptors, turn, until } from './support/state.js'
import { keep, keepAll, undo, undoAfter } from './support/undo.js'

/** @typedef {import('../index.js').ChannelPort} ChannelPort */
undoAfter()

/** @param {any} [options] */
const pair = (options = { codec: 'structured' }) =>
  keepAll(/** @type {[Channel<any>, Channel<any>]} */ (Channel.pair(options)))

/** @param {any} [options] @returns {[ChannelPort, ChannelPort]} */
function ports(options) {
  const [a, b] = pair(options)
  return [a.port(), b.port()]
}

/** A process that has the other end. @param {string} how @param {any} [options] */
async function peer(how, options) {
  const [ours, theirs] = pair(options)
  const child = start(fixture('channel-port-peer.js'), [how], { handles: [theirs] })
  await child.says('ready')
  return { channel: ours, port: ours.port(), child }
}

/** @param {string} code */
const coded = (code) => ({ code })

/** The next so many messages. @param {ChannelPort} port @param {number} count @returns {Promise<any[]>} */
function messages(port, count) {
  return new Promise((resolve) => {
    /** @type {any[]} */
    const got = []
    const listener = (/** @type {any} */ message) => {
      if (got.push(message) < count) return
      port.off('message', listener)
      resolve(got)
    }
    port.on('message', listener)
  })
}

/** The next event, whole. @param {ChannelPort} port @param {any} type @returns {Promise<any>} */
const event = (port, type) => new Promise((resolve) => port.addEventListener(type, resolve, { once: true }))

describe('a port', () => {
  test('delivers in order what the other one posts, null and undefined too, at once and to every listener', async () => {
    const [a, b] = ports()
    const cyclic = /** @type {any} */ ({ when: new Date(5), map: new Map([[1n, 'x']]) })
    cyclic.self = cyclic
    const posted = [1, null, undefined, 'text', ['os-ipc:port', 0, 1], ['os-ipc:port'], cyclic, false]
    const seen = messages(b, posted.length)
    const second = messages(b, 1)
    for (const message of posted) a.postMessage(message)
    assert.deepEqual(await seen, posted)
    assert.deepEqual(await second, [1])
  })

  test('is the same one each time, and the channel is its own', async () => {
    const [a, b] = pair({ codec: 'bytes' })
    const port = a.port()
    assert.equal(a.port(), port)
    assert.throws(() => a.trySend('x'), coded('ERR_INVALID_STATE'))
    await assert.rejects(a.recv(), coded('ERR_INVALID_STATE'))
    assert.throws(() => a.tryRecv(), coded('ERR_INVALID_STATE'))
    const receiving = b.recv()
    assert.throws(() => b.port(), coded('ERR_INVALID_STATE'))
    port.postMessage('through')
    assert.equal(String(await receiving), 'through')
    b.port()
    a.close()
    assert.equal(port.closed, true)
  })

  test('speaks to an end that is no port, with every codec', async () => {
    for (const [codec, message] of [
      ['bytes', Buffer.from('x')],
      ['json', { a: [1, null] }],
      ['structured', new Map([[1, new Date(1)]])],
    ]) {
      const [a, b] = pair({ codec })
      const port = a.port()
      port.postMessage(message)
      assert.deepEqual(await b.recv(), message)
      await b.send(message)
      assert.deepEqual((await event(port, 'message')).data, message)
    }
    const [a, b] = ports({ codec: 'json' })
    const seen = messages(b, 2)
    a.postMessage(null)
    a.postMessage([undefined])
    assert.deepEqual(await seen, [null, [null]])
  })

  test('keeps messages until somebody listens, and between listeners', async () => {
    const [a, b] = ports()
    b.start()
    for (let i = 0; i < 3; i++) a.postMessage(i)
    for (let i = 0; i < 2; i++) {
      await sleep(5)
      assert.deepEqual(await once(b, 'message'), [i])
    }
    b.onmessage = ({ data }) => b.postMessage(data)
    const [answer] = await messages(a, 1)
    assert.equal(answer, 2)
    b.onmessage = null
    assert.equal(b.onmessage, null)
    assert.equal(b.hasRef(), false)
  })

  test('has listeners as EventTarget and EventEmitter have them', async () => {
    const [a, b] = ports()
    const heard = /** @type {string[]} */ ([])
    const listener = (/** @type {any} */ message) => heard.push(`on ${message}`)
    const controller = new AbortController()
    b.on('message', listener).on('message', listener)
    b.addEventListener('message', { handleEvent: ({ data }) => heard.push(`object ${data}`) })
    b.addEventListener('message', ({ data }) => heard.push(`signal ${data}`), { signal: controller.signal })
    b.once('message', (message) => heard.push(`once ${message}`))
    a.postMessage(1)
    await until(() => heard.length >= 4, 'the first message')
    controller.abort()
    a.postMessage(2)
    await until(() => heard.length >= 6, 'the second message')
    b.off('message', listener)
    a.postMessage(3)
    await until(() => heard.length >= 7, 'the third message')
    assert.deepEqual(heard, ['on 1', 'object 1', 'signal 1', 'once 1', 'on 2', 'object 2', 'object 3'])
  })

  test('gives listeners that throw to the process, and goes on', async () => {
    const [a, b] = ports()
    const thrown = new Error('of a listener')
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const caught = new Promise((resolve) => process.once('uncaughtException', resolve))
    b.once('message', () => {
      throw thrown
    })
    const seen = messages(b, 2)
    a.postMessage(1)
    a.postMessage(2)
    assert.equal(await caught, thrown)
    for (const listener of listeners) process.on('uncaughtException', listener)
    assert.deepEqual(await seen, [1, 2])
  })

  test('keeps in order what does not fit, and says when it is too much', async () => {
    const [a, b] = ports({ codec: 'structured', capacity: 4096, maxQueued: 300_000 })
    let posted = 0
    assert.throws(() => {
      for (;;) {
        a.postMessage({ number: posted, filling: Buffer.alloc(1000 + posted) })
        posted++
      }
    }, coded('ERR_IPC_LIMIT'))
    assert.ok(posted > 100, String(posted))
    const seen = await messages(b, posted)
    seen.forEach(({ number, filling }, index) => {
      assert.deepEqual([number, filling.length], [index, 1000 + index])
    })
    a.postMessage('room again')
    assert.deepEqual(await once(b, 'message'), ['room again'])
  })

  test('carries messages longer than its ring, and by rendezvous', async () => {
    for (const capacity of [4096, 0]) {
      const [a, b] = ports({ codec: 'structured', capacity })
      const seen = messages(b, 3)
      for (const size of [10, 3_000_000, 20]) a.postMessage(new Uint8Array(size).fill(7))
      assert.deepEqual(
        (await seen).map((bytes) => [bytes.length, bytes.at(-1)]),
        [
          [10, 7],
          [3_000_000, 7],
          [20, 7],
        ],
      )
    }
  })

  test('refuses what cannot be sent before anything happens', async () => {
    const [a, b] = ports({ codec: 'structured', maxMessageSize: 1000 })
    const { port1, port2 } = new MessageChannel()
    keepAll([port1, port2])
    const memory = SharedMemory.create(4096)
    keep(memory)
    const { buffer } = new Uint8Array(8)
    assert.throws(() => a.postMessage(() => {}), { code: 'ERR_INVALID_ARG_VALUE', message: /could not be cloned/ })
    assert.throws(() => a.postMessage(new Uint8Array(1001), [port1, buffer]), coded('EMSGSIZE'))
    assert.throws(() => a.postMessage({ port1 }), /could not be cloned|host object/i)
    for (const wrong of [1, 'x', [1], [new SharedArrayBuffer(1)], { transfer: 1 }, [{}]]) {
      assert.throws(() => a.postMessage(1, /** @type {any} */ (wrong)), coded('ERR_INVALID_ARG_TYPE'))
    }
    assert.throws(() => a.postMessage.call({}, 1), coded('ERR_INVALID_THIS'))
    assert.throws(() => a.on('message', /** @type {any} */ (1)), coded('ERR_INVALID_ARG_TYPE'))
    assert.throws(() => new /** @type {any} */ (a.constructor)({}), coded('ERR_ILLEGAL_CONSTRUCTOR'))
    assert.throws(() => ports({ codec: 'json' })[0].postMessage(1, [port1]), coded('ERR_IPC_NOT_SUPPORTED'))
    assert.throws(() => ports({ codec: 'bytes' })[0].postMessage(null), coded('ERR_INVALID_ARG_TYPE'))
    assert.equal(buffer.byteLength, 8)
    port1.postMessage('still here')
    assert.deepEqual(receiveMessageOnPort(port2), { message: 'still here' })
    a.postMessage('first')
    assert.deepEqual(await once(b, 'message'), ['first'])
  })
})

describe('the end of a port', () => {
  test('is told once on both sides, after what was posted before', async () => {
    const [a, b] = ports({ codec: 'structured', capacity: 4096 })
    const told = /** @type {string[]} */ ([])
    for (const [name, port] of Object.entries({ a, b })) {
      port.on('close', (error) => told.push(`${name} ${error}`))
      port.on('messageerror', (error) => told.push(`${name} ${error}`))
    }
    const seen = messages(b, 20)
    for (let i = 0; i < 20; i++) a.postMessage(Buffer.alloc(1000, i))
    a.close()
    a.close()
    a.postMessage('too late')
    assert.equal((await seen).at(-1)[0], 19)
    await until(() => told.length >= 2, 'the end')
    await turn()
    assert.deepEqual(told.sort(), ['a undefined', 'b undefined'])
    assert.deepEqual([a.closed, b.closed], [true, true])
    assert.doesNotThrow(() => b.postMessage('nobody hears it'))
  })

  test('is told although nobody listens for messages, once none is left', async () => {
    const [a, b] = ports()
    const closed = once(b, 'close')
    a.postMessage('unread')
    a.close()
    assert.equal(await Promise.race([closed, sleep(20, 'open')]), 'open')
    assert.deepEqual(await once(b, 'message'), ['unread'])
    assert.deepEqual(await closed, [undefined])
  })

  test('comes of a channel that is closed under it, too', async () => {
    const [a] = pair()
    const port = a.port()
    const closed = once(port, 'close')
    a.close()
    assert.deepEqual(await closed, [undefined])
  })

  test('of a process that exits is no error, after all that it has posted', async () => {
    const { port, child } = await peer('farewell', { codec: 'structured', capacity: 4096 })
    const seen = await messages(port, 100)
    assert.deepEqual(
      seen.map((message) => message[0]),
      Array.from({ length: 100 }, (_, index) => index),
    )
    assert.deepEqual(await once(port, 'close'), [undefined])
    assert.equal((await child.outcome).code, 0)
  })

  test('of a worker that is terminated is no error, whatever it is about and however early', {
    timeout: 60_000,
  }, async () => {
    for (const moment of ['attached', 'adopting', 'posting']) {
      const [a, b] = pair()
      const [fd] = native.descriptorsCopy([b.fd])
      b.close()
      const port = a.port()
      /** @type {string[]} */
      const told = []
      port.on('messageerror', (error) => told.push(`messageerror ${error.code}`))
      port.on('message', () => {})
      const closed = once(port, 'close')
      const state = new Int32Array(new SharedArrayBuffer(4))
      const workerData = { fd, moment, state }
      const worker = new Worker(new URL('./fixtures/channel-port-worker.js', import.meta.url), { workerData })
      undo.push(() => worker.terminate())
      await until(() => Atomics.load(state, 0) !== 0, `a worker that is ${moment}`)
      await worker.terminate()
      assert.deepEqual([await closed, told], [[undefined], []], moment)
    }
  })

  test('of a process that is killed says so by messageerror, then by close', async () => {
    const { port, child } = await peer('echo')
    /** @type {string[]} */
    const told = []
    port.on('messageerror', (error) => told.push(`messageerror ${error.code}`))
    const closed = once(port, 'close')
    child.process.kill('SIGKILL')
    const [error] = await closed
    assert.equal(error?.code, 'ERR_IPC_PEER_DIED')
    assert.deepEqual(told, ['messageerror ERR_IPC_PEER_DIED'])
    assert.doesNotThrow(() => port.postMessage('nobody hears it'))
  })

  test('of a process that reads nothing and is killed leaves nothing waiting', async () => {
    const { port, child } = await peer('idle', { codec: 'structured', capacity: 4096 })
    for (let i = 0; i < 10; i++) port.postMessage(Buffer.alloc(10_000))
    assert.equal(port.hasRef(), false)
    const closed = once(port, 'close')
    child.process.kill('SIGKILL')
    assert.equal((await closed)[0]?.code, 'ERR_IPC_PEER_DIED')
  })

  test('lets a process exit that listens no more, or wants to', async () => {
    const { port, child } = await peer('one')
    port.postMessage('only this')
    assert.match(await child.succeeded(), /only this/)
    const [a] = ports()
    a.on('message', () => {})
    assert.equal(a.hasRef(), true)
    assert.equal(a.unref().hasRef(), false)
    assert.equal(a.ref().hasRef(), true)
    a.close()
    assert.equal(a.hasRef(), false)
  })
})

describe('what goes with a message', () => {
  test('handles arrive in their places, and on the event; those that move are closed here', async () => {
    const [a, b] = ports()
    const memory = SharedMemory.create(4096)
    const { reader, writer } = pipe()
    keepAll([memory, reader, writer])
    const message = { nested: [{ memory }], again: new Map([['memory', memory]]), set: new Set([reader]) }
    a.postMessage(message, [memory, reader])
    assert.equal(reader.closed, true)
    assert.equal(memory.closed, false)
    const { data, handles } = await event(b, 'message')
    keepAll(handles)
    assert.equal(handles.length, 2)
    assert.equal(data.nested[0].memory, handles[0])
    assert.equal(data.again.get('memory'), handles[0])
    assert.ok(data.set.has(handles[1]))
    memory.write('shared')
    assert.equal(String(handles[0].read(0, 6)), 'shared')
    await writer.send('piped')
    assert.equal(String(await handles[1].recv()), 'piped')
  })

  test('handles beside a message of any codec are the listener’s while it runs, and closed after', async () => {
    const [a, b] = ports({ codec: 'json' })
    const memory = SharedMemory.create(4096)
    keep(memory)
    b.start()
    a.postMessage('warm')
    await once(b, 'message')
    const before = descriptors()
    a.postMessage('unwanted', { transfer: [memory] })
    const unwanted = await event(b, 'message')
    await turn()
    assert.deepEqual(unwanted.handles, [])
    assert.equal(descriptors(), before)
    a.postMessage('wanted', [memory])
    const taken = await new Promise((resolve) => b.addEventListener('message', ({ handles }) => resolve(handles)))
    keepAll(taken)
    assert.ok(taken[0] instanceof SharedMemory)
  })

  test('buffers are detached here, as a MessagePort would', async () => {
    const [a, b] = ports()
    const bytes = new Uint8Array([1, 2, 3])
    a.postMessage(bytes, [bytes.buffer])
    assert.equal(bytes.byteLength, 0)
    assert.deepEqual((await once(b, 'message'))[0], new Uint8Array([1, 2, 3]))
  })

  test('MessagePorts go on working through it, with what was posted before, ports within ports, and their end', async () => {
    const [a, b] = ports()
    const { port1, port2 } = new MessageChannel()
    keepAll([port1, port2])
    port1.postMessage('before')
    a.postMessage({ port2 }, [port2])
    assert.throws(() => a.postMessage(port2, [port2]))
    const { data, ports: came } = await event(b, 'message')
    assert.equal(data.port2, came[0])
    const far = data.port2
    keep(far)
    assert.deepEqual(await once(far, 'message'), ['before'])
    const inner = new MessageChannel()
    keep(inner.port1)
    far.postMessage([inner.port2], [inner.port2])
    const [[back]] = await once(port1, 'message')
    keep(back)
    inner.port1.postMessage('all the way')
    assert.deepEqual(await once(back, 'message'), ['all the way'])
    const ended = once(port1, 'close')
    far.close()
    await ended
    const innerEnded = once(inner.port1, 'close')
    a.close()
    await innerEnded
  })

  test('frames that say what cannot be end the port as corrupt', async () => {
    const mark = 'os-ipc:port'
    for (const frame of [
      [mark, 'x', 1],
      [mark, 0, 1, 't', [-1]],
      [mark, 0, 1, 7, [1]],
      [mark, 0, { t: 0 }, 't', []],
      [mark, 0, 1, 't', [1, 1]],
      [mark, 0, 1, 't', Array.from({ length: 70_000 }, (_, index) => index + 1)],
    ]) {
      const [a, b] = pair()
      const port = b.port()
      port.on('message', () => assert.fail('it was delivered'))
      await a.send(frame)
      const [error] = await once(port, 'close')
      assert.equal(error?.code, 'ERR_IPC_CORRUPT', JSON.stringify(frame).slice(0, 60))
    }
    const [a, b] = pair()
    const port = b.port()
    for (const harmless of [
      [mark, 77],
      [mark, 77, 'to nobody'],
    ])
      await a.send(harmless)
    let deep = {}
    for (let i = 0; i < 1000; i++) deep = { deep }
    await a.send([mark, 0, deep, 't', []])
    assert.ok((await once(port, 'message'))[0].deep)
  })
})

/** The end of a port as a rejection, for calls that a library would leave pending. @param {ChannelPort} port */
function gone(port) {
  const ended = once(port, 'close').then(([error]) => {
    throw error ?? new Error('the other side has closed')
  })
  ended.catch(() => {})
  return ended
}

describe('Comlink, unchanged, between two processes', () => {
  test('calls, errors, classes, proxies, callbacks within callbacks, buffers and handles', async () => {
    const { port, child } = await peer('comlink')
    /** @type {any} */
    const api = Comlink.wrap(/** @type {any} */ (port))
    assert.equal(await api.add(2, 3), 5)
    await assert.rejects(api.fail(), { name: 'RangeError', message: 'not today' })
    const counter = await new api.Counter()
    assert.deepEqual([await counter.increment(), await counter.increment()], [1, 2])
    const made = await api.maker()
    assert.equal(await made.increment(), 1)
    assert.deepEqual(
      await api.each(
        3,
        Comlink.proxy((/** @type {number} */ i) => i * i),
      ),
      [0, 1, 4],
    )
    assert.equal(
      await api.deep(Comlink.proxy(async (/** @type {any} */ next) => (await next(1)) + (await next(10)))),
      13,
    )
    const numbers = new Float64Array([1, 2, 3.5])
    assert.equal(await api.sum(Comlink.transfer(numbers, [numbers.buffer])), 6.5)
    assert.equal(numbers.length, 0)
    const memory = SharedMemory.create(4096)
    await api.shout(Comlink.transfer(memory, /** @type {any} */ ([memory])))
    assert.equal(String(memory.read(0, 5)), 'HEARD')
    memory.close()
    for (const proxy of [counter, made]) proxy[Comlink.releaseProxy]()
    port.close()
    await child.kill()
  })

  test('a call whose process is killed stays pending for Comlink; the port tells, so a race settles it', async () => {
    const { port } = await peer('comlink')
    /** @type {any} */
    const api = Comlink.wrap(/** @type {any} */ (port))
    const ended = gone(port)
    assert.equal(await Promise.race([api.add(1, 1), ended]), 2)
    await assert.rejects(Promise.race([api.die(), ended]), coded('ERR_IPC_PEER_DIED'))
    await assert.rejects(Promise.race([api.add(1, 1), ended]), coded('ERR_IPC_PEER_DIED'))
  })

  test('a server survives a client that is killed while it works for it', async () => {
    const [ours, theirs] = pair()
    const child = start(fixture('channel-port-peer.js'), ['idle'], { handles: [theirs] })
    await child.says('ready')
    const port = ours.port()
    let answer = (/** @type {number} */ _) => {}
    Comlink.expose({ slow: () => new Promise((resolve) => (answer = resolve)) }, /** @type {any} */ (port))
    const closed = once(port, 'close')
    port.dispatchEvent(
      Object.assign(new Event('message'), { data: { id: '1', type: 'APPLY', path: ['slow'], argumentList: [] } }),
    )
    await child.kill()
    assert.equal((await closed)[0].code, 'ERR_IPC_PEER_DIED')
    answer(1)
    await turn()
  })
})

describe('birpc, unchanged, between two processes', () => {
  /** @param {ChannelPort} port @param {object} [functions] @returns {any} */
  const connect = (port, functions = {}) =>
    createBirpc(functions, {
      post: (data) => port.postMessage(data),
      on: (listener) => port.on('message', listener),
      off: (listener) => port.off('message', listener),
    })

  test('calls both ways, errors', async () => {
    const { port, child } = await peer('birpc')
    const rpc = connect(port, { ask: (/** @type {number} */ i) => i + 100 })
    assert.equal(await rpc.add(2, 3), 5)
    await assert.rejects(rpc.fail(), { name: 'RangeError', message: 'not today' })
    assert.deepEqual(await rpc.each(3), [100, 101, 102])
    rpc.$close()
    assert.equal(port.hasRef(), false)
    port.close()
    await child.kill()
  })

  test('pending calls are rejected when the process is killed or exits, by $close in a listener of close', async () => {
    for (const [how, code] of [
      ['die', 'ERR_IPC_PEER_DIED'],
      ['exit', undefined],
    ]) {
      const { port } = await peer('birpc')
      const rpc = connect(port)
      port.on('close', (error) => rpc.$close(error ?? new Error('the other side has closed')))
      const pending = rpc.never()
      rpc[/** @type {string} */ (how)].asEvent()
      await assert.rejects(pending, (/** @type {any} */ error) => error.code === code)
      await assert.rejects(rpc.add(1, 1), /closed/)
    }
  })
})

describe('capnweb, unchanged, between two processes', () => {
  /** @param {ChannelPort} port @returns {any} */
  const connect = (port) => newMessagePortRpcSession(/** @type {any} */ (port))

  test('calls, errors, objects by reference, callbacks, pipelined calls', async () => {
    const { port, child } = await peer('capnweb')
    const api = connect(port)
    assert.equal(await api.add(2, 3), 5)
    await assert.rejects(async () => api.fail(), { name: 'RangeError', message: 'not today' })
    assert.equal(await api.counter().increment(), 1)
    assert.deepEqual(await api.each(3, (/** @type {number} */ i) => -i), [-0, -1, -2])
    api[Symbol.dispose ?? Symbol.for('dispose')]?.()
    await until(() => port.closed, 'its session to close the port')
    await child.kill()
  })

  test('pending calls and later ones are rejected when the process is killed', async () => {
    const { port } = await peer('capnweb')
    const api = connect(port)
    const pending = api.never()
    pending.catch(() => {})
    assert.equal(await api.add(1, 1), 2)
    api.die().catch(() => {})
    await assert.rejects(async () => pending, /MessagePort message error/)
    await assert.rejects(async () => api.add(1, 1))
    assert.equal(port.closed, true)
  })

  test('pending calls are rejected when the process exits, by disposing of the stub in a listener of close', async () => {
    const { port } = await peer('capnweb')
    const api = connect(port)
    port.on('close', () => api[Symbol.dispose]())
    const pending = api.never()
    pending.catch(() => {})
    api.exit().catch(() => {})
    await assert.rejects(async () => pending, /shut down/)
  })

  test('the end of one session is an error at the other side, too: it posts null', async () => {
    const [a, b] = ports()
    class Api extends RpcTarget {
      here() {
        return true
      }
      never() {
        return new Promise(() => {})
      }
    }
    const api = connect(a)
    const other = /** @type {any} */ (newMessagePortRpcSession(/** @type {any} */ (b), new Api()))
    const broken = new Promise((resolve) => other.onRpcBroken(resolve))
    const pending = api.never()
    pending.catch(() => {})
    assert.equal(await api.here(), true)
    api[Symbol.dispose]()
    await assert.rejects(async () => pending, /shut down/)
    assert.ok((await broken) instanceof Error)
  })
})
