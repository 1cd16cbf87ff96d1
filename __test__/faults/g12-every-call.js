import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { Failing, failingEnvironment, objectStands } from './harness/failing.js'
import { descriptorList, threadCounts } from './harness/proc.js'
import { pause, turn, until, within } from './harness/time.js'

const TABLE = ['EMFILE', 'ENFILE', 'ENOMEM']
const PLACE = ['ENOSPC', 'ENOMEM']
const TRANSFER = ['EINTR', 'ENOMEM']
const SOCKET = ['EINTR', 'ENOMEM', 'ENOBUFS']

/** What the kernel says of each call when it is out of something, or interrupted before it has done anything. */
const ERRORS = {
  ...{ open: [...TABLE, 'ENOSPC', 'EINTR'], openat: [...TABLE, 'ENOSPC', 'EINTR'], mkfifoat: PLACE, linkat: PLACE },
  ...{ mkdir: PLACE, memfd_create: TABLE, ftruncate: ['ENOMEM', 'EINTR'], posix_fallocate: [...PLACE, 'EINTR'] },
  ...{ mmap: ['ENOMEM', 'ENFILE'], mlock: ['ENOMEM'], fchmod: ['ENOMEM'], 'fcntl dup': ['EMFILE'] },
  ...{ 'fcntl lock': ['ENOLCK', 'EINTR'], 'fcntl size': ['ENOMEM'], flock: ['EINTR', 'ENOLCK', 'ENOMEM'] },
  ...{ pipe2: TABLE, eventfd: TABLE, epoll_create1: TABLE, epoll_ctl: PLACE, timerfd_create: TABLE },
  ...{ signalfd4: TABLE, pidfd_open: TABLE, pthread_create: ['EAGAIN'] },
  ...{ socket: [...TABLE, 'ENOBUFS'], socketpair: TABLE, bind: PLACE, listen: ['ENOMEM'], connect: ['EINTR'] },
  ...{ accept4: [...TABLE, 'ENOBUFS', 'EINTR'], getsockopt: [], setsockopt: [] },
  ...{ msgget: PLACE, semget: PLACE, shmget: [...PLACE, 'ENFILE'], shmat: ['ENOMEM'], 'semctl all': ['ENOMEM'] },
  ...{ mq_open: [...TABLE, 'ENOSPC'], mq_timedsend: TRANSFER, mq_timedreceive: TRANSFER, mq_notify: ['ENOMEM'] },
  ...{
    unlink: ['ENOMEM'],
    unlinkat: ['ENOMEM'],
    mq_unlink: ['ENOMEM'],
    timerfd_settime: [],
    fsopen: ['EMFILE', 'ENOMEM'],
  },
  ...{ fsmount: ['EMFILE', 'ENOMEM'], fsconfig: ['ENOMEM'] },
  ...{ msgsnd: TRANSFER, msgrcv: TRANSFER, semop: ['EINTR'], semtimedop: ['EINTR'] },
  ...{ 'semop undo': [...TRANSFER, 'ENOSPC'], 'semtimedop undo': [...TRANSFER, 'ENOSPC'] },
  ...{ preadv2: TRANSFER, pwritev2: TRANSFER, splice: TRANSFER, sendmsg: SOCKET, recvmsg: SOCKET, sendmmsg: SOCKET },
  ...{ recvmmsg: SOCKET, send: ['EINTR'], recv: ['EINTR'], read: ['EINTR'], write: ['EINTR'], writev: ['EINTR'] },
  ...{ poll: ['EINTR'], ppoll: ['EINTR'], epoll_wait: ['EINTR'], epoll_pwait: ['EINTR'], 'futex wait': ['EINTR'] },
  ...{ waitid: ['EINTR'], getrandom: ['EINTR'], pidfd_send_signal: ['ENOMEM'] },
  ...{ rt_sigqueueinfo: ['EAGAIN'], rt_tgsigqueueinfo: ['EAGAIN'] },
}
/** What has not settled after so many milliseconds never does. */
const PATIENCE = 5000

