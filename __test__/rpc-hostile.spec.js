/**
 * Remote procedure calls with an enemy at the other end: rubbish, lies about lengths, answers that nobody asked for, floods.
 * OS_IPC_FRAMES says how many mutated frames are tried (2,000), OS_IPC_SEED which.
 */
import assert from 'node:assert/strict'
import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { Channel, rpc, SharedMemory, UnixSocket } from '../index.js'
import { Parser } from '../lib/rpc/content-length.js'
import { parseQuickly } from '../lib/rpc/quick.js'
import { start } from './support/child.js'
import { inside } from './support/inside.js'
import { methods } from './support/rpc-methods.js'
import { descriptors, turn, until } from './support/state.js'
import { keep, undo, undoAfterEach } from './support/undo.js'

const { socketLink } = inside['rpc/accepting.js']
const { ServerCore } = inside['rpc/server-core.js']

const limit = { timeout: 60_000 }
const FRAMES = Number(process.env.OS_IPC_FRAMES ?? 2000)

undoAfterEach()

/** @param {number} seed */
function random(seed) {
  let state = seed
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** @param {string} body */
const withHeader = (body) => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** A server whose other end is ours to write to, over a channel of bytes. @param {any} [table] */
function victim(table = methods) {
  const [end, enemy] = Channel.pair()
  keep(enemy)
  const server = keep(rpc.serve(end, table))
  return { server, enemy, ask: async (/** @type {any} */ frame) => ask(enemy, frame) }
}

/** @param {Channel} enemy @param {any} frame */
async function ask(enemy, frame) {
  await enemy.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame))
  return JSON.parse(String(await enemy.recv({ timeout: 5000 })))
}

/** The same over a stream of bytes. @param {any} [table] */
function streamVictim(table = methods) {
  const [end, enemy] = UnixSocket.pair('stream')
  keep(enemy)
  const core = new ServerCore(new Map(Object.entries(table)), table, { concurrency: 1e9, maxConnections: 1e9 })
  undo.push(() => core.close())
  core.admit(socketLink(end))
  return { core, enemy }
}

/** A client whose server is ours to play. */
async function caller() {
  const [end, enemy] = Channel.pair()
  keep(enemy)
  const client = keep(await rpc.connect(end))
  const heard = async () => JSON.parse(String(await enemy.recv({ timeout: 5000 })))
  return { client, enemy, heard, say: (/** @type {any} */ frame) => enemy.send(JSON.stringify(frame)) }
}

