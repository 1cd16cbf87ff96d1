/**
 * Makes dist/ of lib/ and bin/: os-ipc.js is the package, worker.js what a process of a pool runs, and cli/ the command
 * line, whose commands are loaded one by one. Whatever is in os-ipc.js is nowhere else.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Complaint, root } from './run.js'
import { files, fingerprint, stamp } from './stamp.js'

/** What users get, and that together with what our own files get. */
const [PUBLIC, WHOLE] = ['lib/index.js', 'lib/whole.js']
const sources = ['lib', 'bin', 'package-lock.json', 'scripts/support/bundle.js']

/** Makes dist/ if its sources have changed. @param {{ force?: boolean }} [options] */
export async function buildBundle({ force = false } = {}) {
  // What changes from now on is newer than the result.
  const now = new Date()
  const made = stamp('bundle')
  const state = fingerprint(sources)
  if (force || !made.is(`${state} ${listed()}`)) {
    replace(await bundle())
    made.set(`${state} ${listed()}`)
  }
  for (const path of files('dist')) utimesSync(join(root, path), now, now)
}

/** What is in dist/. */
function listed() {
  return files('dist')
    .map((path) => `${path}:${statSync(join(root, path)).size}`)
    .join()
}

/** @typedef {{ path: string, text: string }} Made */

/** @returns {Promise<Made[]>} */
async function bundle() {
  const library = await build({ entryPoints: { 'os-ipc': WHOLE }, outdir: 'dist' })
  const inputs = new Set(Object.keys(library.metafile.inputs))
  const worker = await build({
    entryPoints: { worker: 'lib/worker-pool/worker.js' },
    outdir: 'dist',
    plugins: [apartFrom(inputs, './os-ipc.js')],
  })
  const commandLine = await build({
    entryPoints: { main: 'lib/cli/main.js' },
    outdir: 'dist/cli',
    splitting: true,
    plugins: [apartFrom(inputs, '../os-ipc.js'), elsewhere('dist/cli')],
  })
  return [library, worker, commandLine]
    .flatMap(({ outputFiles }) => outputFiles)
    .map(({ path, text }) => ({ path, text: withNames(text) }))
}

/**
 * Gives back the names that users see, in traces and where a value is shown. esbuild changes them where a class speaks of
 * itself, or where two modules have the same name for something; its own remedy costs time with every closure.
 * @param {string} text
 */
function withNames(text) {
  const classes = [...text.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name)
  const named = classes.reduce((result, name) => result.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), text)
  const [, exported = ''] = /^export \{\n([^}]*)\};\n$/m.exec(named) ?? []
  const renamed = [...exported.matchAll(/^ {2}(\w+) as (\w+)/gm)].map(
    ([, from, to]) =>
      `if (typeof ${from} === "function") Object.defineProperty(${from}, "name", { value: "${to}" });\n`,
  )
  return named + renamed.join('')
}

/**
 * @param {import('esbuild').BuildOptions} options
 * @returns {Promise<import('esbuild').BuildResult<{ metafile: true, write: false }>>}
 */
async function build(options) {
  // Loaded where it is needed: it is not there before the packages are.
  const esbuild = await import('esbuild')
  return esbuild.build({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    legalComments: 'none',
    banner: { js: '// Made of lib/ by `npm run build`. What stands below a path comes from that file.' },
    logLevel: 'warning',
    ...options,
    metafile: true,
    write: false,
  })
}

/**
 * What the library has is taken from it.
 * @param {Set<string>} inputs What it is made of.
 * @param {string} library As seen from the files that are made.
 * @returns {import('esbuild').Plugin}
 */
function apartFrom(inputs, library) {
  return {
    name: 'apart from the library',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, namespace }) => {
        if (namespace === 'inside') return { path: library, external: true }
        const file = relative(root, join(resolveDir, path))
        if (file === 'index.js') return { path: library, external: true }
        return inputs.has(file) ? { path: file, namespace: 'inside' } : undefined
      })
      onLoad({ filter: /.*/, namespace: 'inside' }, async ({ path }) => ({
        contents: await takenFrom(path, library),
        resolveDir: dirname(join(root, path)),
      }))
    },
  }
}

/**
 * What a module of lib/ exports, taken from what it has been made part of.
 * @param {string} path
 * @param {string} library
 */
async function takenFrom(path, library) {
  const place = relative('lib', path)
  if (!textOf(WHOLE).includes(`'${place}':`)) {
    const [, handed] = textOf(PUBLIC).match(`\nexport \\{ (.*) \\} from './${place}'`) ?? []
    if (handed) return `export { ${handed} } from '${library}'`
    throw new Complaint(`${path} is part of the library, and ${WHOLE} does not hand it out`)
  }
  const { metafile } = await build({ entryPoints: [path], outdir: 'dist', bundle: false })
  const names = Object.values(metafile.outputs).flatMap((output) => output.exports)
  return `import { inside } from '${library}'\nexport const { ${names.join(', ')} } = inside['${place}']\n`
}

/** @param {string} path */
function textOf(path) {
  return readFileSync(join(root, path), 'utf8')
}

/**
 * What starts processes by files beside it stays where it is, and so does the benchmark, which is no part of it.
 * @param {string} outdir
 * @returns {import('esbuild').Plugin}
 */
function elsewhere(outdir) {
  return {
    name: 'elsewhere',
    setup({ onResolve }) {
      onResolve({ filter: /\/(receiver-process|bench\/lib\/main)\.js$/ }, ({ path, resolveDir }) => ({
        path: relative(join(root, outdir), join(resolveDir, path)),
        external: true,
      }))
    },
  }
}

/**
 * Writes what differs, each file at once whole: another process may be about to load it.
 * @param {Made[]} made
 */
function replace(made) {
  const kept = new Set(made.map(({ path }) => relative(root, path)))
  for (const { path, text } of made) {
    mkdirSync(dirname(path), { recursive: true })
    const fresh = join(dirname(path), `.${process.pid}.new`)
    writeFileSync(fresh, text, { mode: 0o644 })
    renameSync(fresh, path)
  }
  for (const path of files('dist')) if (!kept.has(path)) rmSync(join(root, path))
}