/** What is open, but not under which number. */
const open = () =>
  descriptorList()
    .filter((entry) => !entry.endsWith("(this list's own)") && !entry.endsWith(String(process.env.OS_IPC_FAILING)))
    .map((entry) => entry.slice(entry.indexOf(' ') + 1).replace(/:\[\d+\]|\b\d+\.\d+\.\d+\.\d+$/, ''))
    .sort()

/**
 * Opens, waits, sends, receives and copies, in every way. Whatever fails as `error` says is done once more, by the same
 * handle where there is one, and has to succeed.
 * @param {any} kind @param {import('./harness/context.js').Context} context
 * @param {Failing} failing @param {import('./harness/failing.js').Failure} [failure]
 */
async function steps(kind, context, failing, failure) {
  /** @type {Array<{ step: string, error: any }>} */
  const failed = []
  const attempt = async (/** @type {string} */ step, /** @type {() => any} */ action) => {
    for (;;) {
      try {
        return await within(PATIENCE, step, Promise.resolve(action()))
      } catch (error) {
        if (error.code !== failure?.error || failed.length > 0)
          throw new Error(`${step}: ${error.stack}`, { cause: error })
        failed.push({ step, error })
      }
    }
  }
  let next = 0
  failing.begin(failure)
  const ends = await attempt('open', () => kind.open(context))
  const { sender, receiver } = ends
  let made = { injected: 0, calls: new Map(), paths: [], objects: [] }
  try {
    for (const [name, receive] of Object.entries(kind.receives)) {
      const waits = attempt(name, () => receive(receiver, {}))
      waits.catch(() => {})
      await turn()
      await attempt('send', () => kind.send(sender, kind.encode(next)))
      assert.deepEqual(await waits, [next], name)
      next++
      if (kind.once) break
    }
    if (!kind.once && kind.recvSync && 'sendSync' in kind.calls(ends)) {
      await attempt('sendSync', async () => kind.sendSync(sender, kind.encode(next)))
      assert.deepEqual(await attempt('recvSync', async () => kind.recvSync(receiver, { timeout: 1000 })), [next++])
    }
    if (!kind.once && kind.tryRecv) {
      await attempt('send', () => kind.send(sender, kind.encode(next)))
      assert.deepEqual(await attempt('recv of what is there', () => kind.receives.recv(receiver, {})), [next++])
      assert.equal(await attempt('tryRecv', async () => kind.tryRecv(receiver)), undefined, 'a message twice')
    }
    const copy = await attempt('another', async () => kind.another?.(receiver))
    copy?.close()
  } finally {
    await turn()
    made = failing.end()
    ends.close()
  }
  for (const { error } of failed) {
    assert.equal(error.errno, -constants.errno[error.code], error.stack)
    assert.equal(typeof error.syscall, 'string', error.stack)
  }
  return { ...made, failed }
}

/** @param {Iterable<[string, number]>} calls */
function casesOf(calls) {
  const cases = []
  for (const [call, count] of calls) {
    assert.ok(call in ERRORS, `nobody has said how ${call} fails`)
    for (const error of ERRORS[call]) for (let nth = 1; nth <= count; nth++) cases.push({ call, nth, error })
  }
  return cases
}

/** @param {Iterable<number>} numbers */
const sum = (numbers) => [...numbers].reduce((total, number) => total + number, 0)

/** What is open that was not before. @param {string[]} before */
function opened(before) {
  const known = [...before]
  return open().filter((entry) => {
    const at = known.indexOf(entry)
    if (at >= 0) known.splice(at, 1)
    return at < 0
  })
}

/** The same, once what is closed on another thread is closed. @param {string[]} before */
async function leftOpen(before) {
  await until('', () => opened(before).length === 0, 2000).catch(() => {})
  return opened(before)
}

/** What the package makes once for all: names and ids. @type {Set<string>} */
const standing = new Set()

/** What of all that was made there is still. @param {Awaited<ReturnType<typeof steps>>} made */
function leftOf({ paths, objects }) {
  const names = objects.filter(objectStands).map(({ kind, id }) => `${kind} ${id}`)
  return [...paths.filter((path) => existsSync(path)), ...names].filter((name) => !standing.has(name))
}

