/**
 * `npm run pack`: the tarballs as they are published, in target/pack (or `--to FOLDER`): the package, and this platform's
 * addon as `npm run build` makes it. For a release, `--portable` builds that one for every glibc since 2.17 instead, and
 * `--target linux-arm64-musl` (as often as wanted) another one.
 *
 * Each has a bill of materials with it, and an addon the licences of the crates in it.
 *
 * They are made from copies, so the repository's own manifests stay as they are: with no optional dependencies, which could
 * not be installed before they are published.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildFor, crossFolder } from './support/cross.js'
import { noticesOf } from './support/notices.js'
import { here, platforms } from './support/platforms.js'
import { Complaint, main, root, run } from './support/run.js'
import { sbomOf, sbomOfPackage } from './support/sbom.js'
import { setUp } from './support/setup.js'

/** The bill of materials, in each package. */
const bill = 'sbom.cdx.json'

const { values } = parseArgs({
  options: {
    to: { type: 'string', default: join(root, 'target/pack') },
    portable: { type: 'boolean', default: false },
    target: { type: 'string', multiple: true, default: [] },
  },
})

await main(async () => {
  const wanted = new Set(values.portable ? [here(), ...values.target] : values.target)
  const others = [...wanted].map(named)
  await setUp()
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
  const published = { ...kept, optionalDependencies: Object.fromEntries(optional) }
  pack(to, [...kept.files, 'README.md', 'LICENSE'], published, { [bill]: json(sbomOfPackage(published)) })
}

/**
 * @param {string} name
 * @param {string} folder Where its addon is.
 * @param {string} to
 */
function packPlatform(name, folder, to) {
  const platform = named(name)
  const published = manifest(`npm/${name}/package.json`)
  const files = [`npm/${name}/README.md`, join(folder, `os-ipc.${name}.node`), 'LICENSE']
  const made = { [bill]: json(sbomOf(platform, published)), 'THIRD-PARTY-LICENSES.txt': noticesOf(platform) }
  pack(to, files, published, made, true)
}

/**
 * Packs copies of these files under this manifest.
 * @param {string} to
 * @param {string[]} paths Below the root.
 * @param {{ files: string[] }} manifest
 * @param {Record<string, string>} made What the repository does not hold, by its name in the package.
 * @param {boolean} [flat] Each file at the package's own root.
 */
function pack(to, paths, manifest, made, flat = false) {
  const copy = mkdtempSync(join(to, '.copy-'))
  try {
    for (const path of paths) cpSync(join(root, path), join(copy, flat ? basename(path) : path), { recursive: true })
    for (const [name, text] of Object.entries(made)) writeFileSync(join(copy, name), text)
    writeFileSync(join(copy, 'package.json'), json({ ...manifest, files: [...manifest.files, ...Object.keys(made)] }))
    run('npm', ['pack', '--pack-destination', to, '--loglevel=error'], { cwd: copy })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** @param {object} value */
function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** @param {string} path */
function manifest(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}