describe('a server', limit, () => {
  test('answers what is not JSON with -32700, and goes on', async () => {
    const { ask } = victim()
    for (const rubbish of ['', ' ', '{', 'null null', '{"jsonrpc":"2.0"', '\u0000', Buffer.from([0xff, 0xfe])]) {
      const { id, error, jsonrpc } = await ask(rubbish)
      assert.deepEqual([id, error.code, jsonrpc], [null, -32700, '2.0'], String(rubbish))
    }
    assert.deepEqual((await ask({ jsonrpc: '2.0', id: 1, method: 'echo', params: [1] })).result, [1])
  })

  test('answers what is no request with -32600', async () => {
    const { ask } = victim()
    const frames = [
      1,
      'text',
      null,
      true,
      {},
      [],
      { jsonrpc: '2.0' },
      { jsonrpc: '2.0', id: 3 },
      { jsonrpc: '1.0', id: 3, method: 'echo' },
      { id: 3, method: 'echo' },
      { jsonrpc: 2, id: 3, method: 'echo' },
      { jsonrpc: '2.0', id: 3, method: 1 },
      { jsonrpc: '2.0', id: 3, method: null },
      { jsonrpc: '2.0', id: 3, method: ['echo'] },
      { jsonrpc: '2.0', id: {}, method: 'echo' },
      { jsonrpc: '2.0', id: [1], method: 'echo' },
      { jsonrpc: '2.0', id: true, method: 'echo' },
    ].map((frame) => JSON.stringify(frame))
    // A number that JSON has and JavaScript has not: its answer would be no JSON.
    const endless = '{"jsonrpc":"2.0","id":1e999,"method":"echo"}'
    for (const frame of [...frames, endless]) {
      const { error, id } = await ask(frame)
      assert.equal(error.code, -32600, frame)
      assert.ok(id === null || id === 3, String(id))
    }
  })

  test('refuses what is nested deeper than 64 levels, and goes on', async () => {
    const { ask } = victim({ echo: (/** @type {any} */ value) => value })
    const nested = (/** @type {number} */ depth) => '['.repeat(depth) + ']'.repeat(depth)
    const call = (/** @type {string} */ params) => ask(`{"jsonrpc":"2.0","id":9,"method":"echo","params":${params}}`)
    const refused = [nested(66), nested(100_000), `[${'{"a":'.repeat(80)}1${'}'.repeat(80)}]`]
    for (const params of refused) {
      const { id, error } = await call(params)
      assert.deepEqual([id, error?.code], [9, -32600])
    }
    for (const params of [
      nested(64),
      `["${'['.repeat(200)}"]`,
      `["\\"${'{'.repeat(200)}\\\\"]`,
      `[${'[],'.repeat(200)}[]]`,
    ]) {
      assert.deepEqual((await call(params)).result, JSON.parse(params))
    }
  })

  test('answers each of a batch that wants an answer, in one frame, and nothing to nobody', async () => {
    const { ask, enemy } = victim()
    const answers = await ask([
      1,
      { jsonrpc: '2.0', method: 'nothing' },
      { jsonrpc: '2.0', id: 'a', method: 'echoLater', params: [1] },
      { jsonrpc: '2.0', id: null, method: 'echo', params: 2 },
      [],
      { jsonrpc: '2.0', id: 'b', method: 'missing' },
      { jsonrpc: '2.0', id: 9, method: '$/unknown' },
    ])
    const told = new Map(answers.map((/** @type {any} */ { id, result, error }) => [`${id}`, result ?? error.code]))
    assert.deepEqual(told.get('a'), [1])
    assert.equal(told.get('b'), -32601)
    assert.equal(answers.length, 6)
    await enemy.send(JSON.stringify([{ jsonrpc: '2.0', method: 'nothing' }]))
    assert.equal((await ask({ jsonrpc: '2.0', id: 7, method: 'echo', params: 1 })).id, 7)
  })

  test('answers a batch one by one whose answers are too long together, and refuses one without end', async () => {
    const { enemy, ask } = victim({ big: () => 'x'.repeat(9_000_000) })
    await enemy.send(JSON.stringify([1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'big' }))))
    for (const id of [1, 2]) assert.equal(JSON.parse(String(await enemy.recv({ timeout: 5000 }))).id, id)
    assert.equal((await ask(`[${'1,'.repeat(100_000)}1]`)).error.code, -32600)
  })

  test('is not brought down by a handler whose result is a trap', async () => {
    const trap = () =>
      new Proxy(
        {},
        {
          get() {
            throw new Error('sprung')
          },
        },
      )
    const { ask } = victim({ trap, later: async () => ({ trap: trap() }) })
    assert.equal((await ask({ jsonrpc: '2.0', id: 1, method: 'trap' })).error.message, 'sprung')
    assert.match(
      (await ask({ jsonrpc: '2.0', id: 1, method: 'later' })).error.message,
      /cannot be sent as JSON: sprung/,
    )
  })

  test('keeps the id of a call that goes on for that call', async () => {
    const { ask, enemy } = victim()
    await enemy.send(JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'hang', params: 'twice' }))
    const { id, error } = await ask({ jsonrpc: '2.0', id: 5, method: 'echo' })
    assert.deepEqual([id, error.code], [null, -32600])
    await enemy.send(JSON.stringify({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 5 } }))
    assert.equal(JSON.parse(String(await enemy.recv())).error.code, -32800)
    assert.equal((await ask({ jsonrpc: '2.0', id: 5, method: 'echo', params: 'free again' })).result, 'free again')
  })

  test('is told nothing by instructions that mean nothing', async () => {
    const { ask, enemy } = victim()
    for (const params of [undefined, null, 1, [], {}, { id: 'unknown' }, { id: { x: 1 } }, { id: 1, count: -1 }]) {
      for (const method of ['$/cancelRequest', '$/more', '$/item', '$/whatever']) {
        await enemy.send(JSON.stringify({ jsonrpc: '2.0', method, params }))
      }
    }
    for (const answer of [
      { id: 1, result: 1 },
      { id: null, error: { code: 1 } },
      { id: 'x', error: null },
    ]) {
      await enemy.send(JSON.stringify({ jsonrpc: '2.0', ...answer }))
    }
    await ask({ jsonrpc: '2.0', id: 'end', method: 'echo', params: 1 })
  })

  test('tells nothing of what was thrown but name, code, message and data', async () => {
    const thrown = [
      new Proxy(
        {},
        {
          get() {
            throw new Error('a trap')
          },
        },
      ),
      {
        get message() {
          throw new Error('a getter')
        },
        code: 5,
      },
      Object.assign(new Error('cycle'), { data: cyclic() }),
      Object.assign(new Error('big'), { data: 1n }),
      Object.assign(new Error('long'.repeat(10_000)), { code: Number.NaN }),
      Symbol('symbol'),
      null,
      {
        toString() {
          throw new Error('no words')
        },
      },
    ]
    const { ask } = victim({
      throws: (/** @type {number} */ index) => {
        throw thrown[index]
      },
    })
    for (const index of thrown.keys()) {
      const { error } = await ask({ jsonrpc: '2.0', id: index, method: 'throws', params: index })
      assert.ok(Number.isInteger(error.code) && typeof error.message === 'string' && error.message.length <= 4096)
      assert.doesNotMatch(JSON.stringify(error), /hostile\.spec/)
    }
  })

  test('takes a bounded number of calls, and says so', async () => {
    const { enemy } = victim({ hang: () => new Promise(() => {}) })
    const most = 65_536
    /** @type {any[]} */
    const refused = []
    const reading = (async () => {
      for await (const message of enemy) {
        refused.push(JSON.parse(String(message)))
        if (refused.length === 3) return
      }
    })()
    for (let id = 0; id < most + 3; id++) {
      await enemy.send(`{"jsonrpc":"2.0","id":${id},"method":"hang","params":"flood"}`)
    }
    await reading
    assert.deepEqual(
      refused.map(({ id, error }) => [id, error.code]),
      [0, 1, 2].map((n) => [most + n, -32010]),
    )
  })

  test('reads no more from one who takes no answers', async () => {
    const { enemy, server } = victim({ big: () => 'x'.repeat(1_000_000) })
    let sent = 0
    await assert.rejects(
      async () => {
        for (; sent < 1_000_000; sent++) {
          await enemy.send(`{"jsonrpc":"2.0","id":${sent},"method":"big"}${' '.repeat(1000)}`, { timeout: 300 })
        }
      },
      { code: 'ETIMEDOUT' },
    )
    assert.ok(sent < 10_000, `${sent} sent`)
    assert.equal(server.clients, 1)
  })

  test('gives no more of a stream than it is asked for, whatever is said', async () => {
    const { ask, enemy } = victim()
    assert.equal((await ask({ jsonrpc: '2.0', id: 1, method: 'count', params: { to: 1e9 }, stream: 1 })).params.item, 0)
    for (const count of [-5, 1e300, Number.MAX_VALUE, '5', null, 0.5]) {
      await enemy.send(JSON.stringify({ jsonrpc: '2.0', method: '$/more', params: { id: 1, count } }))
    }
    await turn()
    assert.deepEqual((await ask({ jsonrpc: '2.0', id: 2, method: 'echo', params: 1 })).id, 2)
    await enemy.send(JSON.stringify({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 1 } }))
    assert.equal(JSON.parse(String(await enemy.recv())).error.code, -32800)
    for (const stream of [-1, 1.5, 'x', {}]) {
      assert.deepEqual(
        (await ask({ jsonrpc: '2.0', id: 3, method: 'count', params: { to: 2 }, stream })).result,
        [0, 1],
      )
    }
  })

  test('follows no path of handles out of what was sent', async () => {
    const { enemy, ask } = victim({ echo: () => Object.keys(Object.prototype).length })
    const memory = keep(SharedMemory.create(1))
    const paths = [
      ['__proto__', 'x'],
      ['constructor', 'prototype', 'y'],
      ['a', 'b', 'c'],
      [{}],
      'a',
      Array(100).fill('a'),
      5,
    ]
    const before = descriptors()
    for (const path of paths) {
      const frame = { jsonrpc: '2.0', id: 1, method: 'echo', params: { a: null }, handles: [path] }
      await enemy.send(JSON.stringify(frame), { handles: [memory] })
      assert.equal(JSON.parse(String(await enemy.recv())).result, 0)
    }
    assert.equal((await ask({ jsonrpc: '2.0', id: 1, method: 'echo', handles: [['a'], null, 5] })).result, 0)
    assert.equal(descriptors(), before)
  })
})

