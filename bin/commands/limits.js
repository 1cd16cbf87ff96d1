/** @type {import('../../lib/cli/command.js').Command} */
export const limits = {
  name: 'limits',
  summary: 'Show the limits of the system, what of them is used, and how to raise each',
  options: { json: { type: 'boolean', help: 'One JSON document on stdout, and nothing else there' } },
  details: `
USED is of the whole machine, or of this user where the limit is a user's; of System V what there is in this IPC namespace. N in a
command stands for the new value; sysctl lasts until the next start unless it is written to /etc/sysctl.d, prlimit as long as the
shell. Both may need root.

Exit codes: 0, done; 1, /proc is not to be read.`,
  async run({ options, out, err }) {
    const { allLimits } = await import('../../lib/list/limits.js')
    const { limitsTable } = await import('../../lib/cli/limits.js')
    const all = allLimits()
    if (options.json) out.write(`${JSON.stringify(all, (_, value) => (value === Infinity ? null : value), 2)}\n`)
    else if (all.length > 0) out.write(limitsTable(all, out))
    if (all.some(({ name }) => name !== '/dev/shm')) return 0
    err.write('os-ipc limits: /proc is not to be read\n')
    return 1
  },
}
