/** Where a spec has its files and sockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** A folder of its own, which goes at its end. */
export function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Gives addresses of sockets in that folder, each once. @param {string} folder */
export function addressesIn(folder) {
  let count = 0
  return () => join(folder, `${++count}.sock`)
}
