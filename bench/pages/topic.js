/**
 * One to many: messages to all subscribers of a topic, up to the acknowledgement of each, beside a process.send to each of as
 * many children.
 */
import { script } from '../lib/session.js'
import { sum } from '../lib/stats.js'

/** Messages up to the acknowledgements: so many that their round trips do not show. */
const BATCH = 5_000
const SIZE = 64

/** @param {import('../lib/settings.js').Settings} settings @returns {import('../lib/group.js').Group[]} */
export function groups({ quick }) {
  return (quick ? [4] : [1, 4]).map(toSubscribers)
}

/** @param {number} count @returns {import('../lib/group.js').Group} */
function toSubscribers(count) {
  const figure = 'published'
  const job = ['throughput', SIZE, BATCH, count]
  const EVENTS = 'events of the loop'
  const [publish, sync, advanced] = ['Topic, publish', 'Topic, publishSync', 'process.send advanced, to each']
  return {
    name: `topic, ${count} subscriber${count === 1 ? '' : 's'}`,
    size: `${SIZE} B`,
    pinning: 'a CPU each',
    metrics: [{ figure, unit: 'messages/s', of: ({ ns }) => (ns.length * BATCH) / (sum(ns) / 1e9) }],
    contenders: [
      {
        name: publish,
        waits: 'awaited; recv there',
        ours: true,
        command: () => script('topic-near.js', ...job, 'publish'),
      },
      { name: sync, waits: 'sync; recv there', ours: true, command: () => script('topic-near.js', ...job, 'sync') },
      { name: advanced, waits: EVENTS, command: () => script('process-send-many-near.js', ...job, 'advanced') },
      {
        name: 'process.send json, to each',
        waits: EVENTS,
        command: () => script('process-send-many-near.js', ...job, 'json'),
      },
    ],
    targets: [{ figure, ours: publish, peer: advanced, than: '>=', ratio: 1 }],
  }
}
