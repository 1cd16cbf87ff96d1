/** System V message queues between this package and programs that it has no part in: C, Python's sysv_ipc, util-linux. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { SysvMessageQueue } from '../index.js'
import { needs, python } from './support/extras.js'
import { compile, source, succeeds } from './support/interop.js'
import { waitingThreads } from './support/standing.js'
import { until } from './support/state.js'
import { newKey, newQueue, numbered, queueIds, removeQueuesAfter } from './support/sysv.js'

const options = { timeout: 120_000 }
const TOTAL = 100_000

removeQueuesAfter()

/** @param {SysvMessageQueue} queue */
async function sendAll(queue) {
  for (let i = 0; i < TOTAL; i++) {
    const { type, text: words } = numbered(i)
    await queue.send(words, { type })
  }
}

/** @param {SysvMessageQueue} queue */
async function receiveAll(queue) {
  for (let i = 0; i < TOTAL; i++) {
    const { data, type } = await queue.recv()
    const expected = numbered(i)
    if (type !== expected.type || String(data) !== expected.text)
      assert.deepEqual([String(data), type], expected, `${i}`)
  }
  assert.equal(queue.tryRecv(), undefined)
}

describe('System V queues and a C program', options, () => {
  let folder = ''
  let program = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    program = compile('sysv-queue.c', folder)
  })
  after(() => rmSync(folder, { recursive: true }))

  test(`it sends ${TOTAL} messages, which arrive in order with their types`, async () => {
    const queue = newQueue()
    await Promise.all([succeeds(program, 'send', queue.id, TOTAL), receiveAll(queue)])
  })

  test(`it receives ${TOTAL} messages, in order with their types`, async () => {
    const queue = newQueue()
    await Promise.all([succeeds(program, 'receive', queue.id, TOTAL), sendAll(queue)])
  })

  test('it blocks in msgrcv beside receives of this package, and nothing is lost or doubled', async () => {
    const queue = newQueue()
    const competitor = spawn(program, ['compete', String(queue.id), String(TOTAL)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const theirs = text(competitor.stdout)
    await until(() => waitingThreads(Number(competitor.pid)) > 0, 'it blocks')
    const ours = /** @type {number[]} */ ([])
    const controller = new AbortController()
    const receiving = Array.from({ length: 4 }, async () => {
      for await (const { data } of queue.iterate({ signal: controller.signal })) {
        ours.push(Number.parseInt(String(data), 10))
      }
    })
    const total = 5_000
    for (let i = 0; i < total; i++) {
      await queue.send(numbered(i).text)
      // Now and then all of them are waiting when one comes.
      if (i % 50 === 0) await until(() => queue.stat().messages === 0, 'all are taken')
    }
    await until(() => queue.stat().messages === 0, 'all are taken')
    controller.abort()
    for (const { reason } of await Promise.allSettled(receiving)) assert.equal(reason, controller.signal.reason)
    // Without text: that is the end for it.
    await queue.send('')
    const all = [...ours, ...(await theirs).trim().split('\n').map(Number)]
    assert.ok(ours.length < total, 'the competitor had some')
    assert.deepEqual(
      all.sort((a, b) => a - b),
      Array.from({ length: total }, (_, i) => i),
    )
  })
})

describe("System V queues and Python's sysv_ipc", options, () => {
  for (const [what, ours] of /** @type {const} */ ([
    ['send', receiveAll],
    ['receive', sendAll],
  ])) {
    test(`it can ${what} ${TOTAL} messages, in order with their types`, needs('python'), async () => {
      const queue = SysvMessageQueue.open(newKey(), { create: true, exclusive: true })
      try {
        await Promise.all([succeeds(python, source('sysv_queue.py'), what, queue.key, TOTAL), ours(queue)])
      } finally {
        queue.remove()
        queue.close()
      }
    })
  }

  test('it gives the same keys', needs('python'), async () => {
    const { ftok } = await import('../index.js')
    for (const project of [1, 200, 255]) {
      const words = ['-c', 'import sys, sysv_ipc; print(sysv_ipc.ftok(sys.argv[1], int(sys.argv[2]), True))']
      const theirs = await succeeds(python, ...words, source('sysv-queue.c'), project)
      assert.equal(ftok(source('sysv-queue.c'), project), Number(theirs))
    }
  })
})

describe('System V queues and util-linux', options, () => {
  test('ipcmk makes what we open, and ipcs shows what we send', async () => {
    const made = /id: (\d+)/.exec(await succeeds('ipcmk', '-Q', '-p', '0640'))
    const queue = SysvMessageQueue.fromId(Number(made?.[1]))
    try {
      assert.equal(queue.stat().mode, 0o640)
      const same = SysvMessageQueue.open(queue.key, { mode: 0o640 })
      assert.equal(same.id, queue.id)
      same.close()
      await queue.send('12345')
      await queue.send('678')
      const line = (await succeeds('ipcs', '-q')).split('\n').find((row) => row.split(/\s+/)[1] === String(queue.id))
      const [key, , , mode, bytes, messages] = line?.split(/\s+/) ?? []
      assert.deepEqual([Number(key) | 0, mode, bytes, messages], [queue.key, '640', '8', '2'])
      const pids = await succeeds('ipcs', '-q', '-i', queue.id)
      assert.match(pids, new RegExp(`lspid=${process.pid}\\b`))
    } finally {
      queue.remove()
      queue.close()
    }
  })

  test('ipcrm removes what we wait for: EIDRM', async () => {
    const queue = newQueue()
    const waiting = queue.recv().catch((error) => error.code)
    await succeeds('ipcrm', '-q', queue.id)
    assert.equal(await waiting, 'EIDRM')
    assert.ok(!queueIds().includes(queue.id))
  })
})
