import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inside } from '../support/inside.js'
import { turnFor, within } from './harness/time.js'

const { cleanup } = inside['registry.js']

/** Keys of sets that are being made, or were: see core/src/lock/object.rs. */
const [FIRST_KEY, LAST_KEY] = [0x80_0000, 0xff_ffff]

function sets() {
  const [, ...lines] = readFileSync('/proc/sysvipc/sem', 'utf8').trim().split('\n')
  const keys = lines.map((line) => Number(line.trim().split(/\s+/)[0]))
  return keys.filter((key) => key >= FIRST_KEY && key <= LAST_KEY).length
}

export default {
  id: 'S7',
  campaign: 'kill',
  promise: 'openers and unlinkers killed at any moment leave a name that opens, and no semaphores without one',
  fits: (kind) => kind.holds !== undefined,
  short: 1500,
  // It counts what the whole system has.
  alone: true,

  roles: {
    async openAndUnlinkForEver({ holds }, context) {
      for (let i = 0; ; i++) {
        const handle = holds.open(context.data)
        const guard = await holds.ways[holds.alone[0]](handle, { timeout: 1000 }).catch((error) => {
          if (!['EIDRM', 'ETIMEDOUT'].includes(error.code)) throw error
        })
        guard?.unlock()
        handle.close()
        if (i === 0) context.tell('begun')
        try {
          if (context.random.chance(0.5)) holds.unlink(context.data)
        } catch (error) {
          if (error.code !== 'ENOENT') throw error
        }
      }
    },
  },

  async run({ holds }, context) {
    const name = holds.newName()
    context.defer(() => holds.drop(name))
    const figures = { kills: 0, swept: 0 }
    cleanup()
    const before = sets()
    while (context.goesOn()) {
      const victims = [0, 1, 2].map(() => context.start('openAndUnlinkForEver', name, { ends: { signal: 'SIGKILL' } }))
      await Promise.all(victims.map((victim) => victim.told()))
      await turnFor(context.random.float() * 10)
      for (const victim of victims) {
        victim.kill('SIGKILL')
        await turnFor(context.random.float())
      }
      for (const victim of victims) await victim.done()
      const handle = holds.open(name)
      const way = holds.ways[holds.alone[0]]
      const guard = await within(5000, 'taking it after the kills', way(handle, { timeout: 2000 }))
      guard.unlock()
      figures.swept += cleanup().filter(({ kind }) => kind === 'lock').length
      // What stands there by its name is never swept.
      ;(await way(handle, { timeout: 0 })).unlock()
      handle.close()
      holds.unlink(name)
      assert.equal(sets(), before, 'semaphores without a name')
      figures.kills += victims.length
      context.round()
    }
    return figures
  },
}
