/** @type {import('../../lib/cli/command.js').Command} */
export const watch = {
  name: 'watch',
  summary: 'Watch IPC objects, and messages and bytes per second of channels and topics',
  options: {
    all: { type: 'boolean', short: 'a', help: 'All sockets, not listeners alone' },
    mine: { type: 'boolean', short: 'm', help: "Only this user's" },
    interval: { type: 'string', short: 'i', value: 'SECONDS', help: 'Between looks: 1' },
    count: { type: 'string', short: 'n', value: 'N', help: 'So many looks, then end' },
  },
  details: `
Keys: s sorts by rate, kind, name or size, r turns the order round, q quits. Where there is no terminal it prints a line for each object
that is new or has changed.

A row channel:NUMBER/SIDE is one direction of a channel, of those whose processes this user may look into. A channel's memory has no
counter of messages: they are counted where they stand in it, and where they go through faster than that estimated from a sample,
shown with ~.

Exit codes: 0, done; 2, an option is wrong.`,
  async run(call) {
    const { runWatch } = await import('../../lib/cli/watch/watch.js')
    return runWatch(call)
  },
}
