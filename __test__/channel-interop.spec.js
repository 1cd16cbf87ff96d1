/** Channels between this package and programs that it has no part in: written in C and Python from the format alone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { talksTheFormat } from './support/channel-peers.js'
import { compile, STRICT, source } from './support/interop.js'

describe('a channel and a C program', { timeout: 120_000 }, () => {
  let folder = ''
  let program = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    program = compile('channel.c', folder, ['-std=c11', ...STRICT])
  })
  after(() => rmSync(folder, { recursive: true }))

  talksTheFormat({ name: 'C', command: () => [program], count: 20_000, rendezvous: true })
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
