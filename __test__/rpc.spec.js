/** Remote procedure calls: calls, streams, cancelling, handles and endings, over everything that carries them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Channel, ChannelListener, pipe, RpcError, rpc, SharedMemory, UnixListener, UnixSocket } from '../index.js'
import { framed } from '../lib/rpc/content-length.js'
import { fixture, start } from './support/child.js'
import { addressesIn, newFolder } from './support/folder.js'
import { staysUnder } from './support/pace.js'
import { methods, stopped, streams } from './support/rpc-methods.js'
import { descriptors, turn, until } from './support/state.js'
import { keep, undo, undoAfterEach } from './support/undo.js'

/** @typedef {import('../index.js').RpcClient<any>} RpcClient */
/** @typedef {import('../index.js').RpcServer} RpcServer */

const limit = { timeout: 20_000 }

undoAfterEach()
afterEach(() => {
  streams.clear()
  stopped.clear()
})

const newAddress = addressesIn(newFolder())

/**
 * How a server and its client find each other.
 * @type {Record<string, (table?: any, options?: any) => Promise<{ server: RpcServer, client: RpcClient }>>}
 */
const ways = {
  'a channel of bytes': (table, options) => overChannel({}, table, options),
  'a channel of JSON': (table, options) => overChannel({ codec: 'json' }, table, options),
  'a channel of structured values': (table, options) => overChannel({ codec: 'structured' }, table, options),
  'a small channel': (table, options) => overChannel({ capacity: 4096 }, table, options),
  async 'an address'(table = methods, options = undefined) {
    const address = newAddress()
    const server = keep(rpc.serve(address, table, options))
    return { server, client: keep(await rpc.connect(address)) }
  },
  'a stream socket': (table, options) => overSockets('stream', table, options),
  'a seqpacket socket': (table, options) => overSockets('seqpacket', table, options),
}

/** @param {any} kind @param {any} [table] @param {any} [options] */
async function overChannel(kind, table = methods, options = undefined) {
  const [a, b] = Channel.pair(kind)
  const server = keep(rpc.serve(a, table, options))
  return { server, client: keep(await rpc.connect(b)) }
}

/** @param {'stream' | 'seqpacket'} type @param {any} [table] @param {any} [options] */
async function overSockets(type, table = methods, options = undefined) {
  const address = newAddress()
  const server = keep(rpc.serve(UnixListener.listen(address, { type }), table, options))
  // A seqpacket listener has channels for whoever asks for one by address.
  const target = type === 'stream' ? address : await UnixSocket.connect(address, { type })
  return { server, client: keep(await rpc.connect(target)) }
}

/** A server in another process. @param {any} target @param {any} [handles] */
async function elsewhere(target, handles) {
  const child = start(fixture('rpc-serve.js'), target === undefined ? [] : [target], { handles })
  undo.push(() => child.kill())
  await child.says('serves')
  return child
}

async function childWithClient() {
  const [ours, theirs] = Channel.pair()
  const child = await elsewhere(undefined, [theirs])
  return { child, client: keep(await rpc.connect(ours)) }
}

