/** Processes by pidfd: children of Node's, other programs' children, zombies, and what becomes of numbers. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { after, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Handle, ProcessHandle } from '../index.js'
import { fixture, run, start } from './support/child.js'
import { needs, python } from './support/extras.js'
import { inside } from './support/inside.js'
import { childrenOf, descriptors, flags, link, stateOf, turn, until } from './support/state.js'

const { adopt } = inside['process/handle.js']

const limit = { timeout: 30_000 }
const O_CLOEXEC = 0o2000000
const isRoot = process.getuid?.() === 0
const [MAJOR, MINOR] = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').map(Number)
/** Whether the kernel tells the status of a process that somebody else has reaped. */
const TELLS_OF_ANYBODY = MAJOR > 6 || (MAJOR === 6 && MINOR >= 15)

/** @type {import('node:child_process').ChildProcess[]} */
const started = []
/** @type {ProcessHandle[]} */
const opened = []
after(() => {
  for (const handle of opened) handle.close()
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
})

/** A child that runs this, for as long as it takes. */
function child(script = 'exec sleep 60') {
  const process = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  started.push(process)
  return /** @type {typeof process & { pid: number }} */ (process)
}

/** @param {number} pid */
function open(pid) {
  const handle = ProcessHandle.open(pid)
  opened.push(handle)
  return handle
}

/** A child of another process, which reaps it or not. @param {string} script */
async function stranger(script, reaps = 'at once') {
  const parent = start(fixture('process-orphan.js'), [script, reaps], { stdin: 'pipe' })
  await parent.says('\n')
  return { parent, pid: Number.parseInt(parent.stdout, 10) }
}

/** The child ends once it is told to. */
const ENDS = 'read line; exit "$line"'

