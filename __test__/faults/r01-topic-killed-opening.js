import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Topic } from '../../index.js'
import native from '../../lib/load.js'

/** Steps of making a topic: see core/src/topic/file.rs. */
const POINTS = ['topic-made', 'topic-filled']

export default {
  id: 'R1',
  campaign: 'kill',
  promise: 'killed while it makes a topic: nothing of that stands there, and whoever comes next makes it whole',
  faultInject: true,
  fits: (kind) => kind.name === 'topic',
  short: 500,

  roles: {
    async opens(_kind, context) {
      const { path, point } = context.data
      native.faultArm(`kill ${point}`)
      Topic.open(path, { capacity: 4096 })
      context.tell('opened')
    },
  },

  async run(_kind, context) {
    const figures = { kills: 0 }
    while (context.goesOn()) {
      for (const point of POINTS) {
        const path = context.path()
        await context.start('opens', { path, point }, { ends: { signal: 'SIGKILL' } }).done()
        assert.equal(existsSync(path), false, point)
        assert.deepEqual(readdirSync(dirname(path)), [], point)
        const topic = Topic.open(path, { capacity: 4096 })
        const subscription = await topic.subscribe()
        await topic.publish('whole')
        assert.equal(String(await subscription.recv()), 'whole')
        topic.close()
        Topic.unlink(path)
        figures.kills++
      }
      context.round()
    }
    return figures
  },
}
