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

/** The largest of a figure of these rows, or undefined where none has it. @param {any[]} rows @param {string} figure */
const most = (rows, figure) => {
  const found = rows.flatMap(({ figures }) => (figures[figure] === undefined ? [] : [Number(figures[figure])]))
  return found.length === 0 ? undefined : Math.max(...found)
}

/** @type {Record<string, import('../../../scripts/support/trust/campaigns.js').Goal[]>} */
export const goals = {
  kill: [
    { goal: 'processes killed', target: 10_000, reached: (rows) => sum(rows, kills) },
    {
      goal: 'messages that came meanwhile, each of them the one that was to come',
      target: 1_000_000_000,
      reached: (rows) => sum(rows, ({ figures }) => (figures.messages ?? 0) + (figures.received ?? 0)),
    },
    {
      goal: 'milliseconds until a death is noticed, and what came before it received (99 of 100, of the slowest row)',
      target: 10,
      atMost: true,
      reached: (rows) => most(rows, 'noticeP99Ms'),
    },
  ],
  cancel: [
    {
      goal: 'waits raced by an abort, a timeout, a close or the end of their worker',
      target: 1_000_000,
      reached: (rows) => sum(rows, ({ figures }) => figures.races ?? 0),
    },
  ],
  hostile: [
    {
      goal: 'hours that an enemy has written over the memory of a channel',
      target: 1,
      reached: (rows) => sum(of(rows, 'r04-hostile-peer'), ({ seconds }) => seconds) / 3600,
    },
  ],
  limits: [
    {
      goal: 'processes that make the same thousand names at once',
      target: 100,
      reached: (rows) => most(of(rows, 'o01-one-creator'), 'racersMost'),
    },
    {
      goal: 'milliseconds that a timer is late under a flood of messages (99 of 100)',
      target: 20,
      atMost: true,
      reached: (rows) => most(of(rows, 'r10-flood'), 'lagP99Ms'),
    },
    {
      goal: 'bytes for each of up to a million waits on one handle (of the class with most)',
      target: 1024,
      atMost: true,
      reached: (rows) => most(of(rows, 'g16-millions-pending'), 'bytesEach'),
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
      goal: 'bytes that memory has grown for each cycle (of the class with most, once it is warm)',
      target: 1,
      atMost: true,
      reached: (rows) => most(of(rows, 'l01-cycles'), 'bytesEach'),
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
    {
      goal: 'percent of a processor that waiting costs while nothing happens (of the class that costs most)',
      target: 0.1,
      atMost: true,
      reached: (rows) => most(of(rows, 'g19-idle'), 'idlePercent'),
    },
  ],
}
