/**
 * `npm run pack`: the tarballs as they are published, in target/pack (or `--to FOLDER`): the package, and this platform's
 * addon as `npm run build` makes it. For a release, `--portable` builds that one for every glibc since 2.17 instead, and
 * `--target linux-arm64-musl` (as often as wanted) another one.
 *
 * They are made from copies, so the repository's own manifests stay as they are: with no optional dependencies, which could
 * not be installed before they are published.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildFor, crossFolder } from './support/cross.js'
import { here, platforms } from './support/platforms.js'
import { Complaint, main, root, run } from './support/run.js'
import { setUp } from './support/setup.js'

const { values } = parseArgs({
  options: {
    to: { type: 'string', default: join(root, 'target/pack') },
    portable: { type: 'boolean', default: false },
    target: { type: 'string', multiple: true, default: [] },
  },
})

await main(() => {
  const wanted = new Set(values.portable ? [here(), ...values.target] : values.target)
  const others = [...wanted].map(named)
  setUp()
  const to = resolve(values.to)
  mkdirSync(to, { recursive: true })
  packRoot(to)
  if (!values.portable) packPlatform(here(), '.', to)
  for (const platform of others) {
    buildFor(platform)
    packPlatform(platform.name, crossFolder, to)
  }
})

/** @param {string} name */
function named(name) {
  const platform = platforms.find((entry) => entry.name === name)
  if (platform) return platform
  throw new Complaint(`No such platform: ${name}. There are ${platforms.map((entry) => entry.name).join(', ')}`)
}

/** @param {string} to */
function packRoot(to) {
  const { scripts, devDependencies, napi, ...kept } = manifest('package.json')
  const optional = platforms.map(({ name }) => [`os-ipc-${name}`, kept.version])
  pack(to, [...kept.files, 'README.md', 'LICENSE'], { ...kept, optionalDependencies: Object.fromEntries(optional) })
}

/**
 * @param {string} name
 * @param {string} folder Where its addon is.
 * @param {string} to
 */
function packPlatform(name, folder, to) {
  const files = [`npm/${name}/README.md`, join(folder, `os-ipc.${name}.node`), 'LICENSE']
  pack(to, files, manifest(`npm/${name}/package.json`), true)
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

/** @param {string} path */
function manifest(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