function cyclic() {
  /** @type {any} */
  const value = {}
  value.value = value
  return value
}

describe('a client', limit, () => {
  test('drops and counts answers that nobody waits for', async () => {
    const { client, heard, say } = await caller()
    const calling = client.call('x')
    const { id } = await heard()
    for (const other of [id + 1, id - 1, String(id), null, 0, {}, [id]])
      await say({ jsonrpc: '2.0', id: other, result: 'wrong' })
    await say({ jsonrpc: '2.0', id, result: 'right' })
    assert.equal(await calling, 'right')
    await say({ jsonrpc: '2.0', id, result: 'again' })
    await assert.rejects(client.call('late', 1, { timeout: 5 }), { code: 'ETIMEDOUT' })
    const late = await heard()
    assert.equal((await heard()).method, '$/cancelRequest')
    await say({ jsonrpc: '2.0', id: late.id, result: 'late' })
    await until(() => client.dropped === 9, `all are counted, not ${client.dropped}`)
  })

  test('takes an answer that is none for that call’s failure alone', async () => {
    const { client, heard, say } = await caller()
    for (const rest of [{}, { result: undefined }, { jsonrpc: '1.0', result: 1 }]) {
      const calling = client.call('x')
      const { id } = await heard()
      await say({ jsonrpc: '2.0', id, ...rest })
      await assert.rejects(calling, { code: 'ERR_IPC_CORRUPT' })
    }
    for (const error of [5, 'text', {}, { code: 'x', message: 1, remote: 7 }, { code: 1.5, remote: { name: {} } }]) {
      const calling = client.call('x')
      const { id } = await heard()
      await say({ jsonrpc: '2.0', id, error })
      await assert.rejects(calling, { code: -32603, name: 'RpcError' })
    }
  })

  test('takes an answer or an item that is nested too deep for that call’s failure alone', async () => {
    const { client, heard, say } = await caller()
    const deep = JSON.parse('['.repeat(100) + ']'.repeat(100))
    const calling = client.call('x')
    await say({ jsonrpc: '2.0', id: (await heard()).id, result: deep })
    await assert.rejects(calling, { code: -32600, name: 'RpcError' })
    const reading = client.stream('y').next()
    await say({ jsonrpc: '2.0', method: '$/item', params: { id: (await heard()).id, items: [deep] } })
    await assert.rejects(reading, { code: -32600, name: 'RpcError' })
    const after = client.call('x')
    await say({ jsonrpc: '2.0', id: (await heard()).id, result: 'fine' })
    assert.equal(await after, 'fine')
  })

  test('ends with a server that does not speak JSON', async () => {
    const { client, enemy } = await caller()
    const calling = client.call('x')
    await enemy.send('{')
    await assert.rejects(calling, { code: 'ERR_IPC_CORRUPT' })
    await assert.rejects(client.call('x'), { code: 'ERR_IPC_CORRUPT' })
  })

  test('ends with a server that sends more of a stream than was asked for', async () => {
    const { client, heard, say } = await caller()
    const stream = client.stream('x')
    const first = stream.next()
    const { id, stream: window } = await heard()
    for (let item = 0; item < window; item++) await say({ jsonrpc: '2.0', method: '$/item', params: { id, item } })
    assert.deepEqual(await first, { value: 0, done: false })
    for (let item = 0; item < 2; item++) await say({ jsonrpc: '2.0', method: '$/item', params: { id, item } })
    const other = client.call('x')
    await assert.rejects(other, { code: 'ERR_IPC_CORRUPT' })
  })
})

