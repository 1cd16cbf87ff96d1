/**
 * What a subcommand is. Its module loads nothing heavy: the help imports every one of them, so the addon and
 * whatever else `run` needs are imported inside `run`.
 *
 * @typedef {object} Command
 * @property {string} name
 * @property {string} summary One line, for the table of subcommands.
 * @property {string} [operands] What stands after the name in the usage line, such as `[FILE]`.
 * @property {number} [maxOperands] 0 unless told.
 * @property {Record<string, Option>} [options] `--help` is added to each.
 * @property {string} [details] What its own help says below the options.
 * @property {(call: Call) => Promise<number>} run Settles with the exit code.
 *
 * @typedef {object} Option
 * @property {'boolean' | 'string'} type
 * @property {string} help
 * @property {string} [short]
 * @property {string} [value] How the help names a string option's value.
 * @property {boolean} [multiple]
 *
 * @typedef {object} Call
 * @property {Record<string, any>} options
 * @property {string[]} operands
 * @property {import('./terminal.js').Terminal} out
 * @property {import('./terminal.js').Terminal} err
 * @property {AbortSignal} signal Aborted when the user has had enough: a signal came, or nobody reads the output.
 */

/** What every subcommand's exit code means; a signal ends the process by that signal, as a shell expects. */
export const exitCodes = Object.freeze({ done: 0, failed: 1, usage: 2, outputClosed: 141 })

/** What the user asked for cannot be done as asked: one line on stderr, exit code 2. */
export class UsageError extends Error {}
