/**
 * Where the package's code is: one file, made of the hundreds under lib/, since to import those takes more processor time
 * than to start Node twice.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

/** In a clone of the repository lib/ may be newer than what was made of it. The package has no such file. */
const judge = new URL('./scripts/support/newest.js', import.meta.url)

const place = existsSync(judge)
  ? createRequire(import.meta.url)('./scripts/support/newest.js').newest()
  : './dist/os-ipc.cjs'

/** The package's own files get what lib/whole.js exports from here; users get a part of it from index.js. */
export const whole = new URL(place, import.meta.url)
