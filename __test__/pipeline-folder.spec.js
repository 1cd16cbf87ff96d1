import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { pipeline } from 'os-ipc'

describe('a command of pipeline() named by a relative path', { timeout: 30_000 }, () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    writeFileSync(join(folder, 'program'), '#!/bin/sh\necho found\n', { mode: 0o700 })
  })
  after(() => rmSync(folder, { recursive: true }))

  /** @type {Array<[string, () => string | URL]>} */
  const forms = [
    ['a path', () => folder],
    ['a relative path', () => relative(process.cwd(), folder)],
    ['a URL', () => pathToFileURL(`${folder}/`)],
  ]
  for (const [form, cwd] of forms) {
    it(`is looked for in cwd, given as ${form}`, async () => {
      const line = pipeline([['./program']], { cwd: cwd(), stdin: 'ignore' })
      assert.equal(String(await line.stdout?.recv()), 'found\n')
      assert.deepEqual(await line.status(), [{ code: 0, signal: null }])
      assert.throws(() => pipeline([['./absent']], { cwd: cwd() }), { code: 'ENOENT', index: 0 })
    })
  }
})
