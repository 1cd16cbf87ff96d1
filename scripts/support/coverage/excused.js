/**
 * excused.txt: the lines beside unsafe code that no test reaches, under the reason. A reason is a line that begins with #, and
 * holds for the lines `path: code` behind it.
 */
import { readFileSync } from 'node:fs'

const list = new URL('./excused.txt', import.meta.url)

/**
 * What is missed and not excused, and what is excused and not missed.
 * @param {import('./rust.js').Missed[]} missed
 * @param {string} [text]
 */
export function excuseFaults(missed, text = readFileSync(list, 'utf8')) {
  const { excused, faults } = parse(text)
  const found = new Set(missed.map(({ path, code }) => `${path}: ${code}`))
  return [
    ...faults,
    ...missed
      .filter(({ path, code }) => !excused.has(`${path}: ${code}`))
      .map(({ path, line, code }) => `${path}:${line}: no test reaches all of \`${code}\``),
    ...[...excused]
      .filter((entry) => !found.has(entry))
      .map((entry) => `excused.txt: tests reach all of this: ${entry}`),
  ]
}

/** @param {string} text */
function parse(text) {
  /** @type {Set<string>} */
  const excused = new Set()
  const faults = []
  let reason = ''
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') reason = ''
    else if (line.startsWith('#')) reason = line
    else {
      if (reason === '') faults.push(`excused.txt: without a reason: ${line}`)
      if (excused.has(line)) faults.push(`excused.txt: twice: ${line}`)
      excused.add(line)
    }
  }
  return { excused, faults }
}
