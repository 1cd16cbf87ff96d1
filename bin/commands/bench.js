/** @type {import('../../lib/cli/command.js').Command} */
export const bench = {
  name: 'bench',
  summary: 'Measure os-ipc beside Node, other packages and C programs',
  operands: '[PAGE...]',
  maxOperands: Number.POSITIVE_INFINITY,
  options: {
    json: { type: 'boolean', help: 'One JSON object for each row, on stdout' },
    only: {
      type: 'string',
      value: 'TEXT',
      help: 'Only the groups whose name contains TEXT, such as "round trip 64 B"',
    },
    quick: { type: 'boolean', help: 'Few iterations: shows that everything runs, proves no figure' },
    report: { type: 'string', value: 'FOLDER', help: 'Write report.html and report.json there, too' },
    runs: { type: 'string', value: 'N', help: 'Rounds of each contender, 5; the figure is their median' },
  },
  details: `
All pages where none is named. C programs need a C compiler; other packages are installed the first time that they are needed.

Exit codes: 0, done, whatever the figures say; 1, one of os-ipc's own figures could not be taken; 2, a PAGE or an option is wrong.`,
  async run({ options, operands, err }) {
    const { main } = await import('../../bench/lib/main.js')
    const words = [
      ...['json', 'quick'].filter((name) => options[name]).map((name) => `--${name}`),
      ...['only', 'report', 'runs'].flatMap((name) =>
        options[name] === undefined ? [] : [`--${name}=${options[name]}`],
      ),
    ]
    try {
      return await main([...words, '--', ...operands])
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      err.write(`os-ipc bench: ${error.message}\n`)
      return 2
    }
  },
}