describe('frames of a stream', limit, () => {
  test('come out whole however they are cut', () => {
    const pick = random(1)
    const bodies = Array.from({ length: 300 }, (_, n) =>
      JSON.stringify({ n, text: 'é'.repeat(pick(n % 50 === 0 ? 100_000 : 50)) }),
    )
    const stream = Buffer.from(bodies.map(withHeader).join(''))
    for (const most of [1, 7, 100, 70_000]) {
      const parser = new Parser()
      /** @type {string[]} */
      const seen = []
      for (let at = 0; at < stream.length; ) {
        const end = at + 1 + pick(most)
        parser.push(stream.subarray(at, end), (body) => seen.push(body.toString()))
        at = end
      }
      assert.deepEqual(seen, bodies)
      assert.equal(parser.lacking, undefined)
    }
  })

  test('with a hostile length are EMSGSIZE before memory is taken', async () => {
    const pick = random(2)
    const before = process.memoryUsage().rss
    for (let round = 0; round < 3000; round++) {
      const length = [0xffffffff, 16 * 1024 * 1024 + 1, 2 ** 53 - 1, 999_999_999_999_999][pick(4)]
      const parser = new Parser()
      assert.throws(() => parser.push(Buffer.from(`Content-Length: ${length}\r\n\r\nx`), () => {}), {
        code: 'EMSGSIZE',
      })
    }
    for (let round = 0; round < 300; round++) {
      const parser = new Parser()
      parser.push(Buffer.from(`Content-Length: ${16 * 1024 * 1024}\r\n\r\nx`), () => {})
      assert.ok(parser.lacking)
    }
    const { enemy, core } = streamVictim()
    await enemy.send('Content-Length: 4294967295\r\n\r\n')
    assert.match(String((await enemy.recv())?.data), /-32700/)
    assert.equal(await enemy.recv(), null)
    await until(() => core.connections.size === 0, 'it is gone')
    const [end, liar] = UnixSocket.pair('stream')
    keep(liar)
    const client = keep(await rpc.connect(end))
    const calling = client.call('x')
    await liar.send('Content-Length: 4294967295\r\n\r\n')
    await assert.rejects(calling, { code: 'EMSGSIZE' })
    assert.ok(process.memoryUsage().rss - before < 32 * 1024 * 1024)
  })

  test('with a header that is none are refused', () => {
    const headers = [
      'Content-Length: -1',
      'Content-Length: 0x10',
      'Content-Length: 1e3',
      'Content-Length:',
      'Content-Length: 1 1',
      'X: 1',
      ': 5',
      'rubbish',
      'Content-Length: 1\r\nContent-Length: 1',
      'Content-Length: 2\r\nContent-Type: text; charset=latin1',
      'x'.repeat(5000),
    ]
    for (const header of headers) {
      assert.throws(
        () => new Parser().push(Buffer.from(`${header}\r\n\r\n{}`), () => {}),
        { code: 'ERR_IPC_CORRUPT' },
        header,
      )
    }
    /** @type {string[]} */
    const seen = []
    const fine = 'content-length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\nX-Y: z\r\n\r\n{}'
    new Parser().push(Buffer.from(fine), (body) => seen.push(body.toString()))
    assert.deepEqual(seen, ['{}'])
  })

  test('that are cut off are never taken for short ones: the server says how much came', async () => {
    const pick = random(3)
    const whole = withHeader(
      JSON.stringify({ jsonrpc: '2.0', method: 'count', params: { to: 1, text: 'x'.repeat(200) } }),
    )
    /** @type {any[]} */
    const errors = []
    const hear = (/** @type {any} */ { error }) => errors.push(error)
    const told = diagnosticsChannel('os-ipc:rpc:error')
    told.subscribe(hear)
    undo.push(() => told.unsubscribe(hear))
    let called = 0
    for (let round = 0; round < 100; round++) {
      const { enemy, core } = streamVictim({ count: () => called++ })
      const cut = 1 + pick(whole.length - 1)
      await enemy.send(whole + whole.slice(0, cut))
      enemy.close()
      await until(() => core.connections.size === 0, 'the server sees the end')
      const error = errors.pop()
      assert.equal(error?.code, 'ERR_IPC_TRUNCATED')
      assert.equal(called, round + 1, 'what was cut off is not called')
      const header = whole.indexOf('{')
      assert.equal(error.bytesReceived, cut < header ? cut : cut - header)
      assert.equal(error.bytesExpected, cut < header ? undefined : whole.length - header)
      core.close()
    }
  })

  test('that a server was sending when it was killed fail the call', async () => {
    const script = `import { UnixSocket } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      const socket = UnixSocket.fromFd(3)
      await socket.recv()
      await socket.send('Content-Length: 100\\r\\n\\r\\n{"jsonrpc":"2.0","id":')
      process.kill(process.pid, 'SIGKILL')`
    const [ours, theirs] = UnixSocket.pair('stream')
    const child = start('--input-type=module', ['-e', script], { handles: [theirs] })
    undo.push(() => child.kill())
    theirs.close()
    const client = keep(await rpc.connect(ours))
    await assert.rejects(client.call('x'), (/** @type {any} */ error) => {
      assert.equal(error.code, 'ERR_IPC_PEER_DIED')
      assert.equal(error.cause?.code, 'ERR_IPC_TRUNCATED')
      assert.deepEqual([error.cause.bytesReceived, error.cause.bytesExpected], [22, 100])
      return true
    })
  })
})