describe('a process is opened', limit, () => {
  test('by its number, with what is known of it, close-on-exec', () => {
    const before = Date.now()
    const { pid } = child()
    const handle = open(pid)
    assert.ok(handle instanceof ProcessHandle && handle instanceof Handle)
    assert.deepEqual(Object.keys(handle).sort(), ['fd', 'pid', 'startTime'])
    assert.equal(handle.pid, pid)
    assert.equal(handle.parentPid, process.pid)
    assert.ok(Math.abs(handle.startTime.getTime() - before) < 1000, `${handle.startTime.toISOString()} for ${before}`)
    assert.equal(handle.alive, true)
    assert.match(link('self', handle.fd) ?? '', /pidfd/)
    assert.equal(flags('self', handle.fd) & O_CLOEXEC, O_CLOEXEC)
    assert.throws(() => Object.assign(handle, { pid: 1 }), TypeError)
    handle.close()
    assert.deepEqual([handle.fd, handle.pid, handle.parentPid], [-1, pid, process.pid])
  })

  test('this process too, which started before now and as often as one looks at the same time', async () => {
    const [one, other] = [open(process.pid), open(process.pid)]
    assert.equal(one.parentPid, process.ppid)
    assert.equal(one.startTime.getTime(), other.startTime.getTime())
    // The time since its start, as the kernel has it, less what Node took to look at its own clock.
    assert.ok(Math.abs(one.startTime.getTime() - performance.timeOrigin) < 1000)
    one.send(0)
    assert.equal(one.alive, true)
  })

  test('its parent is another one once its parent has ended', async () => {
    const { parent, pid } = await stranger('exec sleep 60')
    const handle = open(pid)
    assert.equal(handle.parentPid, parent.pid)
    await parent.kill()
    await until(() => handle.parentPid !== parent.pid, 'somebody takes the orphan')
    handle.send('SIGKILL')
    await handle.exited()
  })

  test('as long as nobody has reaped it', async () => {
    const { parent, pid } = await stranger(ENDS.replace('read line', 'line=5'), 'never')
    await until(() => stateOf(pid) === 'Z', 'it is a zombie')
    const handle = open(pid)
    assert.equal(handle.alive, false)
    assert.deepEqual(await handle.exited(), { code: 5, signal: null })
    assert.throws(() => handle.send(0), { code: 'ESRCH' })
    await parent.kill()
  })

  test('not by a number that nobody has, nor by that of a thread', async () => {
    const gone = child('true')
    await once(gone, 'exit')
    const none = {
      code: 'ESRCH',
      errno: -constants.errno.ESRCH,
      syscall: 'pidfd_open',
      hint: /no process has that number/,
    }
    assert.throws(() => ProcessHandle.open(gone.pid), none)
    const threads = readdirSync('/proc/self/task').map(Number)
    const thread = threads.find((number) => number !== process.pid)
    assert.throws(() => ProcessHandle.open(/** @type {number} */ (thread)), none)
    assert.throws(() => ProcessHandle.open(0x7fffffff), none)
  })

  test('with arguments that are checked before any call', () => {
    const wrong = [
      [undefined, 'ERR_INVALID_ARG_TYPE'],
      ['1', 'ERR_INVALID_ARG_TYPE'],
      [1n, 'ERR_INVALID_ARG_TYPE'],
      [0, 'ERR_OUT_OF_RANGE'],
      [-1, 'ERR_OUT_OF_RANGE'],
      [1.5, 'ERR_OUT_OF_RANGE'],
      [Number.NaN, 'ERR_OUT_OF_RANGE'],
      [2 ** 31, 'ERR_OUT_OF_RANGE'],
    ]
    for (const [pid, code] of wrong) assert.throws(() => ProcessHandle.open(/** @type {any} */ (pid)), { code })
    const construct = () => new /** @type {any} */ (ProcessHandle)({})
    assert.throws(construct, { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
    const handle = open(process.pid)
    const bad = /** @type {any} */ (handle)
    assert.throws(() => bad.send(), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => bad.send('SIGNOTHING'), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => bad.send('toString'), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => bad.send('SIGRTMIN+31'), { code: 'ERR_INVALID_ARG_VALUE' })
    assert.throws(() => bad.send(65), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => bad.send(-1), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => bad.send(0, { value: 2 ** 31 }), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => bad.send(0, { value: '1' }), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => bad.send(0, null), { code: 'ERR_INVALID_ARG_TYPE' })
    assert.throws(() => bad.exitedSync({ timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' })
    assert.throws(() => ProcessHandle.prototype.send.call(/** @type {any} */ ({}), 0), { code: 'ERR_INVALID_THIS' })
  })
})

describe('its end', limit, () => {
  test('of a child of Node settles exited() with its code or its signal, and Node hears of it as ever', async () => {
    for (const [script, code, signal] of /** @type {const} */ ([
      ['exit 0', 0, null],
      ['exit 255', 255, null],
      ['kill -TERM $$', null, 'SIGTERM'],
      ['kill -ABRT $$', null, 'SIGABRT'],
    ])) {
      const it = child(`read line; ${script}`)
      const told = once(it, 'exit')
      const handle = open(it.pid)
      const pending = handle.exited()
      it.stdin.end('go\n')
      assert.deepEqual(await pending, { code, signal })
      assert.deepEqual(await told, [code, signal])
      assert.deepEqual(await handle.exited(), { code, signal }, 'after Node has reaped it')
      assert.deepEqual(handle.exitedSync({ timeout: 0 }), { code, signal })
      handle.close()
    }
  })

  test('by a realtime signal is told by its name', async () => {
    const { pid } = child()
    const handle = open(pid)
    handle.send('SIGRTMIN+3', { value: 5 })
    assert.deepEqual(await handle.exited(), { code: null, signal: 'SIGRTMIN+3' })
  })

  test('reaps nobody: Node gets the status of a child that was waited for by blocking', async () => {
    const it = child(ENDS)
    const told = once(it, 'exit')
    const handle = open(it.pid)
    it.stdin.end('9\n')
    await turn()
    assert.deepEqual(handle.exitedSync(), { code: 9, signal: null })
    assert.deepEqual(await told, [9, null])
  })

  test("of another program's child can be waited for as well, reaped at once or never", async () => {
    for (const reaps of ['at once', 'never']) {
      const { parent, pid } = await stranger('sleep 0.05; exit 4', reaps)
      const handle = open(pid)
      const status = await handle.exited()
      if (reaps === 'never' || TELLS_OF_ANYBODY) assert.deepEqual(status, { code: 4, signal: null })
      else assert.ok(status === null || status.code === 4)
      assert.equal(handle.alive, false)
      await parent.kill()
      if (TELLS_OF_ANYBODY) assert.deepEqual(handle.exitedSync(), { code: 4, signal: null })
    }
  })

  test('is noticed once all threads have ended, not the first one alone', needs('python'), async () => {
    const script =
      'import threading, time, ctypes\nthreading.Thread(target=lambda: (time.sleep(0.2), __import__("os")._exit(6))).start()\nctypes.CDLL(None).pthread_exit(None)'
    const it = spawn(python, ['-c', script], { stdio: 'ignore' })
    started.push(it)
    const handle = open(/** @type {number} */ (it.pid))
    await until(() => stateOf(handle.pid) === 'Z' || !handle.alive, 'the first thread has ended')
    assert.equal(handle.alive, true)
    assert.deepEqual(await handle.exited(), { code: 6, signal: null })
  })

  test('is told to all who wait, on every handle, in their order', async () => {
    const it = child(ENDS)
    const handles = Array.from({ length: 8 }, () => open(it.pid))
    /** @type {number[]} */
    const order = []
    const pending = handles.flatMap((handle, i) => [0, 1].map((j) => handle.exited().then(() => order.push(2 * i + j))))
    it.stdin.end('0\n')
    await Promise.all(pending)
    for (let i = 0; i < 8; i++) assert.ok(order.indexOf(2 * i) < order.indexOf(2 * i + 1))
  })

  test('a timeout, an abort and a close leave it to be waited for', async () => {
    const it = child(ENDS)
    const handle = open(it.pid)
    await assert.rejects(handle.exited({ timeout: 0 }), { code: 'ETIMEDOUT' })
    await assert.rejects(handle.exited({ timeout: 20 }), { code: 'ETIMEDOUT' })
    assert.throws(() => handle.exitedSync({ timeout: 20 }), { code: 'ETIMEDOUT' })
    const controller = new AbortController()
    const reason = new Error('enough')
    const aborted = handle.exited({ signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(aborted, (error) => error === reason)
    await assert.rejects(handle.exited({ signal: controller.signal }), (error) => error === reason)
    const other = handle.dup()
    const closed = other.exited()
    other.close()
    await assert.rejects(closed, { code: 'ERR_IPC_CLOSED' })
    it.stdin.end('3\n')
    assert.deepEqual(await handle.exited({ timeout: 10_000 }), { code: 3, signal: null })
    assert.deepEqual(await handle.exited({ timeout: 0 }), { code: 3, signal: null })
  })

  test('of a thousand processes is told of each', async () => {
    const before = descriptors()
    const it = child('i=0; while [ $i -lt 1000 ]; do (exec sleep 60 >&-) & echo $!; i=$((i+1)); done; echo end; wait')
    let text = ''
    it.stdout.setEncoding('utf8').on('data', (data) => {
      text += data
    })
    await until(() => text.endsWith('end\n'), 'a thousand processes')
    const pids = text.trim().split('\n').slice(0, -1).map(Number)
    const handles = pids.map(open)
    const pending = handles.map((handle) => handle.exited())
    for (const handle of handles) handle.send('SIGTERM')
    const statuses = await Promise.all(pending)
    assert.equal(statuses.length, 1000)
    if (TELLS_OF_ANYBODY) for (const status of statuses) assert.deepEqual(status, { code: null, signal: 'SIGTERM' })
    for (const handle of handles) handle.close()
    await until(() => descriptors() <= before + 2, 'all are closed')
  })
})

describe('a signal', limit, () => {
  test('comes to that very process', async () => {
    const it = child('trap "echo got; exit 0" USR1; echo ready; while :; do sleep 0.01; done')
    await once(it.stdout, 'data')
    const handle = open(it.pid)
    handle.send('SIGUSR1')
    assert.equal(String(await once(it.stdout, 'data')), 'got\n')
    assert.deepEqual(await handle.exited(), { code: 0, signal: null })
  })

  test('carries its value, and who has sent it', needs('python'), async () => {
    const script = `
import ctypes, signal, struct
number = signal.SIGRTMIN + 2
signal.pthread_sigmask(signal.SIG_BLOCK, [number])
wanted = (ctypes.c_ulong * 16)(1 << (number - 1))
print("ready", flush=True)
for i in range(3):
  info = ctypes.create_string_buffer(128)
  ctypes.CDLL(None).sigwaitinfo(wanted, info)
  signo, errno, code, gap, pid, uid, value = struct.unpack("7i", info.raw[:28])
  print(pid, uid, code, value if code == -1 else "", flush=True)`
    const it = spawn(python, ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    started.push(it)
    await once(it.stdout, 'data')
    const handle = open(/** @type {number} */ (it.pid))
    let text = ''
    it.stdout.on('data', (data) => {
      text += data
    })
    const closed = once(it, 'close')
    handle.send('SIGRTMIN+2', { value: -7 })
    handle.send('SIGRTMAX-28', { value: 0x7fffffff })
    handle.send(36)
    assert.deepEqual(await handle.exited(), { code: 0, signal: null })
    await closed
    const me = `${process.pid} ${process.getuid?.()}`
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .map((line) => line.trim()),
      [`${me} -1 -7`, `${me} -1 2147483647`, `${me} 0`],
    )
  })

  test('is ESRCH from the moment when the end can be seen, reaped or not', async () => {
    const { parent, pid } = await stranger(ENDS.replace('read line', 'sleep 0.05; line=0'), 'never')
    const handle = open(pid)
    await handle.exited()
    assert.equal(stateOf(pid), 'Z')
    process.kill(pid, 0)
    for (const signal of [0, 'SIGTERM', 'SIGRTMIN']) {
      const dead = { code: 'ESRCH', errno: -constants.errno.ESRCH, syscall: 'pidfd_send_signal' }
      assert.throws(() => handle.send(/** @type {any} */ (signal)), dead)
      assert.throws(() => handle.send(/** @type {any} */ (signal), { value: 1 }), dead)
    }
    await parent.kill()
  })

  test('to whom it may not be sent is EPERM', { skip: !isRoot && 'needs root' }, async () => {
    const script = `
      process.setgid(65534); process.setuid(65534)
      import('${new URL('../index.js', import.meta.url)}').then(({ ProcessHandle }) => {
        const handle = ProcessHandle.open(${process.pid})
        try { handle.send(0) } catch (error) { console.log(error.code, handle.alive, handle.parentPid) }
      })`
    const it = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    started.push(it)
    assert.equal(String(await once(it.stdout, 'data')), `EPERM true ${process.ppid}\n`)
  })
})

describe('a handle of a process', limit, () => {
  test('stands for a process whose number has been given to another one since', {
    skip: !isRoot && 'needs root',
  }, async () => {
    const script = `
      import('${new URL('../index.js', import.meta.url)}').then(async ({ ProcessHandle }) => {
        const { spawnSync, spawn } = await import('node:child_process')
        const { writeFileSync } = await import('node:fs')
        const again = () => { writeFileSync('/proc/sys/kernel/ns_last_pid', '4999'); return spawn('sh', ['-c', 'read line'], { stdio: ['pipe', 'ignore', 'inherit'] }) }
        const first = again()
        const handle = ProcessHandle.open(first.pid)
        const ended = new Promise((resolve) => first.once('exit', resolve))
        first.stdin.end()
        await ended
        const second = again()
        const other = ProcessHandle.open(second.pid)
        let code; try { handle.send('SIGKILL') } catch (error) { code = error.code }
        console.log(first.pid === second.pid, handle.alive, code, other.alive, JSON.stringify(handle.exitedSync()))
        second.stdin.end()
        await other.exited()
        handle.close(); other.close()
      })`
    const it = spawn('unshare', ['-pf', '--mount-proc', process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    started.push(it)
    const [text] = await once(it.stdout, 'data')
    const status = TELLS_OF_ANYBODY ? '{"code":1,"signal":null}' : 'null'
    assert.equal(String(text), `true false ESRCH true ${status}\n`)
  })

  test('by a descriptor: adopted, duplicated, detached; what is no pidfd is left alone', async () => {
    const it = child(ENDS)
    const handle = open(it.pid)
    const copy = handle.dup()
    assert.deepEqual([copy.pid, copy.startTime, copy.parentPid], [handle.pid, handle.startTime, process.pid])
    assert.throws(() => adopt(copy.fd), { code: 'ERR_INVALID_ARG_VALUE' })
    const fd = copy.detach()
    assert.equal(copy.closed, true)
    const adopted = adopt(fd)
    opened.push(adopted)
    assert.deepEqual([adopted.pid, adopted.fd, adopted.parentPid], [it.pid, fd, process.pid])
    const file = openSync('/dev/null', 'r')
    assert.throws(() => adopt(file), { code: 'ERR_INVALID_ARG_VALUE' })
    closeSync(file)
    assert.throws(() => adopt(file), { code: 'EBADF' })
    it.stdin.end('2\n')
    assert.deepEqual(await adopted.exited(), { code: 2, signal: null })
  })

  test('goes to another process, also when it has ended already', async () => {
    const it = child(ENDS)
    const handle = open(it.pid)
    const early = start(fixture('process-watch.js'), [], { handles: [handle] })
    await early.says('true')
    it.stdin.end('8\n')
    await handle.exited()
    await until(() => stateOf(it.pid) === undefined, 'Node has reaped it')
    const late = await run(fixture('process-watch.js'), [], { handles: [handle] })
    const status = TELLS_OF_ANYBODY ? '{"code":8,"signal":null}' : 'null'
    assert.equal(late.stdout, `${it.pid} false\n${status}\n`)
    assert.match(await early.succeeded(), new RegExp(`^${it.pid} true\n`))
  })

  test('that is closed says so', async () => {
    const handle = open(process.pid)
    const pid = handle.pid
    handle.close()
    handle.close()
    const closed = { code: 'ERR_IPC_CLOSED' }
    assert.throws(() => handle.send(0), closed)
    assert.throws(() => handle.alive, closed)
    assert.throws(() => handle.exitedSync(), closed)
    assert.throws(() => handle.dup(), closed)
    assert.throws(() => handle.detach(), closed)
    await assert.rejects(handle.exited(), closed)
    assert.equal(handle.pid, pid)
  })

  test('keeps the event loop alive while somebody waits, unless unref says otherwise', async () => {
    const { pid } = child()
    assert.equal((await run(fixture('process-wait-and-exit.js'), [pid, 'unref'])).code, 0)
    const exits = await run(fixture('process-wait-and-exit.js'), [pid, 'exit'])
    assert.equal(exits.code, 7)
    const stays = start(fixture('process-wait-and-exit.js'), [pid, 'stay'])
    await stays.says('waiting')
    open(pid).send('SIGKILL')
    assert.equal((await stays.outcome).code, 0)
  })

  test('a worker that waits, blocking or not, can be ended', async () => {
    const { pid } = child()
    const before = descriptors()
    for (const sync of [false, true]) {
      const worker = new Worker(fixture('process-worker.js'), { workerData: { pid, sync } })
      await once(worker, 'message')
      const began = performance.now()
      await worker.terminate()
      assert.ok(performance.now() - began < 2000)
    }
    await until(() => descriptors() <= before, 'what the workers had is closed')
    assert.ok(childrenOf(process.pid).includes(pid))
  })
})
