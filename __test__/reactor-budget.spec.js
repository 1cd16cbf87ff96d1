import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const index = new URL('../index.js', import.meta.url).href

test('more receives than one turn serves go on in the next, with nothing else to wake the event loop', () => {
  const program = `
    const { pipe } = await import(${JSON.stringify(index)})
    const { reader, writer } = pipe()
    writer.sendSync(Buffer.alloc(1000))
    for (let seen = 0; seen < 1000; seen += 1) await reader.recv({ maxBytes: 1 })
    process.stdout.write('all')`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  assert.deepEqual([stdout, stderr, status], ['all', '', 0])
})
