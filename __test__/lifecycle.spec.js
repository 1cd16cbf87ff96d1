/** How things end: workers, processes, forgotten handles, and panics in the addon. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Fifo, pipe } from '../index.js'
import { faultFolder } from '../scripts/support/addon.js'
import { fixture, output, run, start } from './support/child.js'
import { staysUnder, timeOf } from './support/pace.js'
import { descriptors, isAlive, threads, until } from './support/state.js'

/** Other runtimes run this spec too; some things are Node's own. */
const isNode = process.versions.bun === undefined && !('deno' in process.versions)
const onNode = { skip: !isNode && 'a matter of Node alone' }

/** @type {string} */
let folder
/** @type {string} */
let path
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  path = join(folder, 'fifo')
  Fifo.create(path)
})
after(() => rmSync(folder, { recursive: true }))

/** @param {string} name @param {any} workerData @returns {Promise<Worker>} one that has said that it is ready */
async function worker(name, workerData) {
  const made = new Worker(fixture(name), { workerData })
  await new Promise((resolve, reject) => {
    made.once('message', resolve)
    made.once('error', reject)
  })
  return made
}

describe('a worker', () => {
  test('that is terminated while it loads the package harms nobody', async () => {
    const source = `require('node:worker_threads').parentPort.postMessage('loading')
      import('${new URL('../index.js', import.meta.url)}')`
    for (let moment = 0; moment < 25; moment++) {
      const worker = new Worker(source, { eval: true })
      await once(worker, 'message')
      await sleep(2 * moment)
      await worker.terminate()
    }
  })

  test('terminated with work pending ends soon and leaves nothing behind', async () => {
    // The first one may leave what the runtime keeps for those that follow.
    await (await worker('worker-with-pending.js', path)).terminate()
    const before = descriptors()
    for (let round = 0; round < 6; round++) {
      await staysUnder(500, async () => {
        const one = await worker('worker-with-pending.js', path)
        return timeOf(() => one.terminate())
      })
    }
    await until(() => descriptors() <= before, 'its descriptors are closed')
    await until(() => threads('os-ipc-waiter') === 0, 'its threads are gone')
  })

  test('ended in whatever order, 16 of them and this thread do not disturb each other', async () => {
    const { reader, writer } = pipe()
    const mine = reader.recv()
    const workers = await Promise.all(Array.from({ length: 16 }, () => worker('worker-with-pending.js', path)))
    for (const [, one] of workers.map((one) => /** @type {const} */ ([Math.random(), one])).sort(([a], [b]) => a - b)) {
      await one.terminate()
    }
    writer.trySend('still here')
    assert.equal(String(await mine), 'still here')
    reader.close()
    writer.close()
  })

  test('moves bytes as the main thread does', async () => {
    const { reader, writer } = pipe()
    const one = new Worker(fixture('worker-echo.js'), { workerData: { from: reader.detach() } })
    const told = new Promise((resolve, reject) => {
      one.once('message', resolve)
      one.once('error', reject)
    })
    await writer.send('to a worker')
    writer.close()
    assert.equal(await told, 'to a worker')
    await one.terminate()
  })

  test('in the middle of a blocking receive is ended by terminate() within a slice', onNode, async () => {
    await staysUnder(500, async () => {
      const one = await worker('worker-blocked.js', null)
      await sleep(50)
      return timeOf(() => one.terminate())
    })
  })

  test('that alone has loaded the addon takes nothing of it along', async () => {
    assert.equal(await output(fixture('workers-alone.js'), [path]), 'done')
  })

  test('with idle handles ends by itself', async () => {
    const { code } = await run(fixture('worker-idle.js'))
    assert.equal(code, 0)
  })
})