for (const [way, open] of Object.entries(ways)) {
  describe(`over ${way}`, limit, () => {
    test('a call gives the result', async () => {
      const { client } = await open()
      assert.equal(await client.call('add', { a: 1, b: 2 }), 3)
      assert.deepEqual(await client.call('echo', [1, 'two', { three: null }]), [1, 'two', { three: null }])
      assert.deepEqual(await client.call('echoLater', { ü: '€'.repeat(10_000) }), { ü: '€'.repeat(10_000) })
      assert.equal(await client.call('nothing'), null)
    })

    test('params may be any value, and null means that there are none', async () => {
      const { client } = await open()
      for (const value of [1, 0, '', 'text', true, false, [], {}])
        assert.deepEqual(await client.call('echo', value), value)
      assert.equal(await client.call('echo', null), null)
    })

    test('many calls are under way at once, and each gets its own answer', async () => {
      const { client } = await open()
      const numbers = Array.from({ length: 2000 }, (_, n) => n)
      const answers = await Promise.all(numbers.map((n) => client.call(n % 2 ? 'echo' : 'echoLater', n)))
      assert.deepEqual(answers, numbers)
    })

    test('answers come as they are ready', async () => {
      const { client } = await open()
      /** @type {string[]} */
      const order = []
      await Promise.all([
        client.call('sleep', 50).then(() => order.push('slow')),
        client.call('add', { a: 1, b: 1 }).then(() => order.push('quick')),
      ])
      assert.deepEqual(order, ['quick', 'slow'])
    })

    test('what is thrown comes as RpcError: code, data and message, and what it was', async () => {
      const { client } = await open()
      await assert.rejects(client.call('throws'), (/** @type {any} */ error) => {
        assert.ok(error instanceof RpcError)
        assert.deepEqual(
          { code: error.code, data: error.data, message: error.message, name: error.name },
          { code: 42, data: { why: 'too long' }, message: 'it does not fit', name: 'RpcError' },
        )
        assert.deepEqual(error.remote, { name: 'TypeError', code: 42, message: 'it does not fit' })
        assert.match(String(error.stack), /rpc\.spec\.js/)
        assert.doesNotMatch(String(error.stack), /rpc-methods/)
        return true
      })
      await assert.rejects(client.call('rejects'), {
        code: -32000,
        message: 'no such file',
        remote: { name: 'Error', code: 'ENOENT', message: 'no such file' },
      })
      await assert.rejects(client.call('throwsRpcError'), { code: 404, data: [1], message: 'not found' })
      await assert.rejects(client.call('throwsRubbish'), { code: -32000, message: 'undefined' })
      await assert.rejects(client.call('missing'), { code: -32601, remote: null })
    })

    test('what cannot be sent is an error of its call alone, at either end', async () => {
      const { client } = await open()
      await assert.rejects(client.call('cannotBeSent'), { code: -32603 })
      await assert.rejects(client.call('tooLong'), ({ code, remote }) => {
        assert.deepEqual([code, remote.name, remote.code], [-32603, 'Error', 'EMSGSIZE'])
        return true
      })
      await assert.rejects(client.call('echo', 'x'.repeat(17 * 1024 * 1024)), { code: 'EMSGSIZE' })
      await assert.rejects(
        client.call('echo', () => {}),
        (/** @type {any} */ error) => !(error instanceof RpcError),
      )
      assert.equal(await client.call('echo', 'still there'), 'still there')
    })

    test('only what is the object’s own can be called', async () => {
      const { client } = await open()
      for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', '']) {
        await assert.rejects(client.call(name), { code: -32601 }, name)
      }
    })

    test('an abort rejects with its reason, and stops the handler', async () => {
      const { client } = await open()
      const controller = new AbortController()
      const calling = client.call('hang', 'aborted', { signal: controller.signal })
      await client.call('nothing')
      const reason = new Error('enough')
      controller.abort(reason)
      await assert.rejects(calling, (error) => error === reason)
      await until(() => stopped.get('aborted')?.name === 'AbortError', 'the handler hears of it')
      await assert.rejects(client.call('echo', 1, { signal: AbortSignal.abort(reason) }), (error) => error === reason)
      await until(() => client.dropped === 1, 'the late answer is counted')
    })

    test('a timeout rejects with ETIMEDOUT, and stops the handler', async () => {
      const { client } = await open()
      await assert.rejects(client.call('hang', 'late', { timeout: 20 }), { code: 'ETIMEDOUT' })
      await until(() => stopped.has('late'), 'the handler hears of it')
      await assert.rejects(client.call('echo', 1, { timeout: 0 }), { code: 'ETIMEDOUT' })
      assert.equal(await client.call('echo', 1, { timeout: 5000 }), 1)
    })

    test('a notification arrives, and has no answer', async () => {
      /** @type {any[]} */
      const heard = []
      const { client } = await open({
        tell: (/** @type {any} */ what) => {
          heard.push(what)
          throw new Error('nobody hears of this')
        },
        nothing() {},
      })
      await client.notify('tell', 'one')
      await client.notify('unknown', 'two')
      await client.call('nothing')
      assert.deepEqual(heard, ['one'])
      assert.equal(client.dropped, 0)
    })

    test('a stream gives its items in order, then ends', async () => {
      const { client } = await open()
      const items = []
      for await (const n of client.stream('count', { to: 500 })) items.push(n)
      assert.deepEqual(items, [...Array(500).keys()])
      assert.deepEqual(await client.call('count', { to: 3 }), [0, 1, 2])
      const listed = []
      for await (const n of client.stream('list')) listed.push(n)
      assert.deepEqual(listed, [1, 2, 3])
    })

    test('a stream runs ahead of its reader by what was granted, and no further', async () => {
      const { client } = await open()
      const stream = client.stream('count', { to: 10_000, name: 'ahead' })
      await stream.next()
      await until(() => (streams.get('ahead')?.given ?? 0) >= 32, 'it runs ahead')
      await client.call('sleep', 20)
      const { given } = /** @type {any} */ (streams.get('ahead'))
      assert.ok(given <= 34, `${given} are given`)
      for (let n = 1; n < 100; n++) assert.deepEqual(await stream.next(), { value: n, done: false })
      await stream.return?.()
      await until(() => streams.get('ahead')?.left, 'its handler hears of the end')
      assert.deepEqual(await stream.next(), { value: undefined, done: true })
    })

    test('a stream that fails gives what came before, then the error', async () => {
      const { client } = await open()
      /** @type {number[]} */
      const items = []
      await assert.rejects(
        async () => {
          for await (const n of client.stream('countThenThrow', 40)) items.push(n)
        },
        { code: -32000, message: 'no more', remote: { name: 'RangeError', message: 'no more' } },
      )
      assert.equal(items.length, 40)
      await assert.rejects(client.stream('missing').next(), { code: -32601 })
    })

    test('a batch settles with what became of each', async () => {
      const { client } = await open()
      const outcomes = await client.batch([['add', { a: 1, b: 2 }], ['throws'], ['echoLater', 'x'], ['missing']])
      assert.deepEqual(
        outcomes.map((/** @type {any} */ { value, reason }) => value ?? reason.code),
        [3, 42, 'x', -32601],
      )
      assert.deepEqual(await client.batch([]), [])
    })

    // Each takes a process more, and these differ in nothing that blocking has to do with.
    const alike = way.includes('small') || way.includes('JSON')
    test('a blocking call gives its result, while others get theirs', { skip: alike }, async () => {
      const { client } = await overThread(way)
      const other = client.call('echo', 'for the other one')
      assert.equal(client.callSync('add', { a: 20, b: 22 }), 42)
      assert.throws(() => client.callSync('throws'), { code: 42, data: { why: 'too long' } })
      assert.throws(() => client.callSync('sleep', 10_000, { timeout: 30 }), { code: 'ETIMEDOUT' })
      assert.equal(client.callSync('echo', 'afterwards', { timeout: 5000 }), 'afterwards')
      assert.equal(await other, 'for the other one')
      assert.equal(await client.call('echo', 'and on'), 'and on')
    })

    test('closing the client fails what is under way, and stops its handlers', async () => {
      const { client, server } = await open()
      const calling = client.call('hang', 'closed')
      await client.call('nothing')
      client.close()
      await assert.rejects(calling, { code: 'ERR_IPC_CLOSED' })
      await assert.rejects(client.call('nothing'), { code: 'ERR_IPC_CLOSED' })
      assert.throws(() => client.callSync('nothing'), { code: 'ERR_IPC_CLOSED' })
      await until(() => stopped.get('closed')?.code === 'ERR_IPC_PEER_DIED', 'the handler hears of it')
      await until(() => server.clients === 0, 'the server hears of it')
    })

    test('closing the server fails what is under way, and later calls at once', async () => {
      const { client, server } = await open()
      const calling = client.call('hang', 'server closed')
      await client.call('nothing')
      server.close()
      await assert.rejects(calling, { code: 'ERR_IPC_PEER_DIED', delivered: 'unknown' })
      await assert.rejects(client.call('nothing'), { code: 'ERR_IPC_PEER_DIED', delivered: 'no' })
      assert.equal(stopped.get('server closed').code, 'ERR_IPC_CLOSED')
    })

    test('draining lets calls end that have begun, refuses new ones, and closes', async () => {
      const { client, server } = await open()
      const calling = client.call('sleep', 60)
      await client.call('nothing')
      const draining = server.drain()
      const brief = assert.rejects(server.drain({ timeout: 1 }), { code: 'ETIMEDOUT' })
      await assert.rejects(client.call('nothing'), { code: -32011 })
      await brief
      assert.equal(await calling, 60)
      await draining
      assert.ok(server.closed)
      await assert.rejects(client.call('nothing'), { code: 'ERR_IPC_PEER_DIED' })
    })

    test('draining answers calls that had come and were not looked at, and says of later ones that they were not begun', async () => {
      const { client, server } = await open()
      await client.call('nothing')
      const before = Array.from({ length: 20 }, () => client.call('sleep', 20))
      const draining = server.drain()
      const later = Array.from({ length: 20 }, () => client.call('nothing').catch(({ code }) => code))
      assert.deepEqual(await Promise.all(before), new Array(20).fill(20))
      assert.deepEqual(await Promise.all(later), new Array(20).fill(-32011))
      await draining
    })

    test('as many calls run at once as are to; the others wait for their turn', async () => {
      let running = 0
      let most = 0
      const { client } = await open(
        {
          async work(/** @type {number} */ n) {
            most = Math.max(most, ++running)
            await sleep(2)
            running--
            return n
          },
          hang: methods.hang,
          at_once: (/** @type {number} */ n) => n,
        },
        { concurrency: 3 },
      )
      const numbers = [...Array(20).keys()]
      assert.deepEqual(await Promise.all(numbers.map((n) => client.call('work', n))), numbers)
      assert.equal(most, 3)
      // Three hang, and one that waits is called off before it begins.
      const hanging = [1, 2, 3].map((n) => client.call('hang', `hanging ${n}`, { timeout: 60 }))
      const ends = hanging.map((call) => assert.rejects(call, { code: 'ETIMEDOUT' }))
      await assert.rejects(client.call('work', 1, { timeout: 10 }), { code: 'ETIMEDOUT' })
      const many = Promise.all(Array.from({ length: 3000 }, (_, n) => client.call('at_once', n)))
      await Promise.all(ends)
      assert.equal((await many).length, 3000)
    })

    test('a key called __proto__ lands as data', async () => {
      const { client } = await open({
        look: (/** @type {any} */ params) => [
          Object.keys(params),
          Object.getPrototypeOf(params) === Object.prototype,
          params.polluted,
        ],
      })
      const params = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}')
      const [keys, plain, polluted] = await client.call('look', params)
      assert.deepEqual([keys, plain, polluted ?? null], [['__proto__', 'constructor'], true, null])
      assert.equal(/** @type {any} */ ({}).polluted, undefined)
    })
  })
}

