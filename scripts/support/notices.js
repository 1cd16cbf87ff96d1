/** What the licences of the crates in an addon want to go along with it: their own texts, each once. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { linked } from './crates.js'

/** @param {import('./platforms.js').Platform} platform */
export function noticesOf({ target }) {
  /** @type {Map<string, string[]>} */
  const texts = new Map()
  for (const { name, version, license, manifest_path, source } of linked(target)) {
    if (source === null) continue
    const found = textsIn(dirname(manifest_path))
    for (const text of found.length > 0 ? found : ['(It brings no text of its own.)\n']) {
      texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${license})`])
    }
  }
  const parts = [...texts].map(([text, crates]) => `${crates.join('\n')}\n\n${text}`)
  return ['Parts of this addon come from these crates, under these licences.', ...parts].join(
    `\n\n${'-'.repeat(80)}\n\n`,
  )
}

/**
 * The licences that a crate brings: of several to choose from, MIT.
 * @param {string} folder
 */
function textsIn(folder) {
  const all = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice|unlicense)/i.test(name))
  const mit = all.filter((name) => /mit/i.test(name))
  return (mit.length > 0 ? mit : all).sort().map((name) => `${readFileSync(join(folder, name), 'utf8').trim()}\n`)
}
