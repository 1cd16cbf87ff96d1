/** Channels between this package and programs that it has no part in: written in C and Python from the format alone. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { talksTheFormat } from './support/channel-peers.js'

/** @param {string} name */
const source = (name) => fileURLToPath(new URL(`interop/${name}`, import.meta.url))

describe('a channel and a C program', { timeout: 120_000 }, () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror']
    const { status, stderr } = spawnSync('cc', [...flags, '-o', join(folder, 'channel'), source('channel.c')], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })
  after(() => rmSync(folder, { recursive: true }))

  talksTheFormat({ name: 'C', command: () => [join(folder, 'channel')], count: 20_000, rendezvous: true })
})

// Its words are ordered as that processor has it.
describe('a channel and a Python program', { timeout: 120_000, skip: process.arch !== 'x64' }, () => {
  talksTheFormat({
    name: 'Python',
    // Without the modules that it finds by itself: they are most of its start.
    command: () => ['python3', '-S', '-B', source('channel.py')],
    count: 1_000,
    rendezvous: false,
  })
})
