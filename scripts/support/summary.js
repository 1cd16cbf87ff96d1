/** What the two test runners said of themselves, for the end of a long output. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { root } from './run.js'

/**
 * cargo's lines: which binary, and what became of its tests.
 * @param {string} output
 */
export function rustSummary(output) {
  const lines = output.split('\n').filter((line) => /^\s*(Running|Doc-tests) |^test result: /.test(line))
  return lines.map((line) => line.trim()).join('\n') || 'cargo test did not come to its tests'
}

/**
 * The "# tests", "# pass", "# fail"… lines that node's runner ends with.
 * @param {string} report
 */
export function nodeSummary(report) {
  const lines = read(report).split('\n')
  return lines.filter((line) => /^# \w+ [\d.]+$/.test(line)).join('\n') || 'node --test did not come to its summary'
}

/**
 * One line for each extra that was missing: the tests left out for it, and the command that brings it.
 * @param {string} report
 */
export function leftOut(report) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map()
  for (const [, title, reason] of read(report).matchAll(/^\s*ok \d+ - (.*) # SKIP left out: needs (.*)$/gm)) {
    reasons.set(reason, [...(reasons.get(reason) ?? []), title])
  }
  return [...reasons].map(([reason, titles]) => {
    const [extra, command] = reason.split('; ')
    return `Left out, as ${extra} is missing (\`${command}\` brings it): ${titles.join(' | ')}`
  })
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(resolve(root, path), 'utf8')
  } catch {
    return ''
  }
}
