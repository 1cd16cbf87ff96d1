/** Endpoints: messages by the number of a process, and who can say to be whom. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Endpoint, Handle, pipe, SharedMemory, SysvMessageQueue, UnixListener, UnixSocket } from '../index.js'
import { fixture, output, start } from './support/child.js'
import { needs } from './support/extras.js'
import { inside } from './support/inside.js'
import { descriptors, stateOf, turn, until } from './support/state.js'
import { keep, undo, undoAfterEach } from './support/undo.js'

const { cleanup } = inside['registry.js']

const limit = { timeout: 90_000 }
const isRoot = process.getuid?.() === 0

/** A run-time folder of this spec's own: other programs of this user have endpoints too. */
let folder = ''
const runTime = process.env.XDG_RUNTIME_DIR
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  process.env.XDG_RUNTIME_DIR = folder
})
after(() => {
  if (runTime === undefined) delete process.env.XDG_RUNTIME_DIR
  else process.env.XDG_RUNTIME_DIR = runTime
  rmSync(folder, { recursive: true, force: true })
})

undoAfterEach()

/** @param {Parameters<typeof Endpoint.open>} options */
const open = (...options) => keep(Endpoint.open(...options))

/** @param {Parameters<typeof start>} parameters */
function begin(...parameters) {
  const child = start(...parameters)
  undo.push(() => child.kill())
  return child
}

/** One that echoes. */
async function echo() {
  const child = begin(fixture('endpoint-echo.js'))
  await child.says('open')
  return child
}

/** @typedef {ReturnType<typeof start> & { does: (line: string) => Promise<void> }} Told */

/** To start a process takes longer than most of what is done with it. @type {Told[]} */
const spare = []
after(async () => {
  for (const child of spare.splice(0)) await child.kill()
})

/** One that does what it is told. @returns {Promise<Told>} */
async function told() {
  // A watchdog that had been set when it was started would go off while it stands by, or in the middle of a later test.
  const child = spare.pop() ?? (await startTold({}, 0))
  const done = child.guard()
  undo.push(async () => {
    try {
      const ended = child.process.exitCode !== null || child.process.signalCode !== null
      if (ended) return
      await child.does('close')
      spare.push(child)
    } finally {
      done()
    }
  })
  return child
}

let lines = 0

/** @param {Record<string, string>} [env] @param {number} [patience] @returns {Promise<Told>} */
async function startTold(env, patience) {
  const child = start(fixture('endpoint-told.js'), [], { stdin: 'pipe', env, patience })
  await child.says('ready')
  return Object.assign(child, {
    /** @param {string} line */
    async does(line) {
      const number = ++lines
      child.tell(`${number} ${line}`)
      await child.says(`\n${number} is done`)
    },
  })
}

/** @param {number} pid */
function placeOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return join(folder, 'os-ipc', `endpoint.${pid}.${started}.${statSync('/proc/self/ns/pid').ino}`)
}

const sockets = () => readdirSync(join(folder, 'os-ipc')).filter((name) => name.startsWith('endpoint.'))

