/** Builds the C programs of bench/c into target/bench. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const sources = fileURLToPath(new URL('../c/', import.meta.url))
const built = fileURLToPath(new URL('../../target/bench/', import.meta.url))

/** @type {Map<string, string | Error>} */
const done = new Map()

/** The program's path. Throws, with the reason, where it cannot be built. @param {string} name */
export function compile(name) {
  const known = done.get(name) ?? build(name)
  done.set(name, known)
  if (known instanceof Error) throw known
  return known
}

/** @param {string} name @returns {string | Error} */
function build(name) {
  mkdirSync(built, { recursive: true })
  const program = `${built}${name}`
  const { error, status, stderr } = spawnSync(
    process.env.CC ?? 'cc',
    ['-O2', '-Wall', '-Wextra', '-pthread', '-o', program, `${sources}${name}.c`],
    { encoding: 'utf8' },
  )
  if (error) return new Error(`no C compiler: ${error.message}`)
  return status === 0 ? program : new Error(`bench/c/${name}.c does not compile: ${stderr.trim().split('\n')[0]}`)
}
