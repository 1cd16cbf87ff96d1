/** JSON-RPC: frames to a server, answers to a client, and how frames are told apart in a stream of bytes. */
import assert from 'node:assert/strict'
import { Channel, rpc, UnixSocket } from '../../index.js'
import { Parser } from '../../lib/rpc/content-length.js'
import { parseQuickly } from '../../lib/rpc/quick.js'
import { anything, mutated, written } from './json.js'
import { outcome } from './outcome.js'

/** @typedef {import('../faults/harness/random.js').Random} Random */

const methods = {
  add: (/** @type {any} */ { a, b }) => a + b,
  echo: (/** @type {any} */ params) => params,
  echoLater: async (/** @type {any} */ params) => params,
  nothing() {},
  throws(/** @type {any} */ params) {
    throw params
  },
  hang: (/** @type {any} */ _, /** @type {any} */ { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  async *count(/** @type {any} */ to) {
    for (let n = 0; n < Math.min(Number(to) || 3, 100); n++) yield n
  },
}

const REQUESTS = [
  { jsonrpc: '2.0', id: 1, method: 'echo', params: { a: [1, 'x'] } },
  { jsonrpc: '2.0', id: 'x', method: 'add', params: { a: 1, b: 2 } },
  { jsonrpc: '2.0', id: 2, method: 'count', params: 5, stream: 2 },
  { jsonrpc: '2.0', id: 3, method: 'hang' },
  { jsonrpc: '2.0', id: 4, method: 'throws', params: { message: 'm', code: 5 } },
  { jsonrpc: '2.0', id: 5, method: 'echoLater', params: [null], handles: [['0']] },
  { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 3 } },
  { jsonrpc: '2.0', method: '$/more', params: { id: 2, count: 5 } },
  { jsonrpc: '2.0', method: '$/item', params: { id: 2, item: 5 } },
  { jsonrpc: '2.0', id: 1, result: 5 },
]

/** @param {Random} random @param {any[]} patterns @returns {string} */
function frame(random, patterns) {
  const one = () => (random.chance(0.3) ? random.pick(patterns) : mutated(random.pick(patterns), random))
  const value = random.chance(0.1)
    ? Array.from({ length: random.integer(0, 5) }, one)
    : random.chance(0.03)
      ? anything(random)
      : one()
  return written(value, random)
}

/** What an answer has to be. @param {any} answer */
function check(answer) {
  for (const one of Array.isArray(answer) ? answer : [answer]) {
    assert.equal(one.jsonrpc, '2.0')
    if (one.method !== undefined) continue
    assert.ok(one.id === null || ['string', 'number'].includes(typeof one.id), JSON.stringify(one))
    assert.ok('result' in one !== 'error' in one, JSON.stringify(one))
    if (one.error)
      assert.ok(Number.isInteger(one.error.code) && typeof one.error.message === 'string', JSON.stringify(one))
  }
}

/** A connection of one kind, as the enemy has it. @param {boolean} stream */
function connection(stream) {
  const [end, enemy] = /** @type {any[]} */ (stream ? UnixSocket.pair('stream') : Channel.pair())
  const parser = new Parser()
  return {
    end,
    /** @param {string} text @param {Random} random */
    async say(text, random) {
      if (!stream) return outcome(() => enemy.send(text, { timeout: 1000 }))
      const length = random.chance(0.95) ? Buffer.byteLength(text) : random.integer(-1, 2 ** 20)
      return outcome(() =>
        enemy.send(`Content-Length: ${length}\r\n${random.chance(0.1) ? 'X: y\r\n' : ''}\r\n${text}`, {
          timeout: 1000,
        }),
      )
    },
    /** What has come: undefined for nothing. */
    heard() {
      /** @type {any[]} */
      const frames = []
      for (;;) {
        const message = enemy.tryRecv()
        if (message === undefined || message === null) return frames
        if (stream) parser.push(message.data ?? message, (body) => frames.push(JSON.parse(body.toString())))
        else frames.push(JSON.parse(String(message)))
      }
    },
    close: () => enemy.close(),
  }
}

const turn = () => new Promise(setImmediate)

export const rpcServer = {
  about: 'frames of JSON-RPC that a server gets',
  begin() {
    return {
      /** @param {Random} random */
      async one(random) {
        const enemy = connection(false)
        const server = rpc.serve(enemy.end, methods)
        let open = true
        for (let count = random.integer(1, 8); count > 0 && open; count--) {
          await enemy.say(frame(random, REQUESTS), random)
          if (random.chance(0.5)) await turn()
        }
        await enemy.say('{"jsonrpc":"2.0","id":"the last","method":"echo","params":7}', random)
        for (let looks = 0; open && looks < 2000; looks++) {
          for (const answer of enemy.heard()) {
            check(answer)
            if (answer.id === 'the last') {
              assert.equal(answer.result, 7)
              open = false
            }
          }
          await turn()
        }
        assert.ok(!open, 'it answers no more')
        enemy.close()
        server.close()
      },
      close() {},
    }
  },
}

const ANSWERS = [
  { result: 1 },
  { result: null },
  { error: { code: -1, message: 'm', data: 1 } },
  { result: [1, 2], handles: [['0']] },
]

export const rpcClient = {
  about: 'answers of JSON-RPC that a client gets',
  begin() {
    return {
      /** @param {Random} random */
      async one(random) {
        const enemy = connection(random.chance(0.3))
        const client = await rpc.connect(enemy.end)
        /** @type {Array<Promise<any>>} */
        const calls = []
        for (let count = random.integer(1, 5); count > 0; count--) {
          calls.push(outcome(() => client.call('x', random.integer(0, 9), { timeout: 20 })))
          if (random.chance(0.3)) calls.push(outcome(() => client.stream('s', 1, { timeout: 20 }).next()))
        }
        await turn()
        for (const { id } of [...enemy.heard(), { id: 1 }]) {
          const right = { jsonrpc: '2.0', id, ...random.pick(ANSWERS) }
          const item = { jsonrpc: '2.0', method: '$/item', params: { id, item: 5 } }
          await enemy.say(frame(random, [right, right, item]), random)
        }
        await turn()
        if (random.chance(0.5)) enemy.close()
        await Promise.all(calls)
        client.close()
        enemy.close()
      },
      close() {},
    }
  },
}

export const rpcStream = {
  about: 'frames in a stream of bytes, however they are cut',
  begin() {
    return {
      /** @param {Random} random */
      async one(random) {
        const bodies = Array.from({ length: random.integer(0, 5) }, () => frame(random, REQUESTS))
        const honest = bodies.map((body) => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`).join('')
        const isHonest = random.chance(0.5)
        const stream = Buffer.from(isHonest ? honest : spoilt(honest, random))
        const parser = new Parser()
        /** @type {string[]} */
        const seen = []
        try {
          for (let at = 0; at < stream.length; ) {
            const to = at + random.integer(1, random.pick([1, 8, 100, 10_000]))
            parser.push(stream.subarray(at, to), (body) => seen.push(body.toString()))
            at = to
          }
        } catch (error) {
          assert.ok(
            !isHonest && ['ERR_IPC_CORRUPT', 'EMSGSIZE'].includes(/** @type {any} */ (error).code),
            String(error),
          )
        }
        if (isHonest)
          assert.deepEqual([seen, parser.lacking], [bodies.map((body) => Buffer.from(body).toString()), undefined])
        for (const body of bodies) {
          const quick = parseQuickly(body)
          // What is read the quick way is what JSON.parse would have read.
          if (quick !== undefined && !body.includes('[['.repeat(100))) assert.deepEqual(quick, JSON.parse(body))
        }
      },
      close() {},
    }
  },
}

const HEADERS = [
  'Content-Length: ',
  'content-length:',
  '\r\n\r\n',
  '\r\n',
  '\r',
  '\n',
  ': ',
  '-1',
  '0',
  '99999999999',
  '1e3',
  '0x10',
  ' ',
  '\u0000',
  'Content-Type: x\r\n',
]

/** @param {string} text @param {Random} random */
function spoilt(text, random) {
  for (let count = random.integer(1, 4); count > 0; count--) {
    const at = random.integer(0, text.length)
    text = text.slice(0, at) + random.pick(HEADERS) + text.slice(at + random.integer(0, 12))
  }
  return text
}