/**
 * A frame that is nearly one: some of its bytes are others, or some of its members.
 * @param {(below: number) => number} pick
 * @param {any} frame
 */
function mutated(pick, frame) {
  const values = [
    null,
    true,
    0,
    -1,
    1e308,
    '',
    'echo',
    '$/cancelRequest',
    [],
    {},
    { __proto__: null },
    [[]],
    '\ud800',
    2 ** 53,
  ]
  const value = () => values[pick(values.length)]
  const copy = structuredClone(frame)
  switch (pick(5)) {
    case 0: {
      const bytes = Buffer.from(JSON.stringify(frame))
      for (let n = 1 + pick(4); n > 0; n--) bytes[pick(bytes.length)] = pick(256)
      return bytes
    }
    case 1: {
      const text = JSON.stringify(frame)
      return text.slice(0, pick(text.length))
    }
    case 2: {
      const keys = Object.keys(copy)
      copy[keys[pick(keys.length)]] = value()
      return JSON.stringify(copy)
    }
    case 3: {
      const keys = Object.keys(copy)
      delete copy[keys[pick(keys.length)]]
      copy[['id', 'stream', 'handles', 'result', 'error', 'params'][pick(6)]] = value()
      return JSON.stringify(copy)
    }
    default:
      return JSON.stringify([copy, value(), copy])
  }
}