describe('a process', () => {
  test('that only loads the package has started nothing', async () => {
    const told = JSON.parse(await output(fixture('only-load.js')))
    assert.deepEqual(told, { descriptors: 2, threads: 0 })
  })

  test('ends by process.exit(7) with 64 receives pending: at once, with that code, taking nothing', async () => {
    const { reader, writer } = pipe()
    const kept = reader.dup()
    const child = start(fixture('exit-with-pending.js'), ['exit', path], { handles: [reader] })
    await child.says('ready')
    const began = performance.now()
    const { code, signal, stderr } = await child.outcome
    assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' })
    assert.ok(performance.now() - began < 1000)
    for (let i = 0; i < 64; i++) writer.trySend(String(i % 10))
    assert.equal(String(await kept.recv()).length, 64)
    kept.close()
    writer.close()
  })

  test('ends by an uncaught exception with 64 receives pending: with that one’s code and message', async () => {
    const { reader, writer } = pipe()
    const { code, signal, stderr } = await run(fixture('exit-with-pending.js'), ['throw', path], { handles: [reader] })
    assert.deepEqual([code, signal], [1, null])
    assert.match(stderr, /nobody catches this/)
    writer.close()
  })

  test('that waits for a FIFO to be opened goes on, until it has been', async () => {
    const child = start(fixture('open-and-wait.js'), [path])
    await child.says('ready')
    await sleep(100)
    assert.ok(isAlive(child.pid))
    const writer = await Fifo.at(path).openWriter()
    writer.close()
    assert.equal(await child.succeeded(), 'readyopened')
  })

  test('ends while its worker blocks', onNode, async () => {
    const { code, milliseconds } = await run(fixture('exit-while-worker-blocks.js'))
    assert.equal(code, 7)
    assert.ok(milliseconds < 5000)
  })

  test('that is killed leaves its peers an end', async () => {
    const { reader, writer } = pipe()
    const child = start(fixture('exit-with-pending.js'), ['stay', path], { handles: [writer.dup(), reader.dup()] })
    await child.says('ready')
    writer.close()
    const ended = reader.recv()
    await child.kill()
    assert.equal(await ended, null)
    reader.close()
  })
})

test('a wait whose time passes while its timer is set again is no warning of the runtime', onNode, async (t) => {
  const { reader, writer } = pipe()
  /** @type {string[]} */
  const warnings = []
  const hear = (/** @type {Error} */ { message }) => warnings.push(message)
  process.on('warning', hear)
  const waiting = reader.recv({ timeout: 5 })
  // As if the timer had come a little early, and this process had then been stopped for a while.
  const now = performance.now()
  let looks = 0
  t.mock.method(performance, 'now', () => (looks++ === 0 ? now : now + 50))
  try {
    await assert.rejects(waiting, { code: 'ETIMEDOUT' })
    assert.ok(looks > 1, 'the timer was not set again')
    t.mock.restoreAll()
    await sleep(0)
    assert.deepEqual(warnings, [])
  } finally {
    process.off('warning', hear)
    reader.close()
    writer.close()
  }
})

describe('a forgotten handle', () => {
  test(
    'is closed by garbage collection, also after it has waited; one warning names where it was opened',
    onNode,
    async () => {
      const { stdout, stderr, code } = await run(fixture('forget-handles.js'), [path], { node: ['--expose-gc'] })
      assert.equal(code, 0, stderr)
      assert.deepEqual(JSON.parse(stdout), { left: 0, pendingKept: true })
      const warnings = stderr.match(/IpcWarning/g) ?? []
      assert.equal(warnings.length, 1, stderr)
      assert.match(stderr, /ERR_IPC_NOT_CLOSED/)
      assert.match(stderr, /forget-handles\.js:\d+/)
    },
  )

  test(
    'goes with the object that has opened it and holds it, which stood in the stack of the opening',
    onNode,
    async () => {
      const told = await run(fixture('forget-owners.js'), [], { node: ['--expose-gc', '--no-warnings'] })
      assert.deepEqual({ code: told.code, stderr: told.stderr }, { code: 0, stderr: '' })
      assert.deepEqual(JSON.parse(told.stdout), { left: 0, named: true })
    },
  )

  test('that was closed is never warned of', onNode, async () => {
    assert.equal(await output(fixture('close-handles.js'), [], { node: ['--expose-gc'] }), 'closed')
  })
})

describe('a panic in the addon', () => {
  const addon = join(
    fileURLToPath(new URL('../', import.meta.url)),
    faultFolder,
    `os-ipc.linux-${process.arch}-gnu.node`,
  )
  const built = { skip: !isNode || !existsSync(addon) ? 'needs `npm run build -- --fault-inject`' : false }

  test('in a call, or on a thread of its own, is an error, and everything goes on', built, async () => {
    // Rust says on stderr where it panicked.
    const { code, stdout, stderr } = await run(fixture('panic.js'), [path], { env: { OS_IPC_NATIVE: addon } })
    assert.equal(code, 0, stderr)
    const told = JSON.parse(stdout)
    assert.deepEqual(told, { call: 'Error', waiter: 'ERR_IPC_INTERNAL', afterwards: 'works' })
  })
})