export default {
  id: 'G12',
  campaign: 'limits',
  promise:
    'each call of the addon fails in turn, in each way that there is: a typed error or none, nothing left, and the same call works again',
  short: 500,
  // A pool tries again for a while, with processes.
  looks: [
    ...['barrier', 'channel', 'condition', 'endpoint', 'fifo', 'file-lock', 'mutex', 'packets', 'pipe', 'posix-queue'],
    ...['posix-semaphore', 'process', 'rpc', 'rwlock', 'select', 'shared-memory', 'signals', 'spawn', 'sysv-queue'],
    ...['sysv-semaphore', 'topic', 'unix-datagram', 'unix-listener', 'unix-seqpacket', 'unix-stream'],
  ],

  roles: {
    /** All for the first time, with what is made once for all; and then once more. */
    async cold(kind, context) {
      const failing = new Failing()
      const { failure } = context.data
      const { calls, injected, failed } = await steps(kind, context, failing, failure)
      await steps(kind, context, failing)
      const left = await leftOpen(context.data.open ?? open())
      failing.close()
      return { calls: [...calls], injected, refused: failed.length, open: open(), left }
    },

    /** Every call of what has been done before, one after the other. */
    async warm(kind, context) {
      const failing = new Failing()
      const figures = { callsThatCanFail: 0, waysToFail: 0, failuresMade: 0, toldAsErrors: 0, gotOver: 0 }
      // What is made once is made.
      for (let i = 0; i < 3; i++) {
        for (const name of leftOf(await steps(kind, context, failing))) standing.add(name)
      }
      const { calls } = await steps(kind, context, failing)
      const cases = casesOf(calls)
      figures.callsThatCanFail = sum(calls.values())
      figures.waysToFail = cases.length
      await pause(50)
      const [before, threads] = [open(), threadCounts().others]
      const left = context.random.shuffle([...cases])
      while (context.goesOn() && (left.length > 0 || context.long)) {
        const failure = left.pop() ?? context.random.pick(cases)
        const name = `${failure.call}, number ${failure.nth}, ${failure.error}`
        try {
          const made = await steps(kind, context, failing, failure)
          const { injected, failed } = made
          if (!failure.call.includes('unlink')) assert.deepEqual(leftOf(made), [], 'names that are left')
          assert.deepEqual(await leftOpen(before), [], 'descriptors that are left')
          assert.ok(threadCounts().others <= threads, 'threads that are left')
          if (injected === 0) continue
          figures.failuresMade++
          if (failed.length > 0) figures.toldAsErrors++
          else figures.gotOver++
          if (failure.error === 'EINTR') assert.deepEqual(failed, [], 'an interruption is seen')
          context.round()
        } catch (error) {
          throw new Error(`${name}: ${error.stack}`)
        }
      }
      failing.close()
      return figures
    },
  },

  async run(kind, context) {
    const start = async (/** @type {string} */ role, data = {}) => {
      const path = context.path()
      const child = context.start(role, data, { env: failingEnvironment(path), stderr: 'pipe' })
      const returned = await child.done()
      rmSync(path)
      return returned
    }
    const first = await start('cold', {})
    const left = context.random.shuffle(casesOf(first.calls))
    const figures = {
      callsAtFirstUse: sum(first.calls.map(([, count]) => count)),
      failuresMadeAtFirstUse: 0,
      toldAsErrorsAtFirstUse: 0,
    }
    const warm = async () => {
      const figures = await start('warm')
      context.round(figures.failuresMade)
      assert.ok(figures.failuresMade > 0 || figures.waysToFail === 0, 'no call has failed')
      return figures
    }
    const cold = async () => {
      while (context.goesOn() && left.length > 0) {
        const failure = left.pop()
        const {
          injected,
          refused,
          left: found,
        } = await start('cold', { failure, open: first.open }).catch((error) => {
          throw new Error(`${failure.call}, number ${failure.nth}, ${failure.error}: ${error.stack}`)
        })
        context.round()
        if (injected === 0) continue
        figures.failuresMadeAtFirstUse++
        figures.toldAsErrorsAtFirstUse += refused
        if (!failure.call.includes('unlink')) assert.deepEqual(found, [], `left after ${JSON.stringify(failure)}`)
      }
      return figures
    }
    return context.shareOut(context.long ? [cold, warm] : [warm, cold], (part) => part())
  },
}
