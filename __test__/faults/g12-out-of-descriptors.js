import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { descriptorList } from './harness/proc.js'
import { turn } from './harness/time.js'

/** So few that all of them can be taken quickly, and more than the runtime has open while it loads the package. */
const LIMIT = 256

export default {
  id: 'G12',
  campaign: 'limits',
  promise: 'without a descriptor left every step fails with EMFILE, leaves nothing half made, and works again later',
  short: 800,

  roles: {
    /** Leaves the process so many descriptors, and does in it all that one does for the first time. */
    async step(kind, context) {
      // What the runtime itself opens to make and show an error.
      await import('./no-such-module.js').catch(() => {})
      const failed = []
      const attempt = async (name, action) => {
        try {
          return await action()
        } catch (error) {
          assert.equal(error.code, 'EMFILE', `${name}: ${error.stack}`)
          assert.equal(typeof error.errno, 'number')
          assert.equal(typeof error.syscall, 'string')
          failed.push(name)
          return undefined
        }
      }
      const before = open()
      const fillers = takeAll()
      const giveBack = (count = fillers.length) => fillers.splice(0, count).forEach(closeSync)
      giveBack(context.data.left)

      const ends = await attempt('open', () => kind.open(context))
      if (ends === undefined) {
        giveBack()
        assert.deepEqual(open(), before, 'descriptors that a failed open has kept')
        assert.deepEqual(readdirSync(context.scratch), [], 'names that a failed open has left')
      } else {
        const waits = attempt('recv', () => kind.receives.recv(ends.receiver, {}))
        await attempt('send', () => kind.send(ends.sender, kind.encode(1)))
        const copy = await attempt('dup', () => kind.another?.(ends.receiver))
        copy?.close()
        // A wait may fail a little later.
        await turn()
        giveBack()
        // What has failed has done nothing, and works now.
        if (failed.includes('send')) await kind.send(ends.sender, kind.encode(1))
        const numbers = failed.includes('recv') ? kind.receives.recv(ends.receiver, { timeout: 5000 }) : waits
        assert.deepEqual(await numbers, [1])
        ends.close()
      }

      const again = await kind.open(context)
      const waits = kind.receives.recv(again.receiver, {})
      await kind.send(again.sender, kind.encode(3))
      assert.deepEqual(await waits, [3])
      again.close()
      return failed
    },
  },

  async run(kind, context) {
    const figures = { processes: 0, stepsRefused: 0 }
    /** @type {Set<string>} */
    const seen = new Set()
    const prefix = ['sh', '-c', `ulimit -n ${LIMIT} && exec "$0" "$@"`]
    const everything = ['open', 'recv', 'send', 'dup']
    do {
      for (let left = 0, failed = everything; failed.length > 0; left++) {
        failed = await context.start('step', { left }, { prefix, stderr: 'pipe' }).done()
        for (const step of failed) seen.add(step)
        figures.stepsRefused += failed.length
        context.round()
      }
    } while (context.goesOn())
    figures.processes = context.rounds
    const shown = seen.has('open') || (kind.descriptors === false && seen.has('recv'))
    assert.ok(shown, 'nothing that needs a descriptor has failed')
    return figures
  },
}

/** Takes every descriptor that is left. */
function takeAll() {
  const taken = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch (error) {
    assert.equal(error.code, 'EMFILE')
  }
  return taken
}

/** What is open, except for what tells this environment of readiness: that is made once and stays. */
function open() {
  return descriptorList().filter((entry) => !/anon_inode:\[(eventpoll|eventfd|signalfd)\]|this list's own/.test(entry))
}
