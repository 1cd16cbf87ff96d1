/** Shared memory when processes end, are killed, forget it, or are disturbed. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { SharedMemory } from '../index.js'
import { fixture, run } from './support/child.js'
import { needs } from './support/extras.js'
import { names, newName, removeMemoryAfter } from './support/memory.js'
import { descriptors, until } from './support/state.js'

const options = { timeout: 60_000 }
const script = fixture('shared-memory-ends.js')
const index = JSON.stringify(new URL('../index.js', import.meta.url).href)

removeMemoryAfter()

describe('a process with waits that are pending', options, () => {
  test('exits with its own status, at once', async () => {
    const { code, signal, stderr } = await run(script, ['exit'])
    assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' })
  })

  test('ends by an exception that nobody catches as any other does', async () => {
    const { code, signal, stderr } = await run(script, ['throw'])
    assert.deepEqual({ code, signal }, { code: 1, signal: null })
    assert.match(stderr, /nobody catches this/)
  })

  test('is not disturbed by a storm of signals: no wake is lost, no timeout comes early', async () => {
    const { code, signal, stdout, stderr } = await run(script, ['storm'])
    assert.deepEqual({ code, signal, stdout, stderr }, { code: 0, signal: null, stdout: '0\n', stderr: '' })
  })
})

describe('handles', options, () => {
  test('that are forgotten give their descriptors back, with one warning', async () => {
    const { code, stdout, stderr } = await run(script, ['forget'], { node: ['--expose-gc'] })
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '0\n' })
    assert.equal(stderr.match(/ERR_IPC_NOT_CLOSED/g)?.length, 1)
  })

  test('are not inherited by children', async () => {
    const { stdout } = await run(script, ['inherit'])
    assert.equal(stdout, 'false\n')
  })

  test('beyond the limit of descriptors are EMFILE, with a hint', { ...options, ...needs('prlimit') }, async () => {
    const words = ['--nofile=256:256', process.execPath, '--no-warnings', script, 'no-descriptors']
    const child = spawn('prlimit', words, { stdio: ['ignore', 'pipe', 'inherit'] })
    let stdout = ''
    child.stdout.on('data', (text) => {
      stdout += text
    })
    const [code, signal] = await once(child, 'close')
    assert.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: 'EMFILE string\n' })
  })

  test('of workers that are terminated in mid-wait go with them', async () => {
    const memory = SharedMemory.create(4096)
    const code = `import { SharedMemory } from ${index}
      import { parentPort, workerData } from 'node:worker_threads'
      const memory = SharedMemory.fromFd(workerData)
      new Uint8Array(memory.buffer)[100] = 1
      for (let i = 0; i < 8; i++) memory.wait(0, 0)
      parentPort.postMessage('waiting')`
    const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
    const before = descriptors()
    for (let round = 0; round < 20; round++) {
      const worker = new Worker(url, { workerData: memory.dup().detach() })
      await once(worker, 'message')
      await worker.terminate()
    }
    await until(() => descriptors() <= before + 1, 'their descriptors are gone')
    assert.equal(memory.notify(0), 0, 'nobody waits any more')
    memory.close()
  })
})

describe('a blocking wait', { ...options, ...needs('strace') }, () => {
  for (const where of ['main', 'worker']) {
    test(`stands in the kernel all the time, so that no notice is missed: ${where}`, () => {
      const trace = ['-f', '-qq', '-e', 'trace=futex', '-e', 'signal=none']
      const words = [...trace, process.execPath, fixture('shared-memory-sync-wait.js'), where]
      const { status, stdout, stderr } = spawnSync('strace', words, { encoding: 'utf8', timeout: 30_000 })
      assert.deepEqual({ status, stdout }, { status: 0, stdout: 'timed-out' })
      assert.equal(stderr.match(/FUTEX_WAIT, 12345,/g)?.length, 1)
    })
  }
})

describe('a creator that is killed at any moment', options, () => {
  test('leaves the whole object or none', async () => {
    for (let round = 0; round < 30; round++) {
      const name = newName()
      const code = `import { SharedMemory } from ${index}
        process.stdout.write('go')
        for (;;) { const memory = SharedMemory.open('${name}', { size: 300_000, create: true, exclusive: true }); memory.unlink(); memory.close() }`
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      const end = performance.now() + round / 3
      while (performance.now() < end);
      child.kill('SIGKILL')
      await once(child, 'close')
      if (names().includes(name.slice(1))) {
        const memory = SharedMemory.open(name)
        assert.equal(memory.size, 300_000)
        memory.unlink()
        memory.close()
      }
    }
  })
})
