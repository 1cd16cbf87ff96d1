import { commonOptions } from './parse.js'
import { wrap } from './wrap.js'

/** @typedef {import('./command.js').Command} Command */
/** @typedef {import('./terminal.js').Terminal} Terminal */

/**
 * @param {readonly Command[]} commands
 * @param {Terminal} out
 */
export function overview(commands, out) {
  return [
    'Usage: os-ipc COMMAND [ARGUMENT...]',
    '',
    out.bold('Commands'),
    ...twoColumns(
      commands.map(({ name, summary }) => [name, summary]),
      out,
    ),
    '',
    out.bold('Options'),
    ...twoColumns(
      [
        ['-h, --help', 'Show this text; after a command, its own'],
        ['-v, --version', 'Show the version'],
      ],
      out,
    ),
    '',
    out.bold('Exit codes'),
    ...twoColumns(
      [
        ['0', 'Done'],
        ['1', 'It ran and failed, or its answer is no'],
        ['2', 'It could not begin: wrong option, wrong name, unreadable file'],
      ],
      out,
    ),
    '',
  ].join('\n')
}

/**
 * @param {Command} command
 * @param {Terminal} out
 */
export function commandHelp(command, out) {
  const options = Object.entries({ ...command.options, ...commonOptions })
  const usage = ['os-ipc', command.name, '[OPTION...]', command.operands].filter(Boolean).join(' ')
  const lines = [
    ...wrap(`Usage: ${usage}`, out.columns),
    '',
    ...wrap(command.summary, out.columns),
    '',
    out.bold('Options'),
    ...twoColumns(
      options.map(([name, { short, value, help }]) => [
        `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`,
        help,
      ]),
      out,
    ),
    '',
  ]
  if (command.details) {
    for (const paragraph of command.details.trim().split('\n\n')) lines.push(...wrap(paragraph, out.columns), '')
  }
  return lines.join('\n')
}

/**
 * Names on the left, what they mean on the right; on a narrow terminal the meaning goes below its name.
 * @param {ReadonlyArray<readonly [string, string]>} entries
 * @param {Terminal} out
 */
function twoColumns(entries, out) {
  const left = Math.max(...entries.map(([name]) => name.length)) + 4
  return entries.flatMap(([name, text]) => {
    if (out.columns - left < 24) return [`  ${name}`, ...wrap(text, out.columns - 4).map((line) => `    ${line}`)]
    const [head, ...tail] = wrap(text, out.columns - left)
    return [`  ${name.padEnd(left - 2)}${head}`, ...tail.map((line) => `${' '.repeat(left)}${line}`)]
  })
}
