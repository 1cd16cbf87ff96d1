/** Signals: their names, sending, receiving, holding, and living together with the runtime's own handlers. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Handle, pipe, SignalReceiver, signals } from '../index.js'
import { fixture, run, start } from './support/child.js'
import { needs } from './support/extras.js'
import { inside } from './support/inside.js'
import { inC, setOf, signalsInC, threadsOpenTo } from './support/signals.js'
import { descriptors, turn, until } from './support/state.js'

const { parcelOf } = inside['handover.js']

const options = { timeout: 60_000 }
const { min } = signals
const SIGURG = signals.number('SIGURG')

/** A receiver that is closed after the test that asks for it. @param {import('node:test').TestContext} t @param {any} wanted */
function receive(t, wanted) {
  const receiver = signals.receive(wanted)
  t.after(() => receiver.close())
  return receiver
}

/** What stands for it does nothing from here to the end of the test. @param {import('node:test').TestContext} t @param {any} name */
function harmless(t, name) {
  signals.ignore(name)
  t.after(() => signals.restoreDefault(name))
}

/** The code of a worker that has this package's signals, and `parentPort`. @param {string} code */
function worker(code) {
  const source = `import { signals } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
    import { parentPort } from 'node:worker_threads'
    ${code}`
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`))
}

/** What the shell of this machine calls signals, by their numbers. */
function namesByShell() {
  const script = `for number in {1..${signals.max}}; do echo $(kill -l $number); done`
  const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  return ['', ...stdout.split('\n').map((name) => `SIG${name.trim()}`)]
}

describe('names of signals', options, () => {
  test('are the numbers that the runtime has', () => {
    for (const [name, number] of Object.entries(constants.signals)) {
      assert.equal(signals.number(/** @type {any} */ (name)), number, name)
    }
  })

  test('are what the shell calls them', () => {
    const names = namesByShell()
    for (let number = 1; number <= signals.max; number++) {
      if (number > 31 && number < signals.min) continue
      assert.equal(signals.name(number), names[number], `${number}`)
    }
  })

  test('count realtime signals from either end, as far as there are any', () => {
    const { min, max } = signals
    assert.ok(min >= 34 && max === 64)
    assert.deepEqual(
      ['SIGRTMIN', 'SIGRTMIN+0', 'SIGRTMIN+3', 'SIGRTMAX-1', 'SIGRTMAX-0', 'SIGRTMAX'].map((name) =>
        signals.number(/** @type {any} */ (name)),
      ),
      [min, min, min + 3, max - 1, max, max],
    )
    assert.equal(signals.number(`SIGRTMIN+${max - min}`), max)
    for (const name of [`SIGRTMIN+${max - min + 1}`, `SIGRTMAX-${max - min + 1}`, 'SIGRTMIN-1', 'SIGRTMIN+', 'RTMIN']) {
      assert.throws(() => signals.number(/** @type {any} */ (name)), { code: 'ERR_INVALID_ARG_VALUE' }, name)
    }
  })

  test('every number that has a name has that one', () => {
    for (let number = 1; number <= signals.max; number++) {
      if (number > 31 && number < signals.min) {
        assert.throws(() => signals.name(number), { code: 'ERR_OUT_OF_RANGE', message: /C library/ })
      } else {
        assert.equal(signals.number(/** @type {any} */ (signals.name(number))), number)
      }
    }
  })
})

describe('sending', options, () => {
  test('ends a process as kill(2) does', async () => {
    const child = spawn('sleep', ['60'])
    signals.send(/** @type {number} */ (child.pid), 'SIGRTMIN+1')
    // The runtime has no name for it, and calls it a success.
    await once(child, 'exit')
    const other = spawn('sleep', ['60'])
    signals.send(/** @type {number} */ (other.pid), 'SIGTERM')
    assert.deepEqual(await once(other, 'exit'), [null, 'SIGTERM'])
  })

  test('signal 0 only asks whether the process is there', async () => {
    signals.send(process.pid, 0)
    signals.send(process.pid, 0, { thread: process.pid })
    const child = spawn('true')
    await once(child, 'exit')
    const gone = { code: 'ESRCH', errno: -3 }
    const pid = /** @type {number} */ (child.pid)
    assert.throws(() => signals.send(pid, 0), { ...gone, syscall: 'kill' })
    assert.throws(() => signals.send(pid, 0, { value: 1 }), { ...gone, syscall: 'sigqueue' })
    assert.throws(() => signals.send(pid, 0, { thread: pid }), { ...gone, syscall: 'tgkill' })
    assert.throws(() => signals.sendToGroup(pid, 0), { ...gone, syscall: 'kill' })
  })

  test('to a group ends all of it', async () => {
    const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { detached: true })
    const [line] = await once(child.stdout, 'data')
    signals.sendToGroup(/** @type {number} */ (child.pid), 'SIGKILL')
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
    const grandchild = Number(String(line))
    const ended = () => spawnSync('ps', ['-o', 'stat=', '-p', `${grandchild}`], { encoding: 'utf8' }).stdout.trim()
    while (!/^$|^Z/.test(ended())) await new Promise((resolve) => setImmediate(resolve))
  })

  test('never means everybody', () => {
    for (const pid of [0, -1, -process.pid, 1.5, 2 ** 31]) {
      assert.throws(() => signals.send(pid, 0), { code: 'ERR_OUT_OF_RANGE' }, `${pid}`)
    }
    for (const pgid of [-1, 2 ** 31]) assert.throws(() => signals.sendToGroup(pgid, 0), { code: 'ERR_OUT_OF_RANGE' })
  })
})

describe('a receiver', options, () => {
  test('is told who sent the signal, how, and with what', async (t) => {
    const receiver = receive(t, ['SIGHUP', 'SIGRTMIN+2'])
    assert.ok(receiver instanceof SignalReceiver && receiver instanceof Handle)
    const uid = process.getuid?.() ?? 0
    const child = spawn('sh', ['-c', `kill -HUP ${process.pid}`])
    assert.deepEqual(await receiver.recv(), { signal: 'SIGHUP', number: 1, code: 'user', pid: child.pid, uid })
    const pid = await inC('queue', process.pid, min + 2, 1, -5)
    const queued = { signal: 'SIGRTMIN+2', number: min + 2, code: 'queue', pid, uid, value: -5 }
    assert.deepEqual(await receiver.recv(), queued)
    signals.send(process.pid, 'SIGHUP', { value: 0 })
    assert.equal((await receiver.recv()).value, 0)
    signals.send(process.pid, 'SIGHUP', { value: 2 ** 31 - 1, thread: process.pid })
    assert.equal(receiver.recvSync().value, 2 ** 31 - 1)
    assert.equal(receiver.tryRecv(), undefined)
    await assert.rejects(receiver.recv({ timeout: 5 }), { code: 'ETIMEDOUT' })
    assert.throws(() => receiver.recvSync({ timeout: 5 }), { code: 'ETIMEDOUT' })
  })

  test('gets a signal that was sent to its thread alone, in a worker too', async (t) => {
    const receiver = receive(t, 'SIGUSR2')
    await inC('thread', process.pid, process.pid, signals.number('SIGUSR2'))
    assert.equal((await receiver.recv()).code, 'thread')
    const other = worker(`
      import { readdirSync } from 'node:fs'
      import { readlinkSync } from 'node:fs'
      const receiver = signals.receive('SIGUSR2')
      parentPort.postMessage(Number(readlinkSync('/proc/thread-self').split('/').at(-1)))
      parentPort.postMessage(await receiver.recv())`)
    t.after(() => other.terminate())
    const [thread] = await once(other, 'message')
    const told = once(other, 'message')
    signals.send(process.pid, 'SIGUSR2', { thread })
    assert.equal((await told)[0].code, 'thread')
    assert.equal((await receiver.recv()).code, 'thread', 'every receiver gets it')
  })

  test('gets every realtime signal, in order, with its value', async (t) => {
    const receiver = receive(t, 'SIGRTMIN+3')
    const sent = inC('queue', process.pid, min + 3, 20_000)
    let next = 0
    const ways = [
      () => receiver.recv(),
      () => receiver.recvSync(),
      () => receiver.tryRecv(),
      async () => (await receiver.iterate().next()).value,
    ]
    while (next < 20_000) {
      const info = await ways[next % ways.length]()
      if (info !== undefined) assert.equal(info.value, next++)
      else await turn()
    }
    await sent
    assert.equal(receiver.dropped, 0)
  })

  test('gets it whoever else receives it, in this thread or another', async (t) => {
    const [one, other] = [receive(t, 'SIGRTMIN+4'), receive(t, ['SIGRTMIN+4', 'SIGRTMIN+5'])]
    const third = other.dup()
    t.after(() => third.close())
    const far = worker(`
      const receiver = signals.receive('SIGRTMIN+4')
      parentPort.postMessage('ready')
      const values = []
      for await (const { value } of receiver) if (values.push(value) === 1000) break
      parentPort.postMessage(values)`)
    await once(far, 'message')
    const told = once(far, 'message')
    const values = Array.from({ length: 1000 }, (_, value) => value)
    const sent = inC('queue', process.pid, min + 4, 1000)
    for (const receiver of [one, other, third]) {
      for (const value of values) assert.equal((await receiver.recv()).value, value)
    }
    assert.deepEqual((await told)[0], values)
    await sent
  })

  test('settles pending receives with its close, and says what it had dropped', async (t) => {
    const receiver = receive(t, 'SIGUSR2')
    const pending = [receiver.recv(), receiver.recv({ timeout: 60_000 })]
    const loop = receiver.iterate().next()
    receiver.close()
    for (const wait of pending) await assert.rejects(wait, { code: 'ERR_IPC_CLOSED' })
    assert.deepEqual(await loop, { value: undefined, done: true })
    assert.deepEqual([receiver.closed, receiver.dropped], [true, 0])
    assert.throws(() => receiver.tryRecv(), { code: 'ERR_IPC_CLOSED' })
  })

  test('that does not receive for very long counts what is thrown away, and keeps the oldest', async (t) => {
    const most = 131_072
    const [idle, busy] = [receive(t, 'SIGRTMIN+6'), receive(t, 'SIGRTMIN+6')]
    const sent = inC('queue', process.pid, min + 6, most + 100)
    for (let value = 0; value < most + 100; value++) assert.equal((await busy.recv()).value, value)
    await sent
    assert.deepEqual([idle.dropped, busy.dropped], [100, 0])
    for (let value = 0; value < most; value++) assert.equal(idle.tryRecv()?.value, value)
    assert.equal(idle.tryRecv(), undefined)
    idle.close()
    assert.equal(idle.dropped, 100)
  })

  test('gives up at a timeout or an abort, and what comes then is for the next', async (t) => {
    const receiver = receive(t, 'SIGRTMIN+5')
    const controller = new AbortController()
    const reason = new Error('mine')
    const waits = [receiver.recv({ timeout: 5 }), receiver.recv({ signal: controller.signal }), receiver.recv()]
    await assert.rejects(waits[0], { code: 'ETIMEDOUT' })
    controller.abort(reason)
    await assert.rejects(waits[1], reason)
    await assert.rejects(receiver.recv({ signal: controller.signal }), reason)
    for (const value of [1, 2]) signals.send(process.pid, 'SIGRTMIN+5', { value })
    assert.equal((await waits[2]).value, 1)
    const iterator = receiver.iterate()
    assert.equal((await iterator.next()).value?.value, 2)
    const pending = iterator.next()
    await iterator.return?.()
    assert.deepEqual(await pending, { value: undefined, done: true })
    signals.send(process.pid, 'SIGRTMIN+5', { value: 3 })
    assert.equal(receiver.recvSync({ timeout: 5000 }).value, 3)
  })

  test('in each of four workers gets all, whichever of them takes it', async (t) => {
    const workers = Array.from({ length: 4 }, () =>
      worker(`
        const receiver = signals.receive('SIGRTMIN+9')
        parentPort.postMessage('ready')
        let next = 0
        for await (const { value } of receiver) if (value !== next++ || next === 2000) break
        receiver.close()
        parentPort.postMessage(next)`),
    )
    t.after(() => Promise.all(workers.map((one) => one.terminate())))
    const own = receive(t, 'SIGRTMIN+9')
    await Promise.all(workers.map((one) => once(one, 'message')))
    const counts = workers.map((one) => once(one, 'message'))
    await inC('queue', process.pid, min + 9, 2000)
    for (const count of counts) assert.deepEqual(await count, [2000])
    for (let value = 0; value < 2000; value++) assert.equal(own.tryRecv()?.value, value)
  })

  for (const scenario of ['idle', 'wait, then unref']) {
    test(`does not keep its process alive: ${scenario}`, async () => {
      assert.equal(await start(fixture('signals-scenarios.js'), [scenario]).succeeded(), 'ready\n')
    })
  }

  test('keeps its process alive while it waits', async () => {
    const child = start(fixture('signals-scenarios.js'), ['wait'])
    await child.says('ready')
    await sleep(100)
    process.kill(child.pid, 'SIGUSR2')
    assert.equal(await child.succeeded(), 'ready\nSIGUSR2\n')
  })

  test('cannot be handed over, and has no descriptor', (t) => {
    const receiver = receive(t, 'SIGUSR2')
    assert.throws(() => parcelOf(receiver), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => receiver.detach(), { code: 'ERR_IPC_NOT_SUPPORTED' })
  })

  test('costs no descriptor of its own', (t) => {
    receive(t, 'SIGUSR2')
    const before = descriptors()
    const many = Array.from({ length: 100 }, () => signals.receive('SIGUSR2'))
    assert.equal(descriptors(), before)
    for (const receiver of many) receiver.close()
  })
})

describe('at the limit of pending signals', options, () => {
  /** @param {string[]} words */
  async function limited(...words) {
    // The limit is this user's: what else is pending counts.
    const pending = Number(/^SigQ:\s*(\d+)/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1])
    const limit = pending + 500
    const command = [`--sigpending=${limit}`, process.execPath, fixture('signals-scenarios.js'), ...words]
    return { limit, told: execFileSync('prlimit', command, { encoding: 'utf8', timeout: 30_000 }) }
  }

  test('the sender sees EAGAIN, and what was sent before arrives', needs('prlimit'), async () => {
    const { limit, told } = await limited('fill to the limit', signalsInC())
    const [sent, error, received, dropped] = told.trim().split(' ')
    assert.ok(Number(sent) > 100 && Number(sent) <= limit, told)
    assert.deepEqual([error, received, dropped], ['EAGAIN', sent, '0'])
  })

  test('receiving can begin all the same, and begins with nothing that nobody has sent', needs('prlimit'), async () => {
    const { told } = await limited('receive while the queue is full')
    assert.deepEqual(told.trim().split('\n'), ['EAGAIN true', 'undefined', 'SIGHUP 7', 'SIGRTMIN+1 7'])
  })
})

describe('a receiver that is behind', options, () => {
  const MANY = 70_000

  for (const reads of ['never', 'slowly']) {
    test(`and reads ${reads} holds up neither those who wait for other signals nor listeners`, async (t) => {
      const behind = receive(t, 'SIGRTMIN+6')
      const other = receive(t, 'SIGRTMIN+7')
      let heard = 0
      const listener = () => heard++
      process.on('SIGUSR2', listener)
      t.after(() => process.off('SIGUSR2', listener))
      receive(t, 'SIGUSR2')
      await inC('queue', process.pid, min + 6, MANY)
      // What the flood had filled is empty, so all of it is here.
      signals.send(process.pid, 'SIGRTMIN+7', { value: 0 })
      await other.recv({ timeout: 10_000 })
      for (let round = 1; round <= 20; round++) {
        if (reads === 'slowly') for (let i = 0; i < 64; i++) behind.tryRecv()
        const waiting = other.recv({ timeout: 10_000 })
        signals.send(process.pid, 'SIGRTMIN+7', { value: round })
        signals.send(process.pid, 'SIGUSR2')
        assert.equal((await waiting).value, round)
        await until(() => heard === round, 'the listener')
      }
      if (reads === 'never') behind.close()
      else for (let value = 20 * 64; value < MANY; value++) assert.equal(behind.tryRecv()?.value, value)
      signals.send(process.pid, 'SIGRTMIN+7', { value: 21 })
      assert.equal((await other.recv({ timeout: 10_000 })).value, 21)
    })
  }

  test('but reads loses none: they wait in the kernel', async (t) => {
    const count = 250_000
    const receiver = receive(t, 'SIGRTMIN+8')
    const sent = inC('queue', process.pid, min + 8, count)
    for (let value = 0; value < count; ) {
      const info = receiver.tryRecv()
      if (info === undefined) await turn()
      else assert.equal(info.value, value++)
      // The loop takes what is there, as often as it can.
      if (value % 4 === 0) await turn()
    }
    await sent
    assert.equal(receiver.dropped, 0)
  })
})

describe('beside process.on of the same signal', options, () => {
  // Not SIGUSR2: under `node --test` Node 24 and later have a listener for that themselves, which writes reports.
  /** @param {import('node:test').TestContext} t */
  function listen(t) {
    const heard = { count: 0, listener: () => heard.count++ }
    process.on('SIGHUP', heard.listener)
    t.after(() => process.off('SIGHUP', heard.listener))
    return heard
  }
  const send = () => signals.send(process.pid, 'SIGHUP')

  for (const first of ['process.on', 'receive']) {
    test(`both get it, with ${first} first, and each goes on without the other`, async (t) => {
      harmless(t, 'SIGHUP')
      let heard = first === 'process.on' ? listen(t) : undefined
      const receiver = receive(t, 'SIGHUP')
      heard ??= listen(t)
      for (let count = 1; count <= 3; count++) {
        send()
        assert.equal((await receiver.recv()).signal, 'SIGHUP')
        await until(() => heard.count === count, 'the listener')
      }
      // Theirs goes, and comes back.
      process.off('SIGHUP', heard.listener)
      send()
      await receiver.recv()
      process.on('SIGHUP', heard.listener)
      send()
      await receiver.recv()
      await until(() => heard.count === 4, 'the listener that came back')
      // Ours goes, and comes back.
      receiver.close()
      send()
      await until(() => heard.count === 5, 'the listener alone')
      const again = receive(t, 'SIGHUP')
      send()
      await again.recv()
      await until(() => heard.count === 6, 'both again')
    })
  }

  test('a listener that comes and goes a thousand times, as receivers do, is deaf at no time', async () => {
    const child = start(fixture('signals-scenarios.js'), ['listeners that come and go'])
    assert.equal(await child.succeeded(), 'heard\n')
  })

  test('a listener hears signals while a thread that receives them is busy', async () => {
    const child = start(fixture('signals-scenarios.js'), ['a handler of its own, and a worker that is busy'])
    await child.says('ready')
    process.kill(child.pid, 'SIGUSR2')
    assert.match(await child.succeeded(), /heard/)
  })
})

describe('what a signal does by default', options, () => {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGUSR2']) {
    test(`is not done while somebody receives ${name}, and is when nobody does any more`, async () => {
      const child = start(fixture('signals-scenarios.js'), ['receive twice, close once', name])
      await child.says('ready')
      process.kill(child.pid, name)
      await child.says('closed')
      process.kill(child.pid, name)
      assert.deepEqual((await child.outcome).signal, name)
    })
  }

  test('is done for a realtime signal too', async () => {
    const child = start(fixture('signals-scenarios.js'), ['close, then wait', 'SIGRTMIN+1'])
    await child.says('ready')
    signals.send(child.pid, 'SIGRTMIN+1')
    const { milliseconds } = await child.outcome
    assert.ok(milliseconds < 30_000)
  })

  test('stops the process and lets it go on', async () => {
    const child = start(fixture('signals-scenarios.js'), ['close, then wait', 'SIGTSTP'])
    await child.says('ready')
    process.kill(child.pid, 'SIGTSTP')
    const state = async () => (await readFile(`/proc/${child.pid}/stat`, 'utf8')).match(/\) (\w) /)?.[1]
    // Nobody could let the members of an orphaned group go on, so the kernel does not stop them.
    await until(async () => (await state()) === 'T' || isOrphaned(child.pid), 'the stop')
    process.kill(child.pid, 'SIGCONT')
    await until(async () => (await state()) !== 'T', 'that it goes on')
    await child.kill()
  })

  test('is nothing after ignore, whatever is still coming', async () => {
    const child = start(fixture('signals-scenarios.js'), ['ignore, close and live', 'SIGRTMIN+1'])
    await child.says('ready')
    const flood = spawn(signalsInC(), ['queue', `${child.pid}`, `${min + 1}`, '1000000'], { stdio: 'ignore' })
    assert.match(await child.succeeded(), /lives/)
    if (flood.exitCode === null) await once(flood, 'exit')
  })

  test('does not end a process that is ending, under a flood', async () => {
    const child = start(fixture('signals-scenarios.js'), ['exit under a flood', 'SIGRTMIN+1'])
    await child.says('ready')
    const flood = spawn(signalsInC(), ['queue', `${child.pid}`, `${min + 1}`, '1000000'], { stdio: 'ignore' })
    const { code, signal } = await child.outcome
    assert.deepEqual({ code, signal }, { code: 7, signal: null })
    if (flood.exitCode === null) await once(flood, 'exit')
  })

  test('is done when the worker that received it has been terminated', async () => {
    const child = start(fixture('signals-scenarios.js'), ['worker receives, is terminated', 'SIGHUP'])
    await child.says('ready')
    process.kill(child.pid, 'SIGHUP')
    await child.says('terminated')
    process.kill(child.pid, 'SIGHUP')
    assert.equal((await child.outcome).signal, 'SIGHUP')
  })

  test('is nothing while it is ignored, before a receiver and after it, until restoreDefault', async () => {
    for (const name of ['SIGUSR2', 'SIGRTMIN+1']) {
      const { stdout, signal, code } = await run(fixture('signals-scenarios.js'), [
        'ignore, receive, close, restore',
        name,
      ])
      assert.equal(stdout, `${name}\nlives\n`)
      // The runtime has no name for a realtime one, and calls it a success.
      if (name === 'SIGUSR2') assert.deepEqual([signal, code], [name, null])
    }
  })

  test('of job control and of the debugger is received instead', async () => {
    const names = ['SIGTSTP', 'SIGCONT', 'SIGWINCH', 'SIGPIPE', 'SIGUSR1', 'SIGTTOU']
    const child = start(fixture('signals-scenarios.js'), ['job control'])
    await child.says('ready')
    for (const name of names) {
      process.kill(child.pid, name)
      await child.says(name)
    }
    const outcome = await child.outcome
    assert.deepEqual([outcome.code, outcome.stderr], [0, ''])
  })

  test('restoreDefault takes the place of a listener', async () => {
    const child = start(fixture('signals-scenarios.js'), ['restore the default', 'SIGUSR2'])
    await child.says('ready')
    process.kill(child.pid, 'SIGUSR2')
    const { signal, stdout } = await child.outcome
    assert.deepEqual([signal, stdout.includes('heard')], ['SIGUSR2', false])
  })

  test('ignore: without a receiver the signal does nothing', async (t) => {
    harmless(t, 'SIGUSR2')
    signals.send(process.pid, 'SIGUSR2')
    assert.ok(setOf('/proc/self/status', 'SigIgn').includes(signals.number('SIGUSR2')))
  })
})

describe('held back', options, () => {
  test('realtime signals queue, others merge; let go, the lowest number comes first', async (t) => {
    const receiver = receive(t, ['SIGUSR1', 'SIGUSR2', 'SIGRTMIN+1', 'SIGRTMIN+2'])
    const held = /** @type {const} */ (['SIGRTMIN+2', 'SIGUSR2', 'SIGRTMIN+1', 'SIGUSR1'])
    signals.block([...held])
    t.after(() => signals.unblock([...held]))
    for (let value = 0; value < 3; value++) {
      for (const name of held) signals.send(process.pid, name, { value })
    }
    await inC('queue', process.pid, min + 1, 1, 3)
    await turn()
    assert.equal(receiver.tryRecv(), undefined)
    assert.deepEqual(signals.pending(), ['SIGUSR1', 'SIGUSR2', 'SIGRTMIN+1', 'SIGRTMIN+2'])
    signals.unblock([...held])
    const got = []
    for (let i = 0; i < 9; i++) {
      const { signal, value } = await receiver.recv({ timeout: 5000 })
      got.push(`${signal} ${value}`)
    }
    assert.equal(receiver.tryRecv(), undefined)
    const numbered = (/** @type {string} */ name, /** @type {number[]} */ ...list) => list.map((n) => `${name} ${n}`)
    assert.deepEqual(got, [
      ...numbered('SIGUSR1', 0),
      ...numbered('SIGUSR2', 0),
      ...numbered('SIGRTMIN+1', 0, 1, 2, 3),
      ...numbered('SIGRTMIN+2', 0, 1, 2),
    ])
    assert.deepEqual(signals.pending(), [])
  })

  test('from listeners of process.on as well', async (t) => {
    let heard = 0
    const listener = () => heard++
    process.on('SIGWINCH', listener)
    t.after(() => process.off('SIGWINCH', listener))
    signals.block('SIGWINCH')
    for (let i = 0; i < 3; i++) signals.send(process.pid, 'SIGWINCH')
    await sleep(50)
    assert.deepEqual([heard, signals.pending()], [0, ['SIGWINCH']])
    signals.unblock('SIGWINCH')
    await until(() => heard === 1, 'the listener')
    await sleep(20)
    assert.equal(heard, 1)
  })

  test('from what they do by default, until they are let go', async () => {
    const child = start(fixture('signals-scenarios.js'), ['hold, then let go', 'SIGTERM'])
    await child.says('ready')
    process.kill(child.pid, 'SIGTERM')
    const { signal, stdout } = await child.outcome
    assert.deepEqual([signal, stdout], ['SIGTERM', 'ready\npending\n'])
  })

  test('by a worker: beyond its end, from no child, until somebody lets them go', async () => {
    const { stdout, signal } = await run(fixture('signals-scenarios.js'), ['worker that holds back, and ends'])
    const empty = '0'.repeat(16)
    assert.deepEqual([stdout, signal], [`0  ${empty},${empty}\nSIGUSR2\n`, 'SIGUSR2'])
  })

  test('of one thread alone, and with threads that are started meanwhile', async (t) => {
    const receiver = receive(t, 'SIGUSR2')
    signals.block('SIGUSR2')
    t.after(() => signals.unblock('SIGUSR2'))
    const other = worker('setInterval(() => {}, 1000); parentPort.postMessage(1)')
    t.after(() => other.terminate())
    await once(other, 'message')
    await readFile('/proc/self/status')
    signals.send(process.pid, 'SIGUSR2', { thread: process.pid })
    await sleep(20)
    assert.deepEqual([receiver.tryRecv(), signals.pending()], [undefined, ['SIGUSR2']])
    signals.unblock('SIGUSR2')
    assert.equal((await receiver.recv()).code, 'thread')
  })
})

describe('threads', options, () => {
  test('of this process all hold a received signal back, whenever they were started', async (t) => {
    await readFile('/proc/self/status')
    receive(t, 'SIGRTMIN+7')
    const { reader, writer } = pipe()
    t.after(() => [reader, writer].map((end) => end.close()))
    const other = worker('parentPort.postMessage(1); setInterval(() => {}, 1000)')
    t.after(() => other.terminate())
    await once(other, 'message')
    await Promise.all(Array.from({ length: 8 }, () => readFile('/proc/self/status')))
    assert.deepEqual(threadsOpenTo(min + 7), [])
    assert.ok(!setOf('/proc/self/status', 'SigBlk').includes(SIGURG))
  })

  test('that are being started while a flood begins let none through', async (t) => {
    for (let round = 0; round < 5; round++) {
      const name = /** @type {const} */ (`SIGRTMIN+${10 + round}`)
      const starting = Array.from({ length: 4 }, () => worker('setInterval(() => {}, 1000)'))
      t.after(() => Promise.all(starting.map((other) => other.terminate())))
      const receiver = receive(t, name)
      const sent = inC('queue', process.pid, signals.number(name), 2000)
      for (let value = 0; value < 2000; value++) assert.equal((await receiver.recv()).value, value)
      await sent
    }
  })
})

describe('children', options, () => {
  test('start with nothing held back and nothing ignored, of main thread and worker', async (t) => {
    receive(t, ['SIGUSR1', 'SIGHUP', 'SIGRTMIN+8'])
    signals.block(['SIGUSR2', 'SIGRTMIN+9'])
    t.after(() => signals.unblock(['SIGUSR2', 'SIGRTMIN+9']))
    const program = signalsInC()
    assert.equal(execFileSync(program, ['mask'], { encoding: 'utf8' }), '')
    const child = spawn(program, ['mask'], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    await once(child, 'close')
    assert.equal(said, '')
    const other = worker(`
      import { execFileSync } from 'node:child_process'
      parentPort.postMessage(execFileSync(${JSON.stringify(program)}, ['mask'], { encoding: 'utf8' }))`)
    assert.equal((await once(other, 'message'))[0], '')
  })

  test('end and are noticed while their signal is received, whoever waits for them', async (t) => {
    const receiver = receive(t, 'SIGCHLD')
    assert.equal(spawnSync('true').status, 0)
    const child = spawn('sh', ['-c', 'exit 3'])
    assert.deepEqual(await once(child, 'exit'), [3, null])
    const told = [await receiver.recv()]
    while (told.at(-1)?.pid !== child.pid) told.push(await receiver.recv({ timeout: 5000 }))
    assert.ok(told.every(({ signal, code }) => signal === 'SIGCHLD' && code === 'child'))
  })
})

describe('rubbish', options, () => {
  const bad = /** @type {any} */ (signals)
  /** @param {() => unknown} body @param {RegExp} [code] */
  const refused = (body, code = /^ERR_(INVALID_ARG_(TYPE|VALUE)|OUT_OF_RANGE)$/) =>
    assert.throws(body, (error) => code.test(/** @type {any} */ (error).code), `${body}`)
  const throwing = { valueOf: () => assert.fail('asked'), toString: () => assert.fail('asked') }
  const values = [
    undefined,
    null,
    true,
    1n,
    Number.NaN,
    -1,
    0.5,
    2 ** 31,
    2 ** 53,
    Infinity,
    '',
    'x',
    {},
    [[]],
    throwing,
  ]

  test('is refused as pid, thread, value and options, before anything is sent', (t) => {
    const receiver = receive(t, 'SIGUSR2')
    for (const value of values) {
      refused(() => bad.send(value, 'SIGUSR2'))
      if (value !== undefined) refused(() => bad.send(process.pid, 'SIGUSR2', { thread: value }))
      if (value !== undefined && value !== -1) refused(() => bad.send(process.pid, 'SIGUSR2', { value }))
      refused(() => bad.sendToGroup(value, 'SIGUSR2'))
    }
    refused(() => bad.send(process.pid, 'SIGUSR2', { value: -(2 ** 31) - 1 }))
    for (const value of [null, 1, 'x', true]) refused(() => bad.send(process.pid, 'SIGUSR2', value))
    assert.equal(receiver.tryRecv(), undefined)
  })

  test('is refused as a signal by every method', () => {
    const names = [
      'sigterm',
      'TERM',
      ' SIGTERM',
      'SIGTERM ',
      'SIGRTMIN+03',
      'SIGRTMIN+-1',
      'SIGRTMIN3',
      '15',
      '__proto__',
    ]
    const uses = ['number', 'receive', 'ignore', 'restoreDefault', 'block', 'unblock']
    for (const use of uses) {
      for (const value of [...values, ...names, 65, 0]) refused(() => bad[use](value))
    }
    for (const value of [...values, ...names, 65]) {
      refused(() => bad.send(process.pid, value))
      refused(() => bad.sendToGroup(0, value))
    }
    for (const value of [...values, 0, 65, 'SIGTERM']) refused(() => bad.name(value))
    for (const list of [['SIGUSR2', undefined], [['SIGUSR2']], Array(3), { length: 1, 0: 'SIGUSR2' }]) {
      refused(() => bad.receive(list))
    }
  })

  test('a thread of another process is ESRCH', async () => {
    const child = spawn('sleep', ['60'])
    const pid = /** @type {number} */ (child.pid)
    refused(() => signals.send(process.pid, 0, { thread: pid }), /^ESRCH$/)
    refused(() => signals.send(pid, 0, { thread: process.pid, value: 1 }), /^ESRCH$/)
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  test('a signal named twice comes once', (t) => {
    const receiver = receive(t, ['SIGUSR2', 'SIGUSR2', signals.number('SIGUSR2')])
    signals.send(process.pid, 'SIGUSR2')
    assert.equal(receiver.recvSync({ timeout: 5000 }).signal, 'SIGUSR2')
    assert.equal(receiver.tryRecv(), undefined)
  })
})

describe('refused', options, () => {
  /** @param {any} name @param {(name: any) => void} body @param {RegExp} reason */
  const refuses = (name, body, reason) =>
    assert.throws(() => body(name), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: reason }, `${name}`)
  const uses = [signals.receive, signals.ignore, signals.restoreDefault, signals.block]
  const reasons = {
    SIGKILL: /the kernel's own/,
    SIGSTOP: /the kernel's own/,
    SIGSEGV: /its own fault/,
    SIGBUS: /its own fault/,
    SIGFPE: /its own fault/,
    SIGILL: /its own fault/,
    SIGTRAP: /its own fault/,
    SIGSYS: /its own fault/,
    SIGPROF: /profiler/,
    SIGURG: /ends its own waits/,
  }
  for (const [name, reason] of Object.entries(reasons)) {
    test(`${name}, with the reason`, () => {
      for (const use of uses) {
        refuses(name, use, reason)
        refuses(signals.number(/** @type {any} */ (name)), use, reason)
      }
    })
  }

  test('what the C library uses, by number', () => {
    for (let number = 32; number < min; number++) for (const use of uses) refuses(number, use, /C library/)
  })

  test('SIGCHLD, but for receiving', () => {
    for (const use of uses.slice(1)) refuses('SIGCHLD', use, /child processes have ended/)
  })

  test('a list with one of them, before anything happens', () => {
    assert.throws(() => signals.receive(['SIGUSR2', 'SIGKILL']), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => signals.receive([]), { code: 'ERR_INVALID_ARG_VALUE' })
    signals.receive(['SIGUSR2', 'SIGUSR2', 12]).close()
  })
})

/** Whether the process group of a process has nobody outside who could let it go on. @param {number} pid */
function isOrphaned(pid) {
  const word = execFileSync('ps', ['-o', 'pgid=,sid=', '-p', `${pid}`], { encoding: 'utf8' })
  const [pgid, sid] = word.trim().split(/\s+/)
  return pgid === sid || Number(sid) !== Number(execFileSync('ps', ['-o', 'sid=', '-p', '1'], { encoding: 'utf8' }))
}
