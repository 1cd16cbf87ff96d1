import { bench } from './bench.js'
import { cleanup } from './cleanup.js'
import { completion } from './completion.js'
import { doctor } from './doctor.js'
import { limits } from './limits.js'
import { ls } from './ls.js'
import { recv } from './recv.js'
import { rm } from './rm.js'
import { send } from './send.js'
import { stat } from './stat.js'
import { tour } from './tour.js'
import { watch } from './watch.js'

/**
 * Every subcommand, in the order in which the help lists them. A new one is a file here and a line below.
 * @type {readonly import('../../lib/cli/command.js').Command[]}
 */
export const commands = [ls, stat, rm, cleanup, limits, watch, send, recv, doctor, tour, bench, completion]
