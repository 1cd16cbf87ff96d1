/**
 * `npm run pack`: the tarballs as they are published, in target/pack (or `--to FOLDER`): the package, and the addon of each platform
 * that has been built. They are made from copies, so the repository's own manifests stay as they are: with no optional
 * dependencies, which could not be installed before they are published.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { platforms } from './support/platforms.js'
import { main, root, run } from './support/run.js'
import { setUp } from './support/setup.js'

const { values } = parseArgs({ options: { to: { type: 'string', default: join(root, 'target/pack') } } })

await main(() => {
  setUp()
  const to = resolve(values.to)
  mkdirSync(to, { recursive: true })
  packRoot(to)
  for (const { name } of platforms.filter(({ name }) => existsSync(join(root, addon(name))))) packPlatform(name, to)
})

/** @param {string} to */
function packRoot(to) {
  const { scripts, devDependencies, napi, ...kept } = manifest('package.json')
  const optional = platforms.map(({ name }) => [`os-ipc-${name}`, kept.version])
  pack(to, [...kept.files, 'README.md', 'LICENSE'], { ...kept, optionalDependencies: Object.fromEntries(optional) })
}

/**
 * @param {string} name
 * @param {string} to
 */
function packPlatform(name, to) {
  pack(to, [`npm/${name}/README.md`, addon(name), 'LICENSE'], manifest(`npm/${name}/package.json`), true)
}

/**
 * Packs copies of these files under this manifest.
 * @param {string} to
 * @param {string[]} paths Below the root.
 * @param {object} manifest
 * @param {boolean} [flat] Each file at the package's own root.
 */
function pack(to, paths, manifest, flat = false) {
  const copy = mkdtempSync(join(to, '.copy-'))
  try {
    for (const path of paths) cpSync(join(root, path), join(copy, flat ? basename(path) : path), { recursive: true })
    writeFileSync(join(copy, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    run('npm', ['pack', '--pack-destination', to, '--loglevel=error'], { cwd: copy })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** @param {string} name */
function addon(name) {
  return `os-ipc.${name}.node`
}

/** @param {string} path */
function manifest(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