describe('an endpoint', limit, () => {
  test('sends to a process and receives from it, told by the kernel who it is', async () => {
    const child = await echo()
    const endpoint = open()
    assert.ok(endpoint instanceof Endpoint && endpoint instanceof Handle)
    assert.deepEqual([endpoint.pid, endpoint.fd, Object.keys(endpoint).sort()], [process.pid, -1, ['fd', 'pid']])
    for (const text of ['hello', '', 'again']) {
      await endpoint.send(child.pid, text)
      const message = await endpoint.recv()
      assert.equal(String(message.data), text)
      assert.equal(message.from, child.pid)
      assert.deepEqual({ ...message.credentials }, { pid: child.pid, uid: process.getuid?.(), gid: process.getgid?.() })
      assert.deepEqual(message.takeHandles(), [])
    }
    endpoint.sendSync(child.pid, new Uint8Array([1, 2]), { timeout: 10_000 })
    assert.deepEqual([...endpoint.recvSync({ timeout: 10_000 }).data], [1, 2])
    assert.equal(endpoint.trySend(child.pid, 'end'), true)
    await child.succeeded()
  })

  test('sends to its own process too, and takes what is there in every form', async () => {
    const endpoint = open()
    const pending = endpoint.recv()
    await endpoint.send(process.pid, 'a')
    assert.equal(String((await pending).data), 'a')
    for (const text of ['b', 'c', 'd']) assert.equal(endpoint.trySend(process.pid, text), true)
    assert.equal(String(endpoint.tryRecv()?.data), 'b')
    assert.equal(String(endpoint.recvSync({ timeout: 0 }).data), 'c')
    assert.equal(String((await endpoint.recv({ timeout: 0 })).data), 'd')
    assert.equal(endpoint.tryRecv(), undefined)
    assert.throws(() => endpoint.recvSync({ timeout: 5 }), { code: 'ETIMEDOUT' })
    await assert.rejects(endpoint.recv({ timeout: 0 }), { code: 'ETIMEDOUT' })
    await assert.rejects(endpoint.recv({ timeout: 5 }), { code: 'ETIMEDOUT' })
    const reason = new Error('mine')
    await assert.rejects(endpoint.recv({ signal: AbortSignal.abort(reason) }), (error) => error === reason)
    await endpoint.send(process.pid, 'e')
    for await (const { data } of endpoint.iterate({ from: process.pid })) {
      assert.equal(String(data), 'e')
      break
    }
  })

  test('is one for each process, in whichever of its threads', async () => {
    const worker = new Worker(fixture('endpoint-worker.js'))
    undo.push(() => worker.terminate())
    await once(worker, 'message')
    assert.throws(() => Endpoint.open(), { code: 'ERR_IPC_EXCLUSIVE' })
    const child = await told()
    await child.does('open')
    const heard = once(worker, 'message')
    await child.does(`send ${process.pid} 1`)
    assert.deepEqual(await heard, ['0'])
    await worker.terminate()
    const endpoint = open()
    assert.throws(() => Endpoint.open(), { code: 'ERR_IPC_EXCLUSIVE' })
    assert.throws(() => endpoint.dup(), { code: 'ERR_IPC_EXCLUSIVE' })
    assert.throws(() => endpoint.detach(), { code: 'ERR_IPC_NOT_SUPPORTED' })
    endpoint.close()
    assert.throws(() => endpoint.dup(), { code: 'ERR_IPC_CLOSED' })
    open()
  })

  test('leaves nothing: not after a close, an exit, nor a garbage collection', async () => {
    const before = descriptors()
    const endpoint = Endpoint.open()
    await endpoint.send(process.pid, 'never received')
    assert.equal(existsSync(placeOf(process.pid)), true)
    assert.equal(statSync(placeOf(process.pid)).mode & 0o777, 0o600)
    const pending = [endpoint.recv({ from: 1 }), endpoint.recv({ from: 2 })]
    endpoint.close()
    endpoint.close()
    for (const promise of pending) await assert.rejects(promise, { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(endpoint.send(process.pid, ''), { code: 'ERR_IPC_CLOSED' })
    assert.throws(() => endpoint.tryRecv(), { code: 'ERR_IPC_CLOSED' })
    assert.equal(existsSync(placeOf(process.pid)), false)
    assert.ok(descriptors() <= before + 3, 'the reactor has some')
    const child = await told()
    await child.does('open')
    const place = placeOf(child.pid)
    assert.equal(existsSync(place), true)
    child.tell('0 exit')
    await child.succeeded()
    assert.equal(existsSync(place), false)
    assert.equal(await output(fixture('endpoint-forget.js'), [], { node: ['--expose-gc'] }), 'gone\n')
    assert.deepEqual(sockets(), [])
  })

  test('keeps the process alive while it waits, and not while it is idle', async () => {
    const url = new URL('../index.js', import.meta.url).href
    const script = (/** @type {string} */ rest) =>
      start('--input-type=module', ['-e', `import { Endpoint } from '${url}'; const e = Endpoint.open(); ${rest}`])
    await script('await e.send(process.pid, "x"); await e.recv()').succeeded()
    await script('e.recv().catch(() => {}); e.unref()').succeeded()
    const waiting = script('console.log("waits"); await e.recv()')
    undo.push(() => waiting.kill())
    await waiting.says('waits')
    await until(() => stateOf(waiting.pid) === 'S', 'it waits')
    assert.equal(waiting.process.exitCode, null)
  })
})

describe('a receiver', limit, () => {
  test('that is not there is ESRCH', async () => {
    const endpoint = open()
    const gone = spawn('true')
    await once(gone, 'close')
    const pid = /** @type {number} */ (gone.pid)
    await assert.rejects(endpoint.send(pid, 'x'), { code: 'ESRCH' })
    assert.throws(() => endpoint.trySend(pid, 'x'), { code: 'ESRCH' })
    assert.throws(() => endpoint.sendSync(pid, 'x'), { code: 'ESRCH' })
  })

  test('without an endpoint is waited for, for as long as is wanted', async () => {
    const endpoint = open()
    const child = await told()
    await assert.rejects(endpoint.send(child.pid, 'x', { timeout: 0 }), { code: 'ESRCH' })
    assert.throws(() => endpoint.sendSync(child.pid, 'x', { timeout: 0 }), { code: 'ESRCH' })
    assert.equal(endpoint.trySend(child.pid, 'x'), false)
    await assert.rejects(endpoint.send(child.pid, 'x', { timeout: 10 }), { code: 'ETIMEDOUT', hint: /no endpoint/ })
    assert.throws(() => endpoint.sendSync(child.pid, 'x', { timeout: 10 }), { code: 'ETIMEDOUT' })
    const numbers = [0, 1, 2].map((i) => endpoint.send(child.pid, `${i}`))
    await child.does('open')
    await Promise.all(numbers)
    await child.does('receive 3')
  })

  test('that ends without ever having had one is ESRCH for those who wait', async () => {
    const endpoint = open()
    const child = await told()
    const sent = endpoint.send(child.pid, 'x')
    const rejected = assert.rejects(sent, { code: 'ESRCH' })
    await turn()
    await child.kill()
    await rejected
  })

  test('that has closed and opened again is found again', async () => {
    const endpoint = open()
    const child = await told()
    await child.does('open')
    await endpoint.send(child.pid, '0')
    await child.does('receive 1')
    await child.does('close')
    await assert.rejects(endpoint.send(child.pid, 'x', { timeout: 0 }), { code: 'ESRCH' })
    const sent = endpoint.send(child.pid, '0')
    child.tell('0 open')
    await sent
    await child.does('receive 1')
  })

  test('that takes nothing holds the sender back, and loses nothing', async () => {
    const endpoint = open()
    const child = await told()
    await child.does('open')
    let count = 0
    const next = () => {
      const data = Buffer.alloc(64 * 1024)
      data.write(`${count}`)
      return data
    }
    while (endpoint.trySend(child.pid, next())) count++
    assert.ok(count > 1)
    await assert.rejects(endpoint.send(child.pid, 'x', { timeout: 5 }), { code: 'ETIMEDOUT' })
    assert.throws(() => endpoint.sendSync(child.pid, 'x', { timeout: 5 }), { code: 'ETIMEDOUT' })
    const controller = new AbortController()
    const aborted = assert.rejects(endpoint.send(child.pid, 'x', { signal: controller.signal }), { name: 'AbortError' })
    const memory = next()
    count++
    const pending = [endpoint.send(child.pid, memory)]
    memory.fill(0xff)
    for (let i = 0; i < 20; i++) {
      pending.push(endpoint.send(child.pid, next()))
      count++
    }
    assert.equal(endpoint.trySend(child.pid, 'x'), false, 'others wait')
    controller.abort()
    await aborted
    // To others it can be sent meanwhile.
    await endpoint.send(process.pid, 'mine')
    assert.equal(String((await endpoint.recv()).data), 'mine')
    await Promise.all([child.does(`receive ${count}`), ...pending])
  })

  test('that is killed is ESRCH, and whoever finds its file removes it', async () => {
    const endpoint = open()
    const child = await told()
    await child.does('open')
    await endpoint.send(child.pid, 'x')
    const place = placeOf(child.pid)
    await child.kill()
    await assert.rejects(endpoint.send(child.pid, 'y'), { code: 'ESRCH' })
    assert.equal(existsSync(place), true)
    assert.ok(cleanup({ dryRun: true }).some(({ kind, name }) => kind === 'socket' && name === place))
    endpoint.close()
    open()
    assert.equal(existsSync(place), false)
  })

  test('is told that a message is too long before anything is sent', async () => {
    const endpoint = open()
    const data = Buffer.alloc(5 << 20)
    await assert.rejects(endpoint.send(process.pid, data), { code: 'EMSGSIZE', hint: /SharedMemory/ })
    assert.throws(() => endpoint.trySend(process.pid, data), { code: 'EMSGSIZE' })
    assert.equal(endpoint.tryRecv(), undefined)
    const long = Buffer.alloc(200_000, 'abcdefg')
    await endpoint.send(process.pid, long)
    assert.deepEqual((await endpoint.recv()).data, long)
  })
})

describe('senders', limit, () => {
  test('do not hold each other up, and each is heard in order', async () => {
    const endpoint = open()
    const other = await told()
    const one = await startTold()
    undo.push(() => one.kill())
    await Promise.all([one.does('open'), other.does('open')])
    one.tell(`0 send ${process.pid} 100000`)
    const first = await endpoint.recv({ from: one.pid })
    assert.equal(String(first.data), '0')
    await other.does(`send ${process.pid} 3`)
    for (const i of [0, 1]) assert.equal(String((await endpoint.recv({ from: other.pid })).data), `${i}`)
    assert.equal(String(endpoint.recvSync({ from: other.pid, timeout: 10_000 }).data), '2')
    assert.equal(endpoint.tryRecv({ from: other.pid }), undefined)
    assert.throws(() => endpoint.recvSync({ from: other.pid, timeout: 20 }), { code: 'ETIMEDOUT' })
    for (let i = 1; i < 500; i++) assert.equal(String((await endpoint.recv()).data), `${i}`)
  })

  test('take turns where whoever comes is received', async () => {
    const endpoint = open()
    const children = await Promise.all([told(), told(), told()])
    for (const child of children) {
      await child.does('open')
      await child.does(`send ${process.pid} 5`)
    }
    const order = []
    for (let i = 0; i < 15; i++) {
      const { from, data } = await endpoint.recv()
      order.push([children.findIndex(({ pid }) => pid === from), Number(data)])
    }
    for (let i = 0; i < 5; i++) {
      const round = order.slice(3 * i, 3 * i + 3)
      assert.deepEqual(round.map(([child]) => child).sort(), [0, 1, 2])
      assert.deepEqual(
        round.map(([, number]) => number),
        [i, i, i],
      )
    }
  })

  test('are received by whoever waits since longest', async () => {
    const endpoint = open()
    const waits = [
      endpoint.recv(),
      endpoint.recv({ from: process.pid }),
      endpoint.recv(),
      endpoint.recv({ from: process.pid }),
    ]
    for (const text of ['0', '1', '2', '3']) await endpoint.send(process.pid, text)
    assert.deepEqual(
      (await Promise.all(waits)).map(({ data }) => String(data)),
      ['0', '1', '2', '3'],
    )
  })

  test('that have gone are heard to the end, and then forgotten', async () => {
    const endpoint = open()
    await turn()
    const child = await told()
    await child.does('open')
    const before = descriptors()
    await child.does(`send ${process.pid} 3`)
    await child.kill()
    for (const i of [0, 1, 2]) assert.equal(String((await endpoint.recv({ from: child.pid })).data), `${i}`)
    await until(() => descriptors() <= before, 'the connection is closed')
    const idle = await told()
    await idle.does('open')
    await idle.does(`send ${process.pid} 1`)
    assert.equal(String((await endpoint.recv()).data), '0')
    const connected = descriptors()
    await idle.kill()
    await until(() => descriptors() < connected, 'nobody receives, and it is closed all the same')
  })

  test('are twenty, each to each', async () => {
    const count = 20
    const children = Array.from({ length: count }, () =>
      begin(fixture('endpoint-all-to-all.js'), [25], { stdin: 'pipe', patience: 80_000 }),
    )
    await Promise.all(children.map((child) => child.says('open')))
    for (const child of children) child.tell(children.map(({ pid }) => pid).join(' '))
    await Promise.all(children.map((child) => child.says('all')))
    for (const child of children) child.process.stdin?.end()
    await Promise.all(children.map((child) => child.succeeded()))
  })
})

describe('no message is lost', limit, () => {
  test('to timeouts and aborts of those who receive', async () => {
    const endpoint = open()
    const child = await told()
    await child.does('open')
    const count = 2000
    const sent = child.does(`send ${process.pid} ${count}`)
    let given = 0
    for (let next = 0; next < count; ) {
      const controller = new AbortController()
      const from = Math.random() < 0.5 ? child.pid : undefined
      const timeout = Math.random() * 2
      const waits = [
        endpoint.recv({ from, timeout }),
        endpoint.recv({ from, signal: controller.signal }),
        endpoint.recv({ timeout: 0 }),
      ]
      if (Math.random() < 0.5) setImmediate(() => controller.abort())
      else controller.abort()
      // Whoever asks without waiting comes before the first two, if they wait.
      const outcomes = await Promise.allSettled(waits)
      const numbers = outcomes.map((outcome) => {
        if (outcome.status === 'fulfilled') return Number(outcome.value.data)
        assert.ok(['ETIMEDOUT', 20].includes(outcome.reason.code), outcome.reason)
        given++
        return -1
      })
      const got = numbers.filter((number) => number >= 0).sort((a, b) => a - b)
      assert.deepEqual(
        got,
        got.map((_, i) => next + i),
      )
      next += got.length
    }
    await sent
    assert.ok(given > 0, 'some were given up')
    assert.equal(endpoint.tryRecv(), undefined)
  })

  test('to those who are given up while they send', async () => {
    const endpoint = open()
    const child = await told()
    await child.does('open')
    const data = Buffer.alloc(32 * 1024)
    let count = 0
    const numbered = () => {
      data.fill(0)
      data.write(`${count}`)
      return data
    }
    while (endpoint.trySend(child.pid, numbered())) count++
    const controller = new AbortController()
    const outcomes = []
    for (let i = 0; i < 20; i++) {
      outcomes.push(endpoint.send(child.pid, 'not to arrive', { signal: controller.signal }))
      outcomes.push(endpoint.send(child.pid, 'nor this', { timeout: 1 }))
      outcomes.push(endpoint.send(child.pid, numbered()))
      count++
    }
    const timedOut = outcomes.filter((_, i) => i % 3 === 1)
    for (const outcome of outcomes) outcome.catch(() => {})
    for (const outcome of timedOut) await assert.rejects(outcome, { code: 'ETIMEDOUT' })
    controller.abort()
    await child.does(`receive ${count}`)
    const settled = (await Promise.allSettled(outcomes)).map(({ status }) => status === 'fulfilled')
    assert.deepEqual(
      settled,
      outcomes.map((_, i) => i % 3 === 2),
    )
  })

  test('to a process that ends: it leaves no file, and ends as it says', async () => {
    const child = begin(fixture('endpoint-exit.js'))
    const { code, stderr } = await child.outcome
    assert.deepEqual([code, stderr], [7, ''])
    assert.ok(sockets().every((name) => !name.startsWith(`endpoint.${child.pid}.`)))
  })

  test('to a process that has no descriptors left', needs('prlimit'), async () => {
    const endpoint = open()
    const child = begin(fixture('endpoint-limits.js'), [process.pid])
    await child.says('full EMFILE,EMFILE,EMFILE')
    await endpoint.send(child.pid, 'early', { timeout: 10_000 })
    await child.says('recv ETIMEDOUT')
    assert.equal(String((await endpoint.recv({ timeout: 10_000 })).data), 'got early')
    await child.succeeded()
  })
})

describe('handles', limit, () => {
  test('go with a message, and stay here unless they move', async () => {
    const child = await echo()
    const endpoint = open()
    const { reader, writer } = pipe()
    const memory = keep(SharedMemory.create(4096))
    const queue = SysvMessageQueue.open('private')
    keep(queue)
    undo.push(() => queue.remove())
    await endpoint.send(child.pid, 'these', { handles: [reader, memory] })
    assert.deepEqual([reader.closed, memory.closed], [true, false])
    const message = await endpoint.recv()
    assert.equal(String(message.data), 'these')
    const [back, same] = /** @type {[import('../index.js').PipeReader, SharedMemory]} */ (message.takeHandles())
    assert.deepEqual(message.takeHandles(), [back, same])
    keep(back)
    keep(same)
    await keep(writer).send('through')
    assert.equal(String(await back.recv()), 'through')
    new Uint8Array(memory.buffer)[7] = 42
    assert.equal(new Uint8Array(same.buffer)[7], 42)
    await endpoint.send(child.pid, 'none of it needs a descriptor', { handles: [queue] })
    const [found] = (await endpoint.recv()).takeHandles()
    assert.equal(/** @type {SysvMessageQueue} */ (keep(found)).id, queue.id)
  })

  test('that nobody takes are closed, and those that are refused stay as they were', async () => {
    const endpoint = open()
    const { reader, writer } = pipe()
    keep(writer)
    await endpoint.send(process.pid, 'x')
    await endpoint.recv()
    await turn()
    const before = descriptors()
    await endpoint.send(process.pid, 'x', { handles: [keep(reader)] })
    const message = await endpoint.recv()
    assert.equal(reader.closed, true)
    assert.equal(descriptors(), before)
    const dispose = /** @type {any} */ (message)[Symbol.dispose ?? Symbol.for('nodejs.dispose')]
    dispose.call(message)
    assert.equal(descriptors(), before - 1)
    assert.deepEqual(message.takeHandles(), [])
    const again = pipe()
    keep(again.reader)
    keep(again.writer)
    await assert.rejects(endpoint.send(process.pid, Buffer.alloc(5 << 20), { handles: [again.reader] }), {
      code: 'EMSGSIZE',
    })
    await assert.rejects(endpoint.send(process.pid, 'x', { handles: [reader] }), { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(endpoint.send(process.pid, 'x', { handles: /** @type {any} */ ([{}]) }), {
      code: 'ERR_INVALID_ARG_TYPE',
    })
    assert.equal(again.reader.closed, false)
    assert.equal(descriptors(), before - 1 + 2)
  })
})

describe('nobody', limit, () => {
  test('is sent anything in place of the process that was meant', async () => {
    const endpoint = open()
    const child = await told()
    const impostor = keep(UnixListener.listen(placeOf(child.pid), { type: 'seqpacket' }))
    undo.push(() => rmSync(placeOf(child.pid), { force: true }))
    for (const timeout of [0, 1000]) {
      await assert.rejects(endpoint.send(child.pid, 'secret', { timeout }), { code: 'ERR_IPC_UNTRUSTED_OWNER' })
      const connection = keep(/** @type {UnixSocket} */ (impostor.tryAccept()))
      assert.equal(connection.recvSync({ timeout: 1000 }), null)
    }
  })

  test('who has the number of a process, but was started at another time, is taken for it', async () => {
    const endpoint = open()
    const child = await told()
    await child.does('open')
    const parts = placeOf(child.pid).split('.')
    const start = parts.length - 2
    const earlier = parts.with?.(start, `${Number(parts[start]) - 1}`) ?? [
      ...parts.slice(0, start),
      `${Number(parts[start]) - 1}`,
      parts[start + 1],
    ]
    const listener = keep(UnixListener.listen(earlier.join('.'), { type: 'seqpacket' }))
    await endpoint.send(child.pid, '0')
    await child.does('receive 1')
    assert.equal(listener.tryAccept(), undefined)
    endpoint.close()
    open()
    assert.equal(existsSync(earlier.join('.')), false, 'there is no such process')
  })

  test('speaks for another process through its connection', async () => {
    const endpoint = open()
    const connection = keep(await UnixSocket.connect(placeOf(process.pid), { type: 'seqpacket' }))
    await connection.send('mine')
    assert.equal(String((await endpoint.recv()).data), 'mine')
    await output(fixture('endpoint-send-through.js'), [], { handles: [connection] })
    await assert.rejects(endpoint.recv({ timeout: 50 }), { code: 'ETIMEDOUT' })
    assert.equal(await connection.recv(), null, 'it is closed')
  })

  test('brings handles that are none', async () => {
    const endpoint = open()
    await turn()
    const before = descriptors()
    for (const data of [
      '',
      'x',
      '\xff\xff\xff\xff{}',
      Buffer.from([2, 0, 0, 0, 123, 125]),
      Buffer.from([1, 0, 0, 0, 91]),
    ]) {
      const connection = await UnixSocket.connect(placeOf(process.pid), { type: 'seqpacket' })
      await connection.send(data, { fds: [0] })
      await assert.rejects(endpoint.recv({ timeout: 20 }), { code: 'ETIMEDOUT' })
      assert.equal(await connection.recv(), null)
      connection.close()
    }
    const connection = keep(await UnixSocket.connect(placeOf(process.pid), { type: 'seqpacket' }))
    const described = Buffer.from(JSON.stringify([{ kind: 'pipe-reader', fds: 7, meta: {} }]))
    const prefix = Buffer.from([described.length, 0, 0, 0])
    await connection.send(Buffer.concat([prefix, described]), { fds: [0] })
    const message = await endpoint.recv()
    assert.throws(() => message.takeHandles(), { code: 'ERR_IPC_CORRUPT' })
    connection.close()
    await until(() => descriptors() <= before, 'all are closed')
  })

  test('has had his hands in the folder', () => {
    for (const mode of [0o777, 0o755, 0o701]) {
      const other = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
      undo.push(() => rmSync(other, { recursive: true }))
      mkdirSync(join(other, 'os-ipc'))
      chmodSync(join(other, 'os-ipc'), mode)
      process.env.XDG_RUNTIME_DIR = other
      try {
        assert.throws(() => Endpoint.open(), { code: 'ERR_IPC_UNTRUSTED_OWNER' })
      } finally {
        process.env.XDG_RUNTIME_DIR = folder
      }
    }
  })

  test('is missed because he was started with another run-time folder, or without one', async () => {
    const other = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    undo.push(() => rmSync(other, { recursive: true }))
    const places = [folder, other, '']
    const children = await Promise.all(places.map((XDG_RUNTIME_DIR) => startTold({ XDG_RUNTIME_DIR })))
    for (const child of children) {
      undo.push(() => child.kill())
      await child.does('open')
    }
    for (const child of children) {
      for (const { pid } of children) await child.does(`send ${pid} 1`)
    }
    for (const child of children) {
      for (const _ of children) await child.does('receive 1')
      await child.does('close')
    }
  })

  test('of another user comes in, unless that is asked for', { skip: !isRoot && 'needs root' }, async () => {
    undo.push(() => rmSync('/dev/shm/os-ipc-65534', { recursive: true, force: true }))
    const nobody = (/** @type {string} */ wants) => output(fixture('endpoint-as-nobody.js'), [process.pid, wants])
    const endpoint = Endpoint.open()
    assert.equal(await nobody('us'), 'ESRCH')
    assert.equal(await nobody('others'), 'ESRCH')
    assert.equal(endpoint.tryRecv(), undefined)
    endpoint.close()
    /** @type {number[]} */
    const asked = []
    const welcoming = open({
      authorize: ({ uid }) => {
        asked.push(uid)
        return uid === 65534
      },
    })
    const answering = welcoming.recv().then(({ from, credentials, data }) => {
      assert.deepEqual([credentials.uid, String(data)], [65534, 'from nobody'])
      return welcoming.send(from, 'an answer')
    })
    assert.equal(await nobody('others'), 'sent, and an answer came from uid 0')
    await answering
    assert.ok(asked.length > 0 && asked.every((uid) => uid === 65534))
    await assert.rejects(welcoming.send(process.pid, 'x'), { code: 'ERR_IPC_UNTRUSTED_OWNER' })
  })
})
