/** What `npm start` and `npm test` do first, on a fresh clone or an old one. Silent when there is nothing to do. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { buildAddon, buildFaultInject, buildSanitized } from './addon.js'
import { buildBundle } from './bundle.js'
import { requireTools } from './requirements.js'
import { root, run } from './run.js'

/** @param {{ faultInject?: boolean, sanitize?: boolean }} [options] */
export async function setUp({ faultInject = false, sanitize = false } = {}) {
  requireTools()
  installPackages()
  buildAddon()
  await buildBundle()
  if (faultInject) buildFaultInject()
  if (sanitize) buildSanitized()
}

export function installPackages() {
  const [wanted, present] = ['package-lock.json', 'node_modules/.package-lock.json'].map(changed)
  if (present < wanted)
    run('npm', ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** @param {string} path */
function changed(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
}
