/**
 * Where the package's code is: in dist/, a few files made of the hundreds under lib/, since to import those takes more
 * processor time than to start Node twice.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

/** In a clone of the repository lib/ may be newer than what was made of it. The package has no such file. */
const judge = new URL('./scripts/support/newest.js', import.meta.url)

/** @type {(name: string) => string} */
const place = existsSync(judge)
  ? createRequire(import.meta.url)('./scripts/support/newest.js').newest
  : (name) => `./dist/${name}.js`

/**
 * @param {'os-ipc' | 'cli/main'} name
 * @returns {URL}
 */
export function whereIs(name) {
  return new URL(place(name), import.meta.url)
}
