/**
 * Makes dist/os-ipc.cjs: the package as one file. It is CommonJS, for it is required: Node 22 ends the whole process where a
 * worker is terminated while it requires a module of the other kind.
 */
import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './run.js'
import { fingerprint, stamp } from './stamp.js'

const result = join(root, 'dist/os-ipc.cjs')

/** Makes it if its sources have changed. @param {{ force?: boolean }} [options] */
export async function buildBundle({ force = false } = {}) {
  // What changes from now on is newer than the result.
  const now = new Date()
  const made = stamp('bundle')
  const state = fingerprint(['lib', 'package-lock.json', 'scripts/support/bundle.js'])
  if (force || !existsSync(result) || !made.is(state)) {
    replace(withNames(await bundle()))
    made.set(state)
  }
  utimesSync(result, now, now)
}

const BANNER = `"use strict";
// Made of lib/ by \`npm run build\`. What stands below a path comes from that file.
const __here = require("node:url").pathToFileURL(__filename).href;`

async function bundle() {
  // Loaded where it is needed: it is not there before the packages are.
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['lib/whole.js'],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'import.meta.url': '__here' },
    target: 'node20.19',
    legalComments: 'none',
    banner: { js: BANNER },
    logLevel: 'warning',
    write: false,
  })
  return outputFiles[0].text
}

/**
 * Gives back the names that users see, in traces and where a value is shown. esbuild changes them where a class speaks of
 * itself, or where two modules have the same name for something; its own remedy costs time with every closure.
 * @param {string} text
 */
function withNames(text) {
  const classes = [...text.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name)
  const named = classes.reduce((renamed, name) => renamed.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), text)
  const [, exported = ''] = /^__export\(whole_exports, \{\n([^}]*)\}\);\n/m.exec(named) ?? []
  const names = [...exported.matchAll(/^ {2}(\w+): \(\) => (\w+)/gm)]
    .filter(([, to, from]) => from !== to)
    .map(
      ([, to, from]) =>
        `if (typeof ${from} === "function") Object.defineProperty(${from}, "name", { value: "${to}" });\n`,
    )
  return named + names.join('')
}

/** At once and whole: another process may be about to load it. @param {string} text */
function replace(text) {
  const folder = dirname(result)
  mkdirSync(folder, { recursive: true })
  const fresh = join(folder, `.${process.pid}.new`)
  try {
    writeFileSync(fresh, text, { mode: 0o644 })
    renameSync(fresh, result)
  } finally {
    rmSync(fresh, { force: true })
  }
}
