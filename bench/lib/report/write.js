/** Writes the report, as data and as a page. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { html } from './html.js'

/** @typedef {import('./collect.js').Report} Report */

/** @param {string} folder @param {Omit<Report, 'taken' | 'machine' | 'versions'>} measured @returns {string[]} the files */
export function writeReport(folder, measured) {
  /** @type {Report} */
  const report = {
    taken: `${new Date().toISOString().slice(0, 19)}Z`,
    machine: machine(),
    versions: versions(),
    ...measured,
  }
  mkdirSync(folder, { recursive: true })
  return [
    whole(join(resolve(folder), 'report.json'), `${JSON.stringify(report, null, 1)}\n`),
    whole(join(resolve(folder), 'report.html'), html(report)),
  ]
}

/** Nobody finds half of one. @param {string} path @param {string} text */
function whole(path, text) {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
  return path
}

function machine() {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    architecture: process.arch,
  }
}

/** @returns {Record<string, string>} */
function versions() {
  const read = (/** @type {string} */ path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  const { version } = read('../../../package.json')
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    'os-ipc': version,
    ...read('../../package.json').dependencies,
  }
}
