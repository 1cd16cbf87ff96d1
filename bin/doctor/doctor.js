import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { wrap } from '../../lib/cli/wrap.js'
import { probes } from './probes.js'

/**
 * @typedef {object} Finding
 * @property {string} name
 * @property {boolean} works
 * @property {boolean} vital
 * @property {string} [error] what was said
 * @property {string} [needs]
 */

/** @param {import('../../lib/cli/command.js').Call} call */
export async function runDoctor({ options, out }) {
  const version = packageVersion()
  const findings = await examine()
  const works = findings.every((finding) => finding.works || !finding.vital)
  if (options.json) {
    const about = { version, node: process.versions.node, kernel: release(), arch: process.arch }
    out.write(`${JSON.stringify({ ...about, works, findings }, null, 2)}\n`)
    return works ? 0 : 1
  }
  const where = `os-ipc ${version}, Node ${process.versions.node}, Linux ${release()}, ${process.arch}`
  for (const line of wrap(where, out.columns)) out.write(`${out.bold(line)}\n`)
  out.write('\n')
  for (const { name, works: fine, error, needs = '' } of findings) {
    const [head, ...tail] = wrap(name, out.columns - 5)
    out.write(`${fine ? out.green('yes') : out.red('no ')}  ${head}\n${tail.map((line) => `     ${line}\n`).join('')}`)
    if (fine) continue
    for (const line of wrap(`${error}. It needs ${needs}`, out.columns - 5)) out.write(`     ${out.dim(line)}\n`)
  }
  const missing = findings.filter((finding) => !finding.works).length
  const verdict = missing === 0 ? 'Everything works here.' : `${missing} of ${findings.length} do not work here.`
  out.write(`\n${works ? verdict : 'os-ipc cannot work here.'}\n`)
  return works ? 0 : 1
}

/** @returns {Promise<Finding[]>} */
async function examine() {
  /** @type {typeof import('../../index.js')} */
  let ipc
  try {
    ipc = await import('../../index.js')
  } catch (error) {
    const needs = 'the addon for this system: Linux x64 or arm64, glibc or musl'
    return [{ name: 'The addon', works: false, vital: true, error: told(error), needs }]
  }
  const findings = [{ name: 'The addon', works: true, vital: true }]
  for (const { name, needs, vital = false, run } of probes) {
    try {
      await run(ipc)
      findings.push({ name, works: true, vital })
    } catch (error) {
      findings.push({ name, works: false, vital, ...{ error: told(error), needs } })
    }
  }
  return findings
}

/** @param {any} error */
function told(error) {
  const { code, message, hint } = error ?? {}
  const text = String(message ?? error)
    .split('\n')[0]
    .replace(/\.$/, '')
  const whole = code && !text.includes(code) ? `${code}: ${text}` : text
  return hint ? `${whole} (${hint})` : whole
}

function packageVersion() {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
