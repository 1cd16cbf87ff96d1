import { kindNames } from '../../lib/cli/objects/kinds.js'

/** @type {import('../../lib/cli/command.js').Command} */
export const ls = {
  name: 'ls',
  summary: 'List the IPC objects that there are: queues, semaphores, shared memory, FIFOs, sockets',
  operands: '[FOLDER...]',
  maxOperands: Number.POSITIVE_INFINITY,
  options: {
    all: { type: 'boolean', short: 'a', help: 'Sockets without a name and accepted connections, too' },
    json: { type: 'boolean', help: 'One JSON document on stdout, and nothing else there' },
    kind: {
      type: 'string',
      short: 'k',
      value: 'KIND',
      multiple: true,
      help: `Only these: ${kindNames.join(', ')}; may be given more than once`,
    },
    mine: { type: 'boolean', short: 'm', help: "Only this user's" },
    orphans: { type: 'boolean', help: 'What os-ipc made for itself in processes that have died: see cleanup' },
  },
  details: `
NAME is what rm and stat take. FIFOs and the files of sockets are looked for in /run, /tmp, /var/tmp, XDG_RUNTIME_DIR and each FOLDER,
with the two levels of folders below; a FIFO that a process of this user has open is found wherever it stands.

USED BY are the processes that have it open or mapped, as far as this user may see. AGE is since it was made.

Exit codes: 0, done, whether or not there is anything; 2, an option or a FOLDER is wrong.`,
  async run(call) {
    const { runLs } = await import('../../lib/cli/objects/ls.js')
    return runLs(call)
  },
}
