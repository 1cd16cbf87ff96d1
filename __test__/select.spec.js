/** Waiting on many sources at once: exactly one is taken from, in turn, and nothing is lost by whoever loses. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import {
  Channel,
  ChannelListener,
  Endpoint,
  Mutex,
  PosixMessageQueue,
  PosixSemaphore,
  ProcessHandle,
  pipe,
  SysvMessageQueue,
  SysvSemaphoreSet,
  select,
  signals,
  UnixListener,
  UnixSocket,
} from '../index.js'
import { output } from './support/child.js'
import { turn, until } from './support/state.js'

const limit = { timeout: 30_000 }

/** @param {...{ close(): void }} handles */
function close(...handles) {
  for (const handle of handles) handle.close()
}
const ROUNDS = Number(process.env.OS_IPC_ROUNDS ?? 1500)

/**
 * A source of each kind: `offer` makes it ready, with a message that has `text` where it can have one; `taken` gives what stands for
 * that in what was taken; `left` counts what is there still.
 * @type {Record<string, () => { source: any, offer: (text: string) => any, taken: (value: any) => string | true, end: () => void }>}
 */
const kinds = {
  pipe() {
    const { reader, writer } = pipe({ packet: true })
    const offer = (/** @type {string} */ text) => assert.equal(writer.trySend(text), text.length)
    return { source: reader, offer, taken: String, end: () => close(reader, writer) }
  },
  channel() {
    const [near, far] = Channel.pair({ codec: 'json' })
    const offer = (/** @type {string} */ text) => assert.ok(far.trySend(text))
    return { source: near, offer, taken: (value) => value, end: () => close(near, far) }
  },
  'unix socket'() {
    const [near, far] = UnixSocket.pair('seqpacket')
    const end = () => close(near, far)
    return { source: near, offer: (text) => assert.ok(far.trySend(text)), taken: ({ data }) => String(data), end }
  },
  'POSIX queue'() {
    const queue = PosixMessageQueue.open(null, { create: true, maxMessages: 4, maxMessageSize: 16 })
    queue.unlink()
    const offer = (/** @type {string} */ text) => assert.ok(queue.trySend(text))
    return { source: queue, offer, taken: ({ data }) => String(data), end: () => queue.close() }
  },
  'System V queue'() {
    const queue = SysvMessageQueue.open('private')
    const end = () => {
      queue.remove()
      queue.close()
    }
    return { source: queue, offer: (text) => assert.ok(queue.trySend(text)), taken: ({ data }) => String(data), end }
  },
  endpoint() {
    const endpoint = Endpoint.open()
    const offer = (/** @type {string} */ text) => assert.ok(endpoint.trySend(process.pid, text))
    return { source: endpoint, offer, taken: ({ data }) => String(data), end: () => endpoint.close() }
  },
  signals() {
    const source = signals.receive('SIGRTMIN+5')
    const offer = (/** @type {string} */ text) => signals.send(process.pid, 'SIGRTMIN+5', { value: Number(text) })
    return { source, offer, taken: ({ value }) => String(value), end: () => source.close() }
  },
  'POSIX semaphore'() {
    const semaphore = PosixSemaphore.open(null, { create: true })
    semaphore.unlink()
    return {
      source: semaphore,
      offer: () => semaphore.release(),
      taken: (value) => value,
      end: () => semaphore.close(),
    }
  },
  'semaphore of a set'() {
    const set = SysvSemaphoreSet.open('private', { values: [0] })
    const end = () => {
      set.remove()
      set.close()
    }
    return { source: set.at(0), offer: () => set.at(0).release(), taken: (value) => value, end }
  },
  listener() {
    const listener = UnixListener.listen(`@os-ipc-spec-${process.pid}-select`)
    const offer = async () => (await UnixSocket.connect(listener.address)).close()
    const taken = (/** @type {any} */ socket) => {
      socket.close()
      return /** @type {const} */ (true)
    }
    return { source: listener, offer, taken, end: () => listener.close() }
  },
  'channel listener'() {
    const listener = ChannelListener.listen(`@os-ipc-spec-${process.pid}-select-channel`)
    const offer = async () => {
      Channel.connect(listener.address).then(
        (channel) => channel.close(),
        () => {},
      )
    }
    const taken = (/** @type {any} */ channel) => {
      channel.close()
      return /** @type {const} */ (true)
    }
    return { source: listener, offer, taken, end: () => listener.close() }
  },
}

