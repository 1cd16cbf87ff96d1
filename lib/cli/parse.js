import { parseArgs } from 'node:util'
import { UsageError } from './command.js'

/** @type {Record<string, import('./command.js').Option>} */
export const commonOptions = { help: { type: 'boolean', short: 'h', help: 'Show this text' } }

/**
 * @param {import('./command.js').Command} command
 * @param {string[]} words
 * @returns {{ options: Record<string, any>, operands: string[] }}
 */
export function parseCommandLine(command, words) {
  const options = { ...command.options, ...commonOptions }
  const hint = `(see os-ipc ${command.name} --help)`
  // Not strict: what Node's own messages say takes more than a line, so the tokens are judged here.
  const { values, positionals, tokens } = parseArgs({
    args: words,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type, short, multiple }]) => [name, known({ type, short, multiple })]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (!option) throw new UsageError(`unknown option '${token.rawName}' ${hint}`)
    if (option.type === 'string' && token.value === undefined) {
      throw new UsageError(`option '${token.rawName}' needs a ${option.value ?? 'value'} ${hint}`)
    }
    if (option.type === 'boolean' && token.value !== undefined) {
      throw new UsageError(`option '${token.rawName}' takes no value ${hint}`)
    }
  }
  const limit = command.maxOperands ?? 0
  if (!values.help && positionals.length > limit) {
    throw new UsageError(`unexpected argument '${positionals[limit]}' ${hint}`)
  }
  return { options: values, operands: positionals }
}

/**
 * parseArgs refuses a key that is there and undefined.
 * @template {object} T
 * @param {T} object
 * @returns {T}
 */
function known(object) {
  return /** @type {T} */ (Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)))
}
