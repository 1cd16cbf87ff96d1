/** Programs in other languages, whose sources stand in interop/. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { join, parse } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** @param {string} name */
export const source = (name) => fileURLToPath(new URL(`../interop/${name}`, import.meta.url))

/** For a compiler that is to find fault with nothing. */
export const STRICT = ['-O2', '-Wall', '-Wextra', '-Werror']

/** Compiles a program in C into that folder, and gives its path. @param {string} name @param {string} folder @param {string[]} [flags] @param {string[]} [libraries] */
export function compile(name, folder, flags = ['-O1'], libraries = []) {
  const program = join(folder, parse(name).name)
  const { status, stderr } = spawnSync('cc', [...flags, '-o', program, source(name), ...libraries], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return program
}

/** Starts a program that is to succeed without a word on stderr; settles with its stdout. @param {string} command @param {(string | number | null)[]} words */
export async function succeeds(command, ...words) {
  const child = spawn(command, words.map(String), { timeout: 60_000, killSignal: 'SIGKILL' })
  const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)))
  const [stdout, stderr, how] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  assert.deepEqual({ how, stderr }, { how: [0, null], stderr: '' })
  return stdout
}
