/**
 * Processes: how soon it is noticed that one has ended, of as many as end at random.
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
  ]
}
