/**
 * Processes: how soon it is noticed that one has ended, of as many as end at random; and what it costs to start one that is
 * given handles.
 */
import { compile } from '../lib/compile.js'
import { script } from '../lib/session.js'
import { percentile } from '../lib/stats.js'

/** @param {import('../lib/settings.js').Settings} settings @returns {import('../lib/group.js').Group[]} */
export function groups(settings) {
  const count = settings.quick ? 100 : 1000
  const p99 = 'end noticed after, p99'
  const [ours, program] = ['ProcessHandle.exited', 'C epoll of pidfds']
  return [
    {
      name: `processes, ${count} that end at random`,
      size: `${count} processes`,
      pinning: 'one CPU',
      maxCount: count,
      metrics: [
        { figure: 'end noticed after, p50', unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 },
        { figure: p99, unit: 'µs', of: ({ ns }) => percentile(ns, 0.99) / 1000 },
      ],
      contenders: [
        {
          name: ours,
          waits: 'awaited, parked in the event loop',
          ours: true,
          command: () => script('process-near.js', compile('process_ends')),
        },
        { name: program, waits: 'parked in epoll_wait', command: () => [compile('process_ends')] },
      ],
      targets: [{ figure: p99, ours, peer: program, than: '<=', ratio: 5 }],
    },
    starting(),
  ]
}

/** @returns {import('../lib/group.js').Group} */
function starting() {
  const figure = 'started and seen out, p50'
  const waits = 'awaited, parked in the event loop'
  const [ours, same] = ['spawn, 8 handles', "Node's spawn, 8 descriptors"]
  return {
    name: 'processes, started with handles',
    size: '8 descriptors',
    pinning: 'one CPU',
    maxCount: 200,
    metrics: [{ figure, unit: 'µs', of: ({ ns }) => percentile(ns, 0.5) / 1000 }],
    contenders: [
      { name: ours, waits, ours: true, command: () => script('spawn-near.js', 'ours', 8) },
      { name: same, waits, command: () => script('spawn-near.js', 'node', 8) },
      { name: "Node's spawn, none", waits, command: () => script('spawn-near.js', 'node', 0) },
    ],
    targets: [{ figure, ours, peer: same, than: '<=', ratio: 1.1 }],
  }
}
