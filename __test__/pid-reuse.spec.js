/** The number of a process that has died is given to another one: that makes nobody alive again, and nobody dead. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Mutex } from '../index.js'
import { fixture, output } from './support/child.js'
import { needs } from './support/extras.js'

const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
after(() => {
  rmSync(folder, { recursive: true, force: true })
  try {
    Mutex.unlink(`pid-reuse-${folder.split('-').at(-1)}`)
  } catch {
    // It is gone, as it is to be.
  }
})

test('what a killed process held is known for that while others have its number', {
  ...needs('unshare'),
  ...(process.getuid?.() !== 0 && { skip: 'needs root' }),
  timeout: 60_000,
}, async () => {
  const line = ['-pf', '--mount-proc', '--kill-child', process.execPath]
  const env = { XDG_RUNTIME_DIR: folder }
  const text = await output(fixture('pid-reuse.js'), ['main', folder], { command: 'unshare', node: line, env })
  assert.deepEqual(JSON.parse(text), {
    numbers: [5000, 5000, 5000],
    channel: 'ERR_IPC_PEER_DIED',
    living: true,
    handle: [false, true],
    // Of three who took it, the second and the third came after a death.
    abandoned: [false, true, true],
    // While the second lives, what the first has made is swept and what the second has made is not; later that too.
    removed: [true, false, true],
    // Who was connected to is not taken for whoever has the number now.
    sent: [true, 'ETIMEDOUT'],
    // The slots of the two that are gone hold no publisher up.
    room: 4,
  })
})
