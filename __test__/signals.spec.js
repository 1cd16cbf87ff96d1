/** Signals: their names, sending, receiving, holding, and living together with the runtime's own handlers. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { describe, test } from 'node:test'
import { signals } from '../index.js'

const options = { timeout: 60_000 }

/** What the shell of this machine calls a signal. @param {number} number */
function nameByShell(number) {
  const { stdout } = spawnSync('bash', ['-c', `kill -l ${number}`], { encoding: 'utf8' })
  return `SIG${stdout.trim()}`
}

describe('names of signals', options, () => {
  test('are the numbers that the runtime has', () => {
    for (const [name, number] of Object.entries(constants.signals)) {
      assert.equal(signals.number(/** @type {any} */ (name)), number, name)
    }
  })

  test('are what the shell calls them', () => {
    for (let number = 1; number <= signals.max; number++) {
      if (number > 31 && number < signals.min) continue
      assert.equal(signals.name(number), nameByShell(number), `${number}`)
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
