/** Semaphore sets between this package and programs that it has no part in: C, Python's sysv_ipc, util-linux. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SysvSemaphoreSet } from '../index.js'
import { needs, python } from './support/extras.js'
import { compile, source, succeeds } from './support/interop.js'
import { newSet, removedAfter, removeSetsAfter, setIds } from './support/semaphore-sets.js'
import { turn, until } from './support/state.js'
import { newKey } from './support/sysv.js'

const options = { timeout: 60_000 }
const FULL = process.env.CI === 'true'

removeSetsAfter()

describe('semaphore sets and a C program', options, () => {
  let folder = ''
  let program = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    program = compile('semaphore-set.c', folder)
  })
  after(() => rmSync(folder, { recursive: true }))

  test('they exclude each other', async () => {
    const rounds = FULL ? 20_000 : 2000
    const set = newSet(1, 0)
    const mutex = set.at(0, { undo: true })
    const theirs = Promise.all([1, 2].map(() => succeeds(program, 'section', set.id, rounds)))
    for (let round = 0; round < rounds; round++) {
      await mutex.with(() => {
        assert.equal(set.at(1).value, 0)
        set.at(1).release()
        assert.equal(set.at(1).tryAcquire(), true)
      })
    }
    await theirs
    assert.deepEqual(set.values, [1, 0])
  })

  test('it takes several at once from what is given here', async () => {
    const set = newSet(0, 0)
    const theirs = succeeds(program, 'both', set.id, 1000)
    for (let i = 0; i < 1000; i++) {
      set.at(i % 2).release()
      if (i % 100 === 0) await turn()
      set.at((i + 1) % 2).release()
    }
    await theirs
    assert.deepEqual(set.values, [0, 0])
  })

  test('killed, it gives back what it has taken with undo', async () => {
    const set = newSet(1)
    const child = spawn(program, ['hold', String(set.id), '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const waiting = set.at(0).acquire()
    child.kill('SIGKILL')
    await waiting
    assert.deepEqual(set.values, [0])
  })

  const keys = FULL ? 1000 : 200
  /** Opens sets by keys while a program does, and gives what became of them. @param {string} what @param {number[]} values */
  async function race(what, values) {
    const first = newKey() & 0x7fff0000
    /** @type {number[][]} */
    const seen = []
    try {
      const theirs = succeeds(program, what, first, keys)
      await turn()
      for (let key = first; key < first + keys; key++) {
        const set = SysvSemaphoreSet.open(key, { create: true, values })
        seen.push(set.values)
        set.close()
        if (key % 3 === 0) await turn()
      }
      await theirs
      return Array.from({ length: keys }, (_, i) => {
        const set = SysvSemaphoreSet.open(first + i)
        const then = set.values
        set.close()
        return { then, seen: seen[i] }
      })
    } finally {
      for (let key = first; key < first + keys; key++) {
        const set = SysvSemaphoreSet.open(key, { create: true })
        set.remove()
        set.close()
      }
    }
  }

  test('whoever of them makes a set, neither sees a value that was not set', async () => {
    for (const { then, seen } of await race('race', [3, 5]))
      assert.deepEqual(
        [then, seen],
        [
          [3, 5],
          [3, 5],
        ],
      )
  })

  test('a program that merely opens a set waits for its values, and what it gives is not lost', async () => {
    for (const { then, seen } of await race('merely', [3, 1])) {
      assert.deepEqual(then, [2, 6])
      assert.ok(seen[1] === 1 || seen[1] === 6, `${seen}`)
    }
  })
})

describe("semaphore sets and Python's sysv_ipc", options, () => {
  test('it takes what is given here, and gives what is taken here', needs('python'), async () => {
    const set = removedAfter(SysvSemaphoreSet.open(newKey(), { create: true, exclusive: true }))
    const taking = succeeds(python, source('semaphore_set.py'), 'take', set.key, 1000)
    for (let i = 0; i < 1000; i++) set.at(0).release()
    await taking
    assert.deepEqual(set.values, [0])
    const giving = succeeds(python, source('semaphore_set.py'), 'give', set.key, 1000)
    for (let i = 0; i < 1000; i++) await set.at(0).acquire()
    await giving
    assert.deepEqual(set.values, [0])
  })

  test('what it has made opens here, also with the value 0', needs('python'), async () => {
    for (const value of [0, 7]) {
      const key = newKey()
      const id = Number(await succeeds(python, source('semaphore_set.py'), 'make', key, value))
      const set = removedAfter(SysvSemaphoreSet.open(key))
      assert.deepEqual([set.id, set.values], [id, [value]])
    }
  })
})

describe('semaphore sets and util-linux', options, () => {
  test('ipcs shows what we make', async () => {
    const key = newKey()
    const set = removedAfter(SysvSemaphoreSet.open(key, { create: true, mode: 0o640, values: [4, 5] }))
    const line = (await succeeds('ipcs', '-s')).split('\n').find((row) => row.split(/\s+/)[1] === String(set.id))
    const [shownKey, , , mode, count] = line?.split(/\s+/) ?? []
    assert.deepEqual([Number(shownKey) | 0, mode, count], [key, '640', '2'])
    const rows = (await succeeds('ipcs', '-s', '-i', set.id)).split('\n').map((row) => row.trim().split(/\s+/))
    for (const [index, value] of set.values.entries()) {
      const row = rows.find(([first, , ncount]) => first === String(index) && ncount === '0')
      assert.deepEqual(row, [index, value, 0, 0, process.pid].map(String))
    }
  })

  test('what ipcmk makes has no values: it opens by id, and by key once somebody has set them', async () => {
    const made = /id: (\d+)/.exec(await succeeds('ipcmk', '-S', '2'))
    const set = removedAfter(SysvSemaphoreSet.fromId(Number(made?.[1])))
    // As ipcmk has it unless it is told otherwise.
    const open = () => SysvSemaphoreSet.open(set.key, { mode: 0o600 })
    assert.throws(open, { code: 'ERR_IPC_NOT_INITIALIZED', id: set.id, hint: /fromId/ })
    set.setValues([1, 0])
    assert.deepEqual(removedAfter(open()).values, [1, 0])
  })

  test('ipcrm removes what we wait for: EIDRM', async () => {
    const set = newSet(0)
    const waiting = set
      .at(0)
      .acquire()
      .catch((error) => error.code)
    await until(() => set.stat().semaphores[0].waiting === 1, 'it waits')
    await succeeds('ipcrm', '-s', set.id)
    assert.equal(await waiting, 'EIDRM')
    assert.ok(!setIds().includes(set.id))
  })
})