/** One of each. @param {string[]} [names] */
function some(names = Object.keys(kinds)) {
  const made = Object.fromEntries(names.map((name) => [name, kinds[name]()]))
  const sources = Object.fromEntries(names.map((name) => [name, made[name].source]))
  return { made, sources, end: () => close(...Object.values(made).map(({ end }) => ({ close: end }))) }
}

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe('select takes from whichever is ready', limit, () => {
  test('of each kind, whether or not it has waited, and leaves the others alone', async () => {
    const { made, sources, end } = some()
    try {
      for (const waits of [false, true]) {
        for (const [name, { offer, taken }] of Object.entries(made)) {
          if (!waits) await offer('7')
          const selecting = select(sources, { timeout: 10_000 })
          if (waits) {
            await turn()
            await offer('7')
          }
          const [winner, value] = await selecting
          assert.equal(winner, name)
          assert.ok(['7', true].includes(taken(value)), `${name} ${value}`)
        }
      }
      await assert.rejects(select(sources, { timeout: 0 }), { code: 'ETIMEDOUT' })
    } finally {
      end()
    }
  })

  test('the end of a process among them', async () => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
    const handle = ProcessHandle.open(/** @type {number} */ (child.pid))
    const { reader, writer } = pipe()
    const selecting = select({ handle, reader })
    child.stdin.end()
    assert.deepEqual(await selecting, ['handle', { code: 0, signal: null }])
    // It has been told: others are waited for.
    const next = select({ handle, reader })
    await turn()
    await writer.send('x')
    assert.deepEqual(await next, ['reader', Buffer.from('x')])
    assert.deepEqual(await select({ handle }), ['handle', { code: 0, signal: null }])
    close(handle, reader, writer)
  })

  test('exactly once, of many that are ready, each in its turn', async () => {
    const names = Object.keys(kinds).filter((name) => !name.includes('listener'))
    const { made, sources, end } = some(names)
    try {
      for (let round = 0; round < 3; round++) for (const { offer } of Object.values(made)) await offer(String(round))
      // What goes by a connection has to be accepted first.
      await pause(20)
      /** @type {Record<string, Array<string | true>>} */
      const got = Object.fromEntries(names.map((name) => [name, []]))
      for (let round = 0; round < 3; round++) {
        const turns = new Set()
        for (let i = 0; i < names.length; i++) {
          const [name, value] = await select(sources, { timeout: 5000 })
          got[name].push(made[name].taken(value))
          turns.add(name)
        }
        assert.deepEqual([...turns].sort(), [...names].sort(), 'each once before any again')
      }
      for (const name of names) {
        assert.deepEqual(got[name], name.includes('semaphore') ? [true, true, true] : ['0', '1', '2'], name)
      }
      await assert.rejects(select(sources, { timeout: 0 }), { code: 'ETIMEDOUT' })
    } finally {
      end()
    }
  })

  test('in turn also where several loops select from the same two', async () => {
    const { made, sources, end } = some(['pipe', 'channel'])
    const each = 12
    for (let i = 0; i < each; i++) for (const { offer } of Object.values(made)) offer(String(i))
    /** @type {string[]} */
    const winners = []
    const loop = async () => {
      while (winners.length < each) winners.push((await select(sources))[0])
    }
    await Promise.all([loop(), loop()])
    for (const name of ['pipe', 'channel']) {
      const share = winners.filter((winner) => winner === name).length / winners.length
      assert.ok(Math.abs(share - 0.5) < 0.1, `${name} ${share}`)
    }
    end()
  })

  test('is not starved by one that always has something', async () => {
    const { made, sources, end } = some([
      'pipe',
      'POSIX semaphore',
      'System V queue',
      'signals',
      'channel',
      'unix socket',
    ])
    const hot = kinds['POSIX queue']()
    try {
      const all = { hot: hot.source, ...sources }
      hot.offer('hot')
      for (const [name, { offer }] of Object.entries(made)) {
        let winner = 'hot'
        for (let served = 0; winner === 'hot'; served++) {
          assert.ok(served < 200, `${name} is starved`)
          // By a turn of its own, so that it comes while the other one is there.
          if (served === 20) setImmediate(() => offer('1'))
          winner = (await select(all))[0]
          if (winner === 'hot') hot.offer('hot')
          if (served > 20) await turn()
        }
        assert.equal(winner, name)
      }
    } finally {
      end()
      hot.end()
    }
  })

  test('behind those who have waited for it before, and before those who come later', async () => {
    const { reader, writer } = pipe({ packet: true })
    const [near, far] = Channel.pair()
    const first = reader.recv()
    const selecting = select({ reader, near })
    const last = reader.recv()
    await turn()
    for (const word of ['1', '2', '3']) writer.trySend(word)
    assert.deepEqual((await Promise.all([first, selecting, last])).map(String), ['1', 'reader,2', '3'])
    close(reader, writer, near, far)
  })

  test('by the names that they have, also where two are one and the same', async () => {
    const { reader, writer } = pipe({ packet: true })
    const sources = { a: reader, b: reader, ['__proto__']: reader }
    const winners = new Set()
    for (let i = 0; i < 12; i++) {
      const waiting = i % 2 === 0 ? undefined : select(sources)
      writer.trySend(String(i))
      const [winner, value] = await (waiting ?? select(sources))
      assert.equal(String(value), String(i))
      winners.add(winner)
    }
    assert.ok(winners.size > 1, [...winners].join())
    assert.equal(reader.tryRecv(), undefined)
    reader.close()
    writer.close()
  })
})

