/** What the campaigns of rows are to reach. The page about trust shows it beside what they have reached. */

/** @param {any[]} rows @param {(row: any) => number} value */
const sum = (rows, value) => rows.reduce((total, row) => total + value(row), 0)
/** @param {any[]} rows @param {string} name of a fault */
const of = (rows, name) => rows.filter((row) => row.name === name)

/** Each of their cycles starts a process, which takes as long as a thousand of the others'. */
const PROCESSES = new Set(['process', 'spawn', 'worker-pool'])

const kills = ({ figures }) =>
  sum(
    Object.entries(figures).filter(([name]) => name.startsWith('kills')),
    ([, count]) => count,
  )

/** @type {Record<string, import('../../../scripts/support/trust/campaigns.js').Goal[]>} */
export const goals = {
  kill: [{ goal: 'processes killed', target: 10_000, reached: (rows) => sum(rows, kills) }],
  cancel: [
    {
      goal: 'waits raced by an abort, a timeout, a close or the end of their worker',
      target: 1_000_000,
      reached: (rows) => sum(rows, ({ figures }) => figures.races ?? 0),
    },
  ],
  leak: [
    {
      goal: 'cycles of opening and closing of each class that starts no process for it (of the one that had fewest)',
      target: 100_000,
      reached: (rows) => {
        const cheap = of(rows, 'l01-cycles').filter((row) => !PROCESSES.has(row.class))
        const tried = cheap.map(({ figures }) => figures.cycles ?? 0)
        return tried.length === 0 ? 0 : Math.min(...tried)
      },
    },
    {
      goal: 'workers terminated with waits pending',
      target: 10_000,
      reached: (rows) => sum(of(rows, 'g08-worker-terminate'), ({ rounds }) => rounds),
    },
    {
      goal: 'children started while handles open and close',
      target: 10_000,
      reached: (rows) => sum(of(rows, 'g11-children-inherit-nothing'), ({ figures }) => figures.children ?? 0),
    },
  ],
}