/** A blocking call needs a server elsewhere. @param {string} way */
async function overThread(way) {
  if (way === 'an address' || way.includes('socket')) {
    const address = newAddress()
    const type = way === 'a stream socket' ? 'stream' : 'seqpacket'
    const listener = way === 'an address' ? undefined : UnixListener.listen(address, { type })
    const child = await elsewhere(address, listener && [listener])
    listener?.close()
    const target = way === 'a seqpacket socket' ? await UnixSocket.connect(address, { type: 'seqpacket' }) : address
    return { child, client: keep(await rpc.connect(target)) }
  }
  const codec = way.includes('JSON') ? 'json' : way.includes('structured') ? 'structured' : 'bytes'
  const [ours, theirs] = Channel.pair(/** @type {any} */ ({ codec, capacity: way.includes('small') ? 4096 : 1 << 20 }))
  const child = await elsewhere(undefined, [theirs])
  return { child, client: keep(await rpc.connect(ours)) }
}

describe('the structured codec', limit, () => {
  test('carries what JSON has not', async () => {
    const { client } = await ways['a channel of structured values']()
    const value = { when: new Date(5), map: new Map([[1n, new Set(['x'])]]), bytes: new Float64Array([1, Number.NaN]) }
    assert.deepEqual(await client.call('echo', value), value)
  })

  test('is what the server has, and the client may ask for', async () => {
    const address = newAddress()
    keep(rpc.serve(address, methods, { codec: 'structured' }))
    const client = keep(await rpc.connect(address, { codec: 'structured' }))
    assert.deepEqual(await client.call('echo', new Date(1)), new Date(1))
    await assert.rejects(rpc.connect(address, { codec: 'json' }), { code: 'ERR_IPC_VERSION' })
    const plain = newAddress()
    keep(rpc.serve(plain, methods))
    await assert.rejects(rpc.connect(plain, { codec: 'structured' }), { code: 'ERR_IPC_VERSION' })
    keep(await rpc.connect(plain, { codec: 'json' }))
  })
})

