/** @type {import('../../lib/cli/command.js').Command} */
export const stat = {
  name: 'stat',
  summary: 'Show all there is to know of IPC objects',
  operands: 'NAME...',
  maxOperands: Number.POSITIVE_INFINITY,
  options: { json: { type: 'boolean', help: 'One JSON document on stdout, and nothing else there' } },
  details: `
NAME is what ls prints, or a bare name, number or key that only one object has. What is in an object is told to those who may read it.

Exit codes: 0, done; 2, there is no such object, or a NAME may be several.`,
  async run(call) {
    const { runStat } = await import('../../lib/cli/objects/stat.js')
    return runStat(call)
  },
}
