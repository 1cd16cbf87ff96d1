/** What is in a tarball, as a CycloneDX bill of materials. The same sources give the same bytes: no time, no serial number. */
import { checksums, linked } from './crates.js'
import { ask } from './run.js'

/**
 * Of an addon: the crates that are linked into it, and the standard library.
 * @param {import('./platforms.js').Platform} platform
 * @param {{ name: string, version: string, license: string }} manifest
 */
export function sbomOf({ target }, manifest) {
  const sums = checksums()
  const crates = linked(target).filter(({ name }) => name !== 'os-ipc')
  return bill(manifest, [
    ...crates.map(({ name, version, license, source }) => {
      const sum = sums.get(`${name} ${version}`)
      return {
        type: 'library',
        'bom-ref': `pkg:cargo/${name}@${version}`,
        name,
        version,
        ...(sum ? { hashes: [{ alg: 'SHA-256', content: sum }] } : {}),
        ...licences(license),
        ...(source === null ? {} : { purl: `pkg:cargo/${name}@${version}` }),
      }
    }),
    standardLibrary(),
  ])
}

/**
 * Of the package: nothing but the addons, of which npm installs one.
 * @param {{ name: string, version: string, license: string, optionalDependencies: Record<string, string> }} manifest
 */
export function sbomOfPackage(manifest) {
  const addons = Object.entries(manifest.optionalDependencies)
  return bill(
    manifest,
    addons.map(([name, version]) => ({
      type: 'library',
      'bom-ref': `pkg:npm/${name}@${version}`,
      name,
      version,
      scope: 'optional',
      ...licences(manifest.license),
      purl: `pkg:npm/${name}@${version}`,
    })),
  )
}

function standardLibrary() {
  const version = ask('rustc', ['--version'])?.split(' ')[1] ?? ''
  const expression = 'MIT OR Apache-2.0'
  return { type: 'library', 'bom-ref': `rust-std@${version}`, name: 'std', version, ...licences(expression) }
}

/** @param {string | null} expression */
function licences(expression) {
  return expression ? { licenses: [{ expression: expression.replaceAll('/', ' OR ') }] } : {}
}

/**
 * @param {{ name: string, version: string, license: string }} manifest
 * @param {{ 'bom-ref': string }[]} components
 */
function bill({ name, version, license }, components) {
  const purl = `pkg:npm/${name}@${version}`
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'library', 'bom-ref': purl, name, version, ...licences(license), purl } },
    components,
    dependencies: [{ ref: purl, dependsOn: components.map((component) => component['bom-ref']) }],
  }
}