describe('handles', limit, () => {
  for (const codec of ['bytes', 'json', 'structured']) {
    test(`go along with a call, and come with a result, by the codec '${codec}'`, async () => {
      const { client } = await overChannel({ codec })
      const memory = keep(SharedMemory.create(4096))
      memory.write(Buffer.alloc(4096, 2))
      assert.equal(await client.call('sum', null, { handles: [memory] }), 8192)
      const result = await client.call('filled', { size: 100, byte: 7 })
      const [{ memory: filled }] = result.parts
      assert.ok(filled instanceof SharedMemory)
      assert.deepEqual([...filled.read(0, 100)], Array(100).fill(7))
      filled.close()
    })
  }

  test('stand in params and items where they stood', async () => {
    const { client } = await overChannel(
      {},
      {
        open: async ({ inner: [{ writer }], rest }) => {
          await writer.send('from there')
          writer.close()
          return rest
        },
        async *parts(_, context) {
          for (const byte of [1, 2]) {
            const memory = context.use(SharedMemory.create(1))
            memory.write(Uint8Array.of(byte))
            yield { memory }
          }
        },
      },
    )
    const { reader, writer } = pipe()
    keep(reader)
    const params = { inner: [{ writer }], rest: 'stays' }
    assert.equal(await client.call('open', params), 'stays')
    assert.ok(writer.closed, 'a pipe moves')
    assert.equal(params.inner[0].writer, writer, 'the params stay as they are')
    assert.equal(String(await reader.recv()), 'from there')
    const bytes = []
    for await (const { memory } of client.stream('parts')) {
      bytes.push(memory.read(0, 1)[0])
      memory.close()
    }
    assert.deepEqual(bytes, [1, 2])
  })

  test('may be all that there is', async () => {
    const { client } = await overChannel({}, { echo: (/** @type {any} */ memory) => memory })
    const memory = keep(SharedMemory.create(10))
    memory.write('all')
    const back = keep(await client.call('echo', memory))
    assert.equal(String(back.read(0, 3)), 'all')
  })

  test('that nobody looks at are closed, and those of calls that fail', async () => {
    const { client } = await overChannel({})
    const memory = keep(SharedMemory.create(4096))
    await client.call('nothing', null, { handles: [memory] })
    const before = descriptors()
    for (let n = 0; n < 50; n++) {
      await client.call('nothing', null, { handles: [memory, memory] })
      await assert.rejects(client.call('missing', { memory }), { code: -32601 })
      await assert.rejects(client.call('throws', { memory }), { code: 42 })
      await client.notify('nothing', { memory })
    }
    await client.call('nothing')
    await turn()
    // One that stands in the params is the handler's, which has forgotten it.
    assert.ok(descriptors() - before <= 100, `${descriptors() - before} more`)
  })

  test('that were given to the caller alone are closed here after the answer', async () => {
    const { client } = await overChannel({})
    const one = await client.call('filled', { size: 10, byte: 1 })
    one.parts[0].memory.close()
    const before = descriptors()
    for (let n = 0; n < 20; n++) (await client.call('filled', { size: 10, byte: 1 })).parts[0].memory.close()
    assert.equal(descriptors(), before)
  })

  test('are what large views of shared memory go as, without a copy, by the codec structured', async () => {
    /** @type {any} */
    let kept
    const table = {
      keep({ pixels }) {
        kept = pixels
        return [pixels.constructor.name, pixels.length, pixels[1]]
      },
      filled(_, context) {
        const memory = context.use(SharedMemory.create(1 << 20))
        return new Uint16Array(memory.buffer, 4096).fill(7)
      },
      text: (bytes) => [Buffer.isBuffer(bytes), bytes.length],
    }
    const { client } = await overChannel({ codec: 'structured' }, table)
    const memory = keep(SharedMemory.create(1 << 20))
    const pixels = new Float64Array(memory.buffer, 8)
    pixels[1] = 5
    assert.deepEqual(await client.call('keep', { pixels }), ['Float64Array', 131_071, 5])
    pixels[1] = 6
    assert.equal(kept[1], 6, 'it is the same memory')
    const filled = await client.call('filled')
    assert.deepEqual([filled.constructor.name, filled.length, filled[1000]], ['Uint16Array', (1 << 19) - 2048, 7])
    assert.deepEqual(await client.call('text', Buffer.from(memory.buffer)), [true, 1 << 20])
    // Small ones, and memory of this process alone, are copied.
    assert.deepEqual(await client.call('keep', { pixels: new Float64Array(100_000).fill(3) }), [
      'Float64Array',
      100_000,
      3,
    ])
    assert.deepEqual(await client.call('keep', { pixels: pixels.subarray(0, 10) }), ['Float64Array', 10, 6])
    pixels[1] = 8
    assert.equal(kept[1], 6)
  })

  test('do not go along on sockets, in batches and with blocking calls, and nothing goes in their place', async () => {
    const memory = keep(SharedMemory.create(4096))
    const table = {
      one: () => ({ memory }),
      async *many() {
        yield [memory]
      },
      echo: (/** @type {any} */ params) => params,
    }
    const refused = { code: 'ERR_IPC_NOT_SUPPORTED' }
    const refusedThere = ({ code, remote }) => code === -32603 && remote.code === 'ERR_IPC_NOT_SUPPORTED'
    for (const way of [
      'a stream socket',
      'a seqpacket socket',
      'a channel of bytes',
      'a channel of structured values',
    ]) {
      const { client } = await ways[way](table)
      assert.throws(() => client.callSync('echo', { memory }, { timeout: 1000 }), refused)
      await assert.rejects(client.batch([['echo', [memory]]]), refused)
      const [outcome] = await client.batch([['one']])
      assert.ok(outcome.status === 'rejected' && refusedThere(outcome.reason))
      if (way.includes('socket')) {
        await assert.rejects(client.call('echo', [{ memory }]), refused)
        await assert.rejects(client.notify('echo', memory), refused)
        await assert.rejects(client.stream('echo', memory).next(), refused)
        await assert.rejects(client.call('one'), refusedThere)
        await assert.rejects(client.call('many'), refusedThere)
        await assert.rejects(client.stream('many').next(), ({ remote }) => remote.code === 'ERR_IPC_NOT_SUPPORTED')
      }
      assert.deepEqual(await client.call('echo', [1, { a: 2 }]), [1, { a: 2 }])
    }
    const { client } = await ways['a stream socket']()
    await assert.rejects(client.call('nothing', null, { handles: [memory] }), { code: 'ERR_IPC_NOT_SUPPORTED' })
    await assert.rejects(client.call('nothing', null, { handles: [/** @type {any} */ (1)] }), {
      code: 'ERR_INVALID_ARG_TYPE',
    })
  })

  test('that are closed are ERR_IPC_CLOSED, and the client goes on', async () => {
    const { client } = await overChannel({})
    const memory = SharedMemory.create(10)
    memory.close()
    await assert.rejects(client.call('nothing', { memory }), { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(client.call('nothing', null, { handles: [memory] }), { code: 'ERR_IPC_CLOSED' })
    await client.call('nothing')
  })
})

describe('a server in another process', limit, () => {
  test('knows its caller by the kernel’s word', async () => {
    const { client, child } = await childWithClient()
    assert.deepEqual(await client.call('who'), { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() })
    assert.equal(await client.call('pid'), child.pid)
  })

  test('that is killed fails 10,000 calls under way within 100 ms', async () => {
    await staysUnder(100, async () => {
      const { client, child } = await childWithClient()
      const calls = Array.from({ length: 10_000 }, (_, n) => client.call('hang', String(n)))
      await client.call('nothing')
      const outcomes = Promise.allSettled(calls)
      child.process.kill('SIGKILL')
      await until(() => child.process.signalCode !== null || stateGone(child.pid), 'it is dead')
      const began = performance.now()
      const settled = await outcomes
      const took = performance.now() - began
      for (const { reason } of /** @type {PromiseRejectedResult[]} */ (settled)) {
        assert.equal(reason.code, 'ERR_IPC_PEER_DIED')
        assert.equal(reason.delivered, 'unknown')
      }
      return took
    })
  })

  for (const type of /** @type {const} */ (['stream', 'seqpacket'])) {
    test(`that is killed fails a call over a ${type} socket, blocking or not`, async () => {
      const address = newAddress()
      const listener = UnixListener.listen(address, { type })
      await elsewhere(address, [listener])
      listener.close()
      const client = keep(await rpc.connect(await UnixSocket.connect(address, { type })))
      const calling = assert.rejects(client.call('hang', 'x'), { code: 'ERR_IPC_PEER_DIED', delivered: 'unknown' })
      assert.throws(() => client.callSync('die'), { code: 'ERR_IPC_PEER_DIED' })
      await calling
      assert.throws(() => client.callSync('nothing'), { code: 'ERR_IPC_PEER_DIED', delivered: 'no' })
    })
  }

  test('drains from within a handler', async () => {
    const [a, b] = Channel.pair()
    /** @type {Promise<void> | undefined} */
    let draining
    const server = keep(
      rpc.serve(a, {
        stop: () => {
          draining = server.drain()
          return 'stopping'
        },
        other: () => 'other',
      }),
    )
    const client = keep(await rpc.connect(b))
    const calls = [client.call('other'), client.call('stop'), client.call('other').catch(({ code }) => code)]
    assert.deepEqual(await Promise.all(calls), ['other', 'stopping', -32011])
    await draining
  })

  test('ends gracefully when it drains', async () => {
    const address = newAddress()
    const child = await elsewhere(address)
    const client = keep(await rpc.connect(address))
    const calling = client.call('sleep', 100)
    await client.call('nothing')
    child.process.kill('SIGTERM')
    assert.equal(await calling, 100)
    const { code } = await child.outcome
    assert.equal(code, 0)
    await assert.rejects(rpc.connect(address), { code: 'ECONNREFUSED' })
  })

  test('shares an address with others', async () => {
    const address = newAddress()
    const listener = UnixListener.listen(address, { type: 'seqpacket' })
    const children = await Promise.all([1, 2].map(() => elsewhere(undefined, [listener])))
    listener.close()
    const pids = new Set()
    await until(async () => {
      const clients = await Promise.all(Array.from({ length: 8 }, () => rpc.connect(address)))
      for (const client of clients) pids.add(await client.call('pid'))
      for (const client of clients) client.close()
      return pids.size === 2
    }, 'both have callers')
    assert.deepEqual([...pids].sort(), children.map(({ pid }) => pid).sort())
  })

  test('stops a handler whose caller dies', async () => {
    const address = newAddress()
    keep(rpc.serve(address, methods))
    const script = `import { rpc } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const client = await rpc.connect(${JSON.stringify(address)})
      client.call('hang', 'orphan').catch(() => {})
      await client.call('nothing')
      process.kill(process.pid, 'SIGKILL')`
    const child = start('--input-type=module', ['-e', script])
    await child.outcome
    await until(() => stopped.get('orphan')?.code === 'ERR_IPC_PEER_DIED', 'the handler hears of it')
  })
})

/** @param {number} pid */
function stateGone(pid) {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

describe('a caller that shuts its sending side', limit, () => {
  /** @param {string[]} calls */
  function halfClosing(...calls) {
    const address = newAddress()
    const server = keep(rpc.serve(UnixListener.listen(address, { type: 'stream' }), methods))
    const socket = createConnection({ path: address, allowHalfOpen: true })
    undo.push(() => socket.destroy())
    let heard = ''
    socket.setEncoding('utf8').on('data', (text) => {
      heard += text
    })
    socket.end(calls.map((call, id) => framed(`{"jsonrpc":"2.0","id":${id},${call}}`)).join(''))
    const answers = () => heard.split(/Content-Length: \d+\r\n\r\n/).slice(1)
    return { server, socket, answers, over: once(socket, 'end') }
  }

  test('gets its answers, and then the end', async () => {
    const { server, answers, over } = halfClosing(
      '"method":"sleep","params":50',
      '"method":"add","params":{"a":1,"b":2}',
      '"method":"echoLater","params":"x"',
    )
    await over
    assert.deepEqual(
      answers()
        .map((text) => JSON.parse(text).result)
        .sort(),
      [3, 50, 'x'],
    )
    await until(() => server.clients === 0, 'it is a client no more')
  })

  test('and goes then stops what works for it', async () => {
    const { server, socket } = halfClosing('"method":"hang","params":"half"', '"method":"add","params":{"a":1,"b":2}')
    await once(socket, 'data')
    await turn()
    assert.deepEqual([server.clients, stopped.has('half')], [1, false])
    socket.destroy()
    await until(() => stopped.get('half')?.code === 'ERR_IPC_PEER_DIED', 'the handler hears of it')
    await until(() => server.clients === 0, 'it is a client no more')
  })
})

describe('a channel', limit, () => {
  test('may have a server and a client at each end', async () => {
    const [a, b] = Channel.pair()
    keep(rpc.serve(a, { side: () => 'a' }))
    keep(rpc.serve(b, { side: () => 'b' }))
    const atA = keep(await rpc.connect(a))
    const atB = keep(await rpc.connect(b))
    assert.deepEqual(await Promise.all([atA.call('side'), atB.call('side')]), ['b', 'a'])
    await assert.rejects(rpc.connect(a), { code: 'ERR_INVALID_STATE' })
    assert.throws(() => rpc.serve(a, {}), { code: 'ERR_INVALID_STATE' })
    atA.close()
    assert.equal(await atB.call('side'), 'a', 'the server at that end goes on')
  })

  test('whose client is forgotten is closed by the garbage collector, unless a call has no answer', async () => {
    const script = `import { Channel, rpc } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const [a, b] = Channel.pair()
      let answer, calling
      const server = rpc.serve(a, { later: () => new Promise((resolve) => (answer = resolve)) })
      await (async () => {
        const client = await rpc.connect(b)
        calling = client.call('later')
      })()
      const collect = async () => {
        for (let n = 0; n < 5; n++) {
          gc()
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
      }
      do await collect()
      while (answer === undefined)
      const { clients } = server
      answer('answered')
      console.log(clients, await calling)
      while (server.clients > 0) await collect()
      server.close()
      console.log('gone')`
    const { stdout, stderr } = await start('--input-type=module', ['-e', script], { node: ['--expose-gc'] }).outcome
    assert.equal(stdout, '1 answered\ngone\n')
    assert.match(stderr, /ERR_IPC_NOT_CLOSED|not closed/)
  })

  test('that is closed is neither served nor connected to, and keeps no process alive', async () => {
    const closed = { code: 'ERR_IPC_CLOSED' }
    const [fresh, used] = Channel.pair()
    fresh.close()
    assert.throws(() => rpc.serve(fresh, {}), closed)
    await assert.rejects(rpc.connect(fresh), closed)
    rpc.serve(used, {}).close()
    assert.throws(() => rpc.serve(used, {}), closed)
    const [socket] = UnixSocket.pair('stream')
    socket.close()
    await assert.rejects(rpc.connect(socket), closed)
    for (const listener of [ChannelListener.listen(newAddress()), UnixListener.listen(newAddress())]) {
      listener.close()
      assert.throws(() => rpc.serve(listener, {}), closed)
    }
    const source = `
      import { ChannelListener, rpc } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const listener = ChannelListener.listen(process.argv[1])
      rpc.serve(listener, {})
      setImmediate(() => listener.close())`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source, newAddress()], { timeout: 15_000 })
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  test('without a server at the other end refuses calls', async () => {
    const [a, b] = Channel.pair()
    const one = keep(await rpc.connect(a))
    keep(await rpc.connect(b))
    await assert.rejects(one.call('anything'), { code: -32601 })
  })
})

describe('a listener', limit, () => {
  test('for packets has callers with channels and callers with packets', async () => {
    const address = newAddress()
    keep(rpc.serve(UnixListener.listen(address, { type: 'seqpacket' }), methods))
    const channel = keep(await rpc.connect(address))
    const packets = keep(await rpc.connect(await UnixSocket.connect(address, { type: 'seqpacket' })))
    assert.deepEqual(await Promise.all([channel.call('echo', 1), packets.call('echo', 2)]), [1, 2])
  })

  test('of channels is served', async () => {
    const address = newAddress()
    const server = keep(rpc.serve(ChannelListener.listen(address, { codec: 'json' }), methods))
    const clients = await Promise.all([1, 2, 3].map(async () => keep(await rpc.connect(address))))
    assert.deepEqual(await Promise.all(clients.map((client, n) => client.call('echo', n))), [0, 1, 2])
    assert.equal(server.clients, 3)
  })

  for (const type of /** @type {const} */ (['stream', 'seqpacket'])) {
    test(`of the type ${type} turns away whom authorize refuses, and more than maxConnections`, async () => {
      const address = newAddress()
      const server = keep(rpc.serve(UnixListener.listen(address, { type }), methods, { authorize: () => false }))
      const refused = keep(await rpc.connect(await UnixSocket.connect(address, { type })))
      await assert.rejects(refused.call('nothing'), { code: 'ERR_IPC_PEER_DIED' })
      server.close()
      const other = newAddress()
      const one = keep(rpc.serve(UnixListener.listen(other, { type }), methods, { maxConnections: 1 }))
      const first = keep(await rpc.connect(await UnixSocket.connect(other, { type })))
      await first.call('nothing')
      const second = keep(await rpc.connect(await UnixSocket.connect(other, { type })))
      await assert.rejects(second.call('nothing'), { code: 'ERR_IPC_PEER_DIED' })
      assert.equal(one.clients, 1)
    })
  }

  test('with an abstract name is found, of either type', async () => {
    for (const type of /** @type {const} */ (['stream', 'seqpacket'])) {
      const address = `@os-ipc-spec-rpc-${type}-${process.pid}`
      keep(rpc.serve(UnixListener.listen(address, { type }), methods))
      const client = keep(await rpc.connect(address))
      assert.equal(await client.call('add', { a: 1, b: 2 }), 3)
    }
    await assert.rejects(rpc.connect(`@os-ipc-spec-rpc-none-${process.pid}`), { code: 'ECONNREFUSED' })
  })

  test('that does not answer a connect is given up', async () => {
    const address = newAddress()
    keep(UnixListener.listen(address, { type: 'seqpacket' }))
    await assert.rejects(rpc.connect(address, { timeout: 20 }), { code: 'ETIMEDOUT' })
    await assert.rejects(rpc.connect(address, { signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
    await assert.rejects(rpc.connect(newAddress()), { code: 'ENOENT' })
  })
})

describe('arguments', limit, () => {
  test('are checked before anything happens', async () => {
    const [a, b] = Channel.pair()
    keep(a)
    for (const target of [undefined, null, 1, {}, keep(SharedMemory.create(1))]) {
      assert.throws(() => rpc.serve(/** @type {any} */ (target), {}), { code: 'ERR_INVALID_ARG_TYPE' })
      await assert.rejects(rpc.connect(/** @type {any} */ (target)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const bad of [undefined, null, 1, [], { x: 1 }]) {
      assert.throws(() => rpc.serve(a, /** @type {any} */ (bad)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const concurrency of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => rpc.serve(a, {}, { concurrency }), { code: 'ERR_OUT_OF_RANGE' })
    }
    assert.throws(() => rpc.serve(a, {}, { codec: /** @type {any} */ ('bytes') }), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => rpc.serve(a, { '$/x': () => {} }), { code: 'ERR_INVALID_ARG_VALUE' })
    const client = keep(await rpc.connect(b))
    for (const method of [undefined, null, 1, {}]) {
      await assert.rejects(client.call(/** @type {any} */ (method)), { code: 'ERR_INVALID_ARG_TYPE' })
      assert.throws(() => client.callSync(/** @type {any} */ (method)), { code: 'ERR_INVALID_ARG_TYPE' })
      await assert.rejects(client.notify(/** @type {any} */ (method)), { code: 'ERR_INVALID_ARG_TYPE' })
      assert.throws(() => client.stream(/** @type {any} */ (method)), { code: 'ERR_INVALID_ARG_TYPE' })
      await assert.rejects(client.batch(/** @type {any} */ ([[method]])), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    await assert.rejects(client.call('$/cancelRequest'), { code: 'ERR_INVALID_ARG_VALUE' })
    await assert.rejects(client.call('x', 1, /** @type {any} */ (1)), { code: 'ERR_INVALID_ARG_TYPE' })
    const cycle = /** @type {any} */ ({})
    cycle.cycle = cycle
    for (const bad of [cycle, { big: 1n }]) {
      const bare = { code: 'ERR_INVALID_ARG_VALUE' }
      await assert.rejects(client.call('x', bad), bare)
      await assert.rejects(client.notify('x', bad), bare)
      assert.throws(() => client.callSync('x', bad), bare)
    }
  })

  test('more calls than pendingLimit are refused', async () => {
    const { client } = await overChannel({})
    client.pendingLimit = 2
    const calls = [1, 2].map((n) => client.call('hang', `limit ${n}`))
    await assert.rejects(client.call('nothing'), { code: 'ERR_IPC_LIMIT' })
    client.close()
    for (const call of calls) await assert.rejects(call, { code: 'ERR_IPC_CLOSED' })
  })
})

describe('the event loop', limit, () => {
  test('goes on for a server, and for a client only while a call has no answer', async () => {
    const address = newAddress()
    keep(rpc.serve(address, methods))
    const index = JSON.stringify(new URL('../index.js', import.meta.url).href)
    const client = `import { rpc } from ${index}
      const client = await rpc.connect(${JSON.stringify(address)})
      console.log(await client.call('sleep', 50))`
    assert.deepEqual((await start('--input-type=module', ['-e', client]).outcome).stdout, '50\n')
    const server = `import { rpc } from ${index}
      rpc.serve(${JSON.stringify(newAddress())}, {}).unref()`
    assert.equal((await start('--input-type=module', ['-e', server]).outcome).code, 0)
    const both = `import { Channel, rpc } from ${index}
      const [one, other] = Channel.pair({ codec: 'json' })
      rpc.serve(one, { who: () => 'me' })
      const client = await rpc.connect(other)
      console.log(await client.call('who'))
      client.close()`
    assert.deepEqual((await start('--input-type=module', ['-e', both]).outcome).stdout, 'me\n')
    const child = await elsewhere(newAddress())
    await sleep(50)
    assert.equal(child.process.exitCode, null)
  })
})
