/** @type {import('../../lib/cli/command.js').Command} */
export const cleanup = {
  name: 'cleanup',
  summary: 'Remove what os-ipc made for itself in processes that have died',
  options: {
    'dry-run': { type: 'boolean', short: 'n', help: 'Only say what would be removed, as ls --orphans does' },
    json: { type: 'boolean', help: 'One JSON document on stdout, and nothing else there' },
  },
  details: `
These are sockets, sets of locks that were not finished, and objects made without a name. What a program has named itself is never
touched, and neither is anything of a process that may still live.

Exit codes: 0, done, whether or not there was anything; 1, it failed.`,
  async run({ options, out, err }) {
    const { cleanup: sweep } = await import('../../lib/list/cleanup.js')
    const { described } = await import('../../lib/cli/objects/ls.js')
    const { shownCall } = await import('../../lib/cli/objects/kinds.js')
    const swept = sweep({ dryRun: Boolean(options['dry-run']) })
    if (options.json) out.write(`${JSON.stringify(swept.map(described), null, 2)}\n`)
    else if (swept.length === 0) err.write('there is nothing to remove\n')
    else
      for (const object of swept) out.write(`${options['dry-run'] ? 'would remove' : 'removed'} ${shownCall(object)}\n`)
    return 0
  },
}
