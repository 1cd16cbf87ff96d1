import assert from 'node:assert/strict'
import { accessSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { descriptorList } from './harness/proc.js'
import { until } from './harness/time.js'

/**
 * The calls of an open and of first transfers (a class may have more, its `failingCalls`), and what the kernel says when it is out of something. (Not read and write:
 * the runtime's own threads wake each other by these at any time, and it aborts when that fails.)
 */
const ERRORS = {
  pipe2: ['EMFILE', 'ENFILE', 'ENOMEM'],
  openat: ['ENFILE', 'ENOMEM'],
  mknodat: ['ENOMEM', 'ENOSPC'],
  mq_open: ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC'],
  mq_getsetattr: ['ENOMEM'],
  mq_timedsend: ['ENOMEM'],
  fcntl: ['ENOMEM'],
  epoll_create1: ['ENFILE', 'ENOMEM'],
  eventfd2: ['ENFILE', 'ENOMEM'],
  epoll_ctl: ['ENOMEM', 'ENOSPC'],
  clone3: ['EAGAIN'],
  preadv2: ['ENOMEM'],
  pwritev2: ['ENOMEM'],
}
const [BEGIN, END] = ['/os-ipc-steps-begin', '/os-ipc-steps-end']

/** Shows a place in the trace. @param {string} path */
function mark(path) {
  assert.throws(() => accessSync(path), { code: 'ENOENT' })
}

/** What is open, except for what tells this environment of readiness: that is made once and stays. */
function open() {
  return descriptorList().filter((entry) => !/anon_inode:\[(eventpoll|eventfd|signalfd)\]|this list's own/.test(entry))
}

export default {
  id: 'G12',
  campaign: 'limits',
  promise: 'whichever call of an open or a transfer fails: a typed error, nothing half made, and it works again',
  needs: ['strace'],
  short: 1000,
  // What the addon itself calls is looked at by g12-every-call, class by class; here are the runtime's calls for it besides.
  looks: ['fifo', 'posix-queue', 'process', 'shared-memory', 'signals', 'spawn', 'unix-listener'],

  roles: {
    /** Opens, waits, sends, receives and copies, once; gives the code of the error if one of these has failed. */
    async steps(kind, context) {
      const before = open()
      const made = []
      let failure
      const waits = []
      mark(BEGIN)
      try {
        const ends = await kind.open(context)
        made.push(ends)
        waits.push(kind.receives.recv(ends.receiver, {}))
        waits[0].catch(() => {})
        await kind.send(ends.sender, kind.encode(1))
        assert.deepEqual(await waits[0], [1])
        if (kind.another) made.push(kind.another(ends.receiver))
      } catch (error) {
        if (error.code === 'ERR_ASSERTION') throw error
        failure = error
      }
      mark(END)
      for (const handle of made) handle.close()
      await Promise.allSettled(waits)
      // A thread that was called off gives its descriptor back a moment later.
      await until('', () => isDeepStrictEqual(open(), before), 2000).catch(() => {})
      assert.deepEqual(open(), before, 'descriptors that are left')
      assert.deepEqual(readdirSync(context.scratch), [context.data], 'names that are left')
      if (failure !== undefined) {
        assert.equal(typeof failure.errno, 'number', failure.stack)
        assert.equal(typeof failure.syscall, 'string', failure.stack)
      }
      const again = await kind.open(context)
      await kind.send(again.sender, kind.encode(2))
      assert.deepEqual(await kind.receives.recv(again.receiver, { timeout: 5000 }), [2])
      again.close()
      return failure?.code ?? null
    },
  },

  async run(kind, context) {
    const figures = { callsThatCanFail: 0, waysToFail: 0, failuresMade: 0, gotOver: 0 }
    const errors = { ...ERRORS, ...kind.failingCalls }
    const calls = (await trace(context)).calls
    assert.ok(calls.length > 3, 'no calls seen')
    figures.callsThatCanFail = calls.length
    const cases = context.random.shuffle(
      calls.flatMap(({ name, index }) => errors[name].map((error) => ({ name, index, error }))),
    )
    figures.waysToFail = cases.length
    for (const { name, index, error } of cases) {
      // Whatever the time: one that has had an effect, or this would show nothing.
      if (!context.goesOn() && figures.failuresMade > figures.gotOver) break
      const { injected, code } = await trace(context, `inject=${name}:error=${error}:when=${index}`)
      if (injected) {
        // Some calls have another way to the same end.
        if (code === null) figures.gotOver++
        else assert.equal(code, error, `${name} number ${index}`)
        figures.failuresMade++
      }
      context.round()
    }
    assert.ok(figures.failuresMade > figures.gotOver, 'nothing has failed')
    return figures
  },
}

/**
 * One run of the steps under strace: which of our calls there were, by name and place among the main thread's calls of
 * that name; whether the injection has hit one, and what became of the steps. The main thread alone is traced: calls are
 * counted for each thread, and the runtime's other threads open its modules in an order of their own.
 */
async function trace(context, injection) {
  const log = context.path()
  const known = { ...ERRORS, ...context.kind.failingCalls }
  const names = Object.keys(known).join(',')
  const options = ['-y', '-qq', '-o', log, '-e', `trace=${names},access,faccessat,faccessat2`]
  const prefix = ['strace', ...options, ...(injection === undefined ? [] : ['-e', injection])]
  const child = context.start('steps', log.split('/').at(-1), { prefix, stderr: 'pipe' })
  const outcome = await child.done().then(
    (code) => ({ code }),
    (error) => ({ code: null, error }),
  )
  const lines = readFileSync(log, 'latin1').split('\n')
  rmSync(log)
  const counts = {}
  const calls = []
  let [inside, injected] = [false, false]
  /** What we wait by. What the runtime itself does is not ours to break: its loop ends the process when it cannot wait. */
  const own = new Set()
  for (const line of lines) {
    const [, name, rest] = /^(\w+)\((.*)/.exec(line) ?? []
    if (name === undefined) continue
    if (rest.includes(BEGIN)) inside = true
    else if (rest.includes(END)) inside = false
    const epoll = name === 'epoll_ctl' ? rest.split('<')[0] : undefined
    if (inside && name === 'epoll_create1') own.add(/= (\d+)/.exec(line)?.[1])
    const ours = epoll === undefined || own.has(epoll)
    if (inside && ours && line.includes('(INJECTED)')) injected = true
    if (!(name in known)) continue
    counts[name] = (counts[name] ?? 0) + 1
    if (inside && ours) calls.push({ name, index: counts[name] })
  }
  // What has hit something before the steps or after them (places vary a little) is no failing call of ours.
  if (outcome.error !== undefined && (injected || injection === undefined)) {
    throw new Error(`With ${injection}: ${outcome.error.message}`)
  }
  return { calls, injected, code: outcome.code }
}