describe('frames that are recognised', limit, () => {
  test('are what JSON.parse makes of them, or are left to it', () => {
    const pick = random(7)
    const texts = [
      '{"jsonrpc":"2.0","id":17,"result":null}',
      '{"jsonrpc":"2.0","id":9007199254740991,"result":{"a":[1,"}"]}}',
      '{"jsonrpc":"2.0","id":5,"method":"echo"}',
      '{"jsonrpc":"2.0","id":5,"method":"é/x.y","params":{"__proto__":1}}',
      '{"jsonrpc":"2.0","id":5,"method":"echo","params":[1,2],"stream":3}',
      '{"jsonrpc":"2.0","id":5,"method":"a\\u0062","params":1}',
      '{"jsonrpc":"2.0","id":10,"result":1,"handles":[null]}',
    ]
    const recognised = texts.filter((text) => parseQuickly(text) !== undefined)
    assert.deepEqual(recognised, texts.slice(0, 4))
    const inserts = [
      '"',
      '\\',
      '}',
      '{',
      ',',
      ':',
      '0',
      '1',
      'null',
      ' ',
      '\n',
      '\t',
      '"result":',
      ',"params":',
      '9'.repeat(20),
      '\u0001',
    ]
    let same = 0
    for (let round = 0; round < 20_000; round++) {
      let text = texts[pick(texts.length)]
      for (let n = pick(3); n > 0; n--) {
        const at = pick(text.length + 1)
        text = text.slice(0, at) + inserts[pick(inserts.length)] + text.slice(at + pick(3))
      }
      const quick = parseQuickly(text)
      if (quick === undefined) continue
      assert.deepEqual(quick, JSON.parse(text), text)
      same++
    }
    assert.ok(same > 3000, String(same))
  })
})

