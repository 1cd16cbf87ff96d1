/** @typedef {import('../../lib/cli/command.js').Command} Command */

/** Every subcommand, in the order in which the help lists them. A new one is a file here and its name below. */
export const names = Object.freeze([
  'ls',
  'stat',
  'rm',
  'cleanup',
  'limits',
  'watch',
  'send',
  'recv',
  'doctor',
  'tour',
  'bench',
  'completion',
])

/** It alone is loaded: whoever wants one does not wait for the others. @param {string} name @returns {Promise<Command | undefined>} */
export async function commandNamed(name) {
  if (!names.includes(name)) return undefined
  const module = await import(`./${name}.js`)
  return module[name]
}

/** @returns {Promise<Command[]>} */
export async function allCommands() {
  return Promise.all(names.map(async (name) => /** @type {Command} */ (await commandNamed(name))))
}
