/** What the package is made into, and when a clone of the repository takes that and when its sources. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import * as ipc from '../index.js'
import { start } from './support/child.js'

const limit = { timeout: 30_000 }
const root = mkdtempSync(join(tmpdir(), 'os-ipc-bundle-'))
const [past, later] = [1_700_000_000, 1_800_000_000]

/** @param {string} path @param {number} time */
function write(path, time) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), '')
  utimesSync(join(root, path), time, time)
}

/** Where a process finds the package, in a folder that looks like a clone. @param {Record<string, string>} [env] */
async function found(env = { OS_IPC_SOURCES: '' }) {
  const script = `
    import { whole } from '${pathToFileURL(join(root, 'bundle.js'))}'
    console.log(whole.href.slice('${pathToFileURL(root)}'.length + 1))`
  const { stdout, stderr } = await start('--input-type=module', ['--eval', script], { env }).outcome
  assert.equal(stderr, '')
  return stdout.trim()
}

describe('the package as one file', () => {
  after(() => rmSync(root, { recursive: true, force: true }))

  test('gives each thing the name by which it is exported', () => {
    for (const [name, value] of Object.entries(ipc)) if (typeof value === 'function') assert.equal(value.name, name)
  })

  test('is taken in the package, which has no sources to compare it with', limit, async () => {
    cpSync(new URL('../bundle.js', import.meta.url), join(root, 'bundle.js'))
    writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
    assert.equal(await found(), 'dist/os-ipc.cjs')
  })

  test('is taken in a clone until a source is newer, or asked for', limit, async () => {
    cpSync(new URL('../scripts/support/newest.js', import.meta.url), join(root, 'scripts/support/newest.js'))
    write('lib/whole.js', past)
    assert.equal(await found(), 'lib/whole.js')
    write('dist/os-ipc.cjs', later)
    assert.equal(await found(), 'dist/os-ipc.cjs')
    assert.equal(await found({ OS_IPC_SOURCES: '1' }), 'lib/whole.js')
    write('lib/deep/new.js', later + 1)
    assert.equal(await found(), 'lib/whole.js')
    assert.equal(await found({ OS_IPC_SOURCES: '0' }), 'dist/os-ipc.cjs')
  })
})
