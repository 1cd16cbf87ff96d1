import { tour } from './tour.js'

/**
 * Every subcommand, in the order in which the help lists them. A new one is a file here and a line below.
 * @type {readonly import('../../lib/cli/command.js').Command[]}
 */
export const commands = [tour]