describe('a select that ends otherwise', limit, () => {
  test('by its time takes nothing; what is there wins over it', async () => {
    const { made, sources, end } = some()
    try {
      const began = performance.now()
      await assert.rejects(select(sources, { timeout: 30 }), { code: 'ETIMEDOUT' })
      assert.ok(performance.now() - began >= 30)
      for (const [name, { offer }] of Object.entries(made)) {
        await offer('1')
        // What a listener has to hear before it can be accepted takes a while.
        if (name.includes('channel listener')) await pause(50)
        assert.equal((await select(sources, { timeout: 0 }))[0], name)
      }
      // It is offered while this thread is busy beyond the time.
      for (const name of ['pipe', 'channel', 'POSIX semaphore', 'semaphore of a set', 'System V queue']) {
        const selecting = select(sources, { timeout: 1 })
        await turn()
        made[name].offer('1')
        const until = performance.now() + 5
        while (performance.now() < until);
        assert.equal((await selecting)[0], name)
      }
    } finally {
      end()
    }
  })

  test('by a signal takes nothing, rejects with its reason, and leaves no listener', async () => {
    const { made, sources, end } = some()
    try {
      const reason = { mine: true }
      const abort = new AbortController()
      let listeners = 0
      const { signal } = abort
      const { addEventListener, removeEventListener } = signal
      signal.addEventListener = (/** @type {any[]} */ ...words) => {
        listeners++
        addEventListener.apply(signal, /** @type {any} */ (words))
      }
      signal.removeEventListener = (/** @type {any[]} */ ...words) => {
        listeners--
        removeEventListener.apply(signal, /** @type {any} */ (words))
      }
      made.pipe.offer('1')
      assert.equal((await select(sources, { signal }))[0], 'pipe')
      const won = select(sources, { signal })
      await turn()
      assert.equal(listeners, 1)
      made.channel.offer('1')
      assert.equal((await won)[0], 'channel')
      assert.equal(listeners, 0)
      const selecting = select(sources, { signal })
      await turn()
      abort.abort(reason)
      assert.equal(await selecting.catch((error) => error), reason)
      assert.equal(listeners, 0)
      made.pipe.offer('2')
      assert.equal(await select(sources, { signal }).catch((error) => error), reason)
      assert.deepEqual(await select(sources), ['pipe', Buffer.from('2')])
    } finally {
      end()
    }
  })

  test('with a source: null once, and from then on the others alone', async () => {
    const one = pipe()
    const [near, far] = Channel.pair({ codec: 'json' })
    const [left, right] = UnixSocket.pair('seqpacket')
    const sources = { reader: one.reader, near, left }
    const selecting = select(sources)
    one.writer.close()
    assert.deepEqual(await selecting, ['reader', null])
    await assert.rejects(select(sources, { timeout: 5 }), { code: 'ETIMEDOUT' })
    far.close()
    assert.deepEqual(await select(sources), ['near', null])
    const next = select(sources)
    await turn()
    await right.send('last')
    assert.equal((await next)[0], 'left')
    right.close()
    assert.deepEqual(await select(sources), ['left', null])
    // Rather than wait for ever.
    const rest = new Set([(await select(sources))[0], (await select(sources))[0], (await select(sources))[0]])
    assert.deepEqual(rest, new Set(['reader', 'near', 'left']))
    close(...Object.values(sources))
  })

  test('with the failure of one, whose name it tells; the others are untouched', async () => {
    const { made, sources, end } = some(['pipe', 'POSIX semaphore', 'System V queue'])
    const [near, far] = Channel.pair()
    const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', far.fd] })
    far.close()
    const dying = select({ near, ...sources })
    child.kill('SIGKILL')
    await assert.rejects(dying, { code: 'ERR_IPC_PEER_DIED', source: 'near' })
    // Again and again, but the others have their turns.
    made.pipe.offer('1')
    assert.equal((await select({ near, ...sources }))[0], 'pipe')
    await assert.rejects(select({ near, ...sources }), { code: 'ERR_IPC_PEER_DIED', source: 'near' })
    near.close()

    const removed = select(sources)
    await turn()
    sources['System V queue'].remove()
    await assert.rejects(removed, { code: 'EIDRM', source: 'System V queue' })
    made['POSIX semaphore'].offer('')
    made.pipe.offer('2')
    sources['System V queue'].remove = () => {}
    end()
  })

  test('with a source that is closed, before or meanwhile', async () => {
    const { made, sources, end } = some(['pipe', 'channel', 'POSIX semaphore'])
    const selecting = select(sources)
    sources.channel.close()
    await assert.rejects(selecting, { code: 'ERR_IPC_CLOSED', source: 'channel' })
    made.pipe.offer('1')
    await assert.rejects(select(sources), { code: 'ERR_IPC_CLOSED', source: 'channel' })
    const { channel, ...others } = sources
    assert.equal((await select(others))[0], 'pipe')
    end()
  })

  test('with the limit of what may wait on a handle; the others wait for nothing then', async () => {
    const { sources, end } = some(['pipe', 'channel'])
    sources.channel.pendingLimit = 1
    const waiting = sources.channel.recv()
    await assert.rejects(select(sources), { code: 'ERR_IPC_LIMIT' })
    sources.pipe.pendingLimit = 0
    await assert.rejects(select({ pipe: sources.pipe }), { code: 'ERR_IPC_LIMIT', source: 'pipe' })
    end()
    await assert.rejects(waiting, { code: 'ERR_IPC_CLOSED' })
  })

  test('with what is wrong in its arguments, before anything is taken', async () => {
    const { made, sources, end } = some(['pipe'])
    made.pipe.offer('1')
    for (const bad of [undefined, null, 3, 'x', [], () => {}]) {
      await assert.rejects(select(/** @type {any} */ (bad)), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    await assert.rejects(select({}), { code: 'ERR_INVALID_ARG_VALUE' })
    const mutex = Mutex.open(`spec-${process.pid}-select`)
    Mutex.unlink(`spec-${process.pid}-select`)
    for (const bad of [undefined, null, 3, 'x', {}, [], mutex, { recv: async () => 1 }, made.pipe]) {
      const given = /** @type {any} */ ({ ...sources, bad })
      await assert.rejects(select(given), { code: 'ERR_INVALID_ARG_TYPE', message: /"sources\.bad"/ })
    }
    mutex.close()
    await assert.rejects(select(sources, { timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' })
    await assert.rejects(select(sources, /** @type {any} */ ({ signal: 3 })), { code: 'ERR_INVALID_ARG_TYPE' })
    const closing = {
      get timeout() {
        sources.pipe.close()
        return 5
      },
    }
    const { made: other, sources: others, end: endOthers } = some(['pipe'])
    other.pipe.offer('2')
    await assert.rejects(select({ ...sources, other: others.pipe }, closing), {
      code: 'ERR_IPC_CLOSED',
      source: 'pipe',
    })
    assert.deepEqual(await select(others), ['pipe', Buffer.from('2')])
    end()
    endOthers()
  })
})

describe('what is offered while a select is called off', { timeout: 60_000 }, () => {
  for (const name of Object.keys(kinds).filter((each) => !each.includes('listener'))) {
    test(`arrives all the same, in order: ${name}`, async () => {
      const { made, sources, end } = some(['pipe', name === 'pipe' ? 'channel' : name])
      const { offer, taken } = made[name]
      const rounds =
        name.includes('signals') || name.includes('System') || name.includes('semaphore') ? ROUNDS / 5 : ROUNDS
      /** @type {Array<string | true>} */
      const got = []
      const more = async () => got.push(taken((await select(sources, { timeout: 5000 }))[1]))
      let aborted = 0
      for (let round = 0; round < rounds; round++) {
        const abort = new AbortController()
        const way = round % 4
        const selecting = select(sources, way === 3 ? { timeout: round % 3 } : { signal: abort.signal })
        if (way === 0) {
          await offer(String(round))
          abort.abort()
        } else if (way === 1) {
          abort.abort()
          await offer(String(round))
        } else {
          setImmediate(() => offer(String(round)))
          if (round % 8 === 2) setImmediate(() => abort.abort())
          else setTimeout(() => abort.abort(), 1)
        }
        await selecting.then(
          ([winner, value]) => {
            assert.equal(winner, name)
            got.push(taken(value))
          },
          () => aborted++,
        )
        if (way >= 2) await turn()
        // Queues are short.
        if (round - got.length > 1) await more()
      }
      while (got.length < rounds) await more()
      const expected = Array.from({ length: rounds }, (_, round) => (name.includes('semaphore') ? true : String(round)))
      assert.deepEqual(got, expected)
      assert.ok(aborted > 0, 'some were called off')
      await assert.rejects(select(sources, { timeout: 0 }), { code: 'ETIMEDOUT' })
      end()
    })
  }

  test('by another one that won: each permit and message is there once', async () => {
    const { made, sources, end } = some(['pipe', 'POSIX semaphore', 'semaphore of a set', 'System V queue'])
    const names = Object.keys(sources)
    /** @type {Record<string, number>} */
    const counts = Object.fromEntries(names.map((name) => [name, 0]))
    let offered = 0
    for (let round = 0; round < ROUNDS / 5; round++) {
      const selecting = select(sources)
      if (round % 2) await turn()
      // Both at once, so that one of them is taken from and the other one's thread may have taken already.
      for (const name of [names[round % 4], names[(round >> 2) % 4]]) {
        made[name].offer('1')
        offered++
      }
      counts[(await selecting)[0]]++
      counts[(await select(sources))[0]]++
    }
    await assert.rejects(select(sources, { timeout: 20 }), { code: 'ETIMEDOUT' })
    assert.equal(
      Object.values(counts).reduce((sum, count) => sum + count),
      offered,
    )
    assert.equal(sources['POSIX semaphore'].value, 0)
    assert.equal(sources['semaphore of a set'].value, 0)
    end()
  })
})

describe('while a select waits', limit, () => {
  const index = new URL('../index.js', import.meta.url).href

  test('its worker may be terminated: what comes afterwards is there for others', async () => {
    const queue = PosixMessageQueue.open(`/spec-${process.pid}-select`, {
      create: true,
      maxMessages: 4,
      maxMessageSize: 16,
    })
    const semaphore = PosixSemaphore.open(`/spec-${process.pid}-select`, { create: true, value: 0 })
    const source = `import(${JSON.stringify(index)}).then(({ select, PosixMessageQueue, PosixSemaphore }) => {
      const queue = PosixMessageQueue.open('/spec-${process.pid}-select')
      const semaphore = PosixSemaphore.open('/spec-${process.pid}-select')
      for (let i = 0; i < 8; i++) select({ queue, semaphore })
      setImmediate(() => require('node:worker_threads').parentPort.postMessage('waits'))
    })`
    try {
      const worker = new Worker(source, { eval: true })
      await once(worker, 'message')
      await worker.terminate()
      semaphore.release(3)
      await queue.send('for others')
      const got = [await select({ queue, semaphore }), await select({ queue, semaphore })].map(([name]) => name)
      assert.deepEqual(new Set(got), new Set(['queue', 'semaphore']))
      await until(() => semaphore.value === 2, 'what the worker had taken is back')
    } finally {
      queue.unlink()
      semaphore.unlink()
      queue.close()
      semaphore.close()
    }
  })

  test('its process goes on, unless all sources say that it need not', async () => {
    const child = (/** @type {string} */ rest) =>
      `import { pipe, select, Channel } from ${JSON.stringify(index)}
      const { reader, writer } = pipe(), [near, far] = Channel.pair()
      globalThis.kept = [reader, writer, near, far]
      ${rest}`
    const run = (/** @type {string} */ source) => output('--input-type=module', ['-e', source])
    const text = await run(
      child(`reader.unref(); near.unref(); select({ reader, near }); process.stdout.write('left')`),
    )
    assert.equal(text, 'left')
    const kept = await run(
      child(
        `setTimeout(() => writer.trySend('x'), 50).unref(); console.log((await select({ reader, near }))[0]); near.close()`,
      ),
    )
    assert.equal(kept, 'reader\n')
  })
})