describe('mutated frames', { timeout: 600_000 }, () => {
  test('leave a server as it was', async () => {
    const pick = random(Number(process.env.OS_IPC_SEED ?? 4))
    const { server, enemy } = victim({ echo: methods.echo, echoLater: methods.echoLater, count: () => [1, 2, 3] })
    const reading = (async () => {
      for await (const message of enemy) if (String(message).includes('"the last"')) return
    })()
    const seeds = [
      { jsonrpc: '2.0', id: 1, method: 'echo', params: { a: [1, { b: null }] }, handles: [['a', 1]] },
      { jsonrpc: '2.0', id: 'x', method: 'echoLater', params: [1] },
      { jsonrpc: '2.0', id: 2, method: 'count', stream: 2 },
      { jsonrpc: '2.0', method: '$/more', params: { id: 2, count: 1 } },
      { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 2 } },
      { jsonrpc: '2.0', id: 1, result: null },
    ]
    for (let round = 0; round < FRAMES; round++) await enemy.send(mutated(pick, seeds[pick(seeds.length)]))
    await enemy.send(JSON.stringify({ jsonrpc: '2.0', id: 'the last', method: 'echo' }))
    await reading
    assert.equal(server.clients, 1)
  })

  test('leave a client as it was, or end its connection with a code', async () => {
    const pick = random(Number(process.env.OS_IPC_SEED ?? 5))
    let { client, enemy } = await caller()
    /** @type {Map<string, number>} */
    const codes = new Map()
    /** @type {Promise<void>[]} */
    const settled = []
    const note = (/** @type {any} */ error) => {
      const { code } = error
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    for (let round = 0; round < Math.ceil(FRAMES / 5); round++) {
      const call = client.call('x')
      settled.push(call.then(() => {}, note))
      const { id } = JSON.parse(String(await enemy.recv()))
      const seeds = [
        { jsonrpc: '2.0', id, result: { a: null }, handles: [['a']] },
        { jsonrpc: '2.0', id, error: { code: 1, message: 'x', data: {}, remote: { name: 'x' } } },
        { jsonrpc: '2.0', method: '$/item', params: { id, item: 1 } },
        { jsonrpc: '2.0', id: 1, method: 'echo' },
      ]
      try {
        await enemy.send(mutated(pick, seeds[pick(seeds.length)]))
        await enemy.send(JSON.stringify({ jsonrpc: '2.0', id, result: 1 }))
      } catch (error) {
        assert.equal(/** @type {any} */ (error).code, 'EPIPE')
      }
      await settled.at(-1)
      while (enemy.tryRecv());
      if (
        round % 16 === 15 ||
        (await client.notify('alive').then(
          () => false,
          () => true,
        ))
      ) {
        client.close()
        enemy.close()
        ;({ client, enemy } = await caller())
      } else {
        await enemy.recv()
      }
    }
    for (const code of codes.keys()) {
      assert.ok(typeof code === 'number' || ['ERR_IPC_CORRUPT', 'ERR_IPC_PEER_DIED'].includes(code), String(code))
    }
  })

  test('leave a server on a stream of bytes as it was, or end that connection', async () => {
    const pick = random(Number(process.env.OS_IPC_SEED ?? 6))
    const rounds = Math.ceil(FRAMES / 10)
    for (let round = 0; round < rounds; round++) {
      const { enemy, core } = streamVictim({ echo: methods.echo })
      const frames = Array.from({ length: 10 }, () =>
        withHeader(JSON.stringify({ jsonrpc: '2.0', id: round, method: 'echo' })),
      )
      const bytes = Buffer.from(frames.join(''))
      for (let n = pick(4); n > 0; n--) bytes[pick(bytes.length)] = pick(256)
      await enemy.send(bytes)
      enemy.shutdown('write')
      for (let message = await enemy.recv(); message !== null; message = await enemy.recv());
      await until(() => core.connections.size === 0, 'it ends')
      core.close()
      enemy.close()
    }
  })
})
