/** @type {import('../../lib/cli/command.js').Command} */
export const rm = {
  name: 'rm',
  summary: 'Remove IPC objects',
  operands: 'NAME...',
  maxOperands: Number.POSITIVE_INFINITY,
  options: {
    yes: { type: 'boolean', short: 'y', help: 'Without asking' },
    force: { type: 'boolean', short: 'f', help: "What is another user's or in use, too" },
  },
  details: `
NAME is what ls prints: mq:/jobs, shm:/x, sem:/x, sysv-queue:ID, sysv-sem:ID, sysv-shm:ID, a path. A bare name, number or key that only
one object has is enough.

In use is what a process has open, mapped or attached; a System V queue or set is, if whoever used it last is still there or somebody
waits. Either all that is named passes, or nothing is removed. On a terminal it asks first.

Exit codes: 0, all are removed; 1, something was refused or could not be removed, or the answer was no; 2, there is no such object, a
NAME may be several, or there is no terminal to ask on.`,
  async run(call) {
    const { runRm } = await import('../../lib/cli/objects/rm.js')
    return runRm(call)
  },
}
