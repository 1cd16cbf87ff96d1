import assert from 'node:assert/strict'
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fifo, PipeWriter } from '../../index.js'

const SECRET = 'not to be written to'
/** What an open may say of a path at which something else stands at every moment. */
const REFUSALS = new Set(['ELOOP', 'ENOENT', 'ERR_INVALID_ARG_VALUE', 'ENOTDIR', 'EEXIST'])

export default {
  id: 'P6',
  campaign: 'hostile',
  promise: 'a path that is exchanged all the time for a link, a file or another folder: nothing but a FIFO is opened',
  fits: (kind) => kind.named,

  roles: {
    /** Exchanges what stands at the path, as fast as it can, until it is told to stop. */
    async exchange(_kind, context) {
      const { path, folder, victim } = context.data
      let stopped = false
      context.heard().then(() => {
        stopped = true
      })
      const spare = join(folder, 'spare')
      let count = 0
      const held = []
      const things = {
        // Somebody reads at its other side, so that it can be opened and written to at once.
        fifo() {
          Fifo.create(spare)
          held.push(openSync(spare, constants.O_RDWR | constants.O_NONBLOCK))
          if (held.length > 32) closeSync(held.shift())
        },
        link: () => symlinkSync(victim, spare),
        file: () => writeFileSync(spare, SECRET),
        linkToFifo: () => symlinkSync(join(folder, 'other'), spare),
      }
      context.tell('begun')
      while (!stopped) {
        for (let i = 0; i < 50; i++, count++) {
          things[context.random.pick(['fifo', 'link', 'link', 'file', 'linkToFifo'])]()
          renameSync(spare, path)
          if (context.random.chance(0.1)) {
            // The folder too.
            renameSync(folder, `${folder}-away`)
            renameSync(`${folder}-away`, folder)
          }
        }
        await new Promise(setImmediate)
      }
      return count
    },
  },

  async run(_kind, context) {
    const folder = context.path()
    mkdirSync(folder)
    const victim = `${folder}-victim`
    writeFileSync(victim, SECRET)
    const path = join(folder, 'fifo')
    const other = Fifo.create(join(folder, 'other'))
    const attacker = context.start('exchange', { path, folder, victim })
    await attacker.told()
    const fifo = Fifo.at(path)
    const figures = { opens: 0, opened: 0, written: 0, refused: 0 }
    // The other process may have come to nothing yet.
    while (context.goesOn() || figures.refused === 0 || figures.written === 0) {
      const options = { timeout: context.random.integer(0, 2) }
      const opening = context.random.chance(0.7) ? fifo.openWriter(options) : fifo.openReader(options)
      try {
        const end = await opening
        figures.opened++
        if (end instanceof PipeWriter) figures.written += end.trySend('written')
        end.close()
      } catch (error) {
        assert.ok(REFUSALS.has(error.code) || error.code === 'ETIMEDOUT', error.stack)
        if (error.code !== 'ETIMEDOUT') figures.refused++
      }
      // Nor does anything else touch what is no FIFO.
      try {
        const made = context.random.chance(0.5)
        if (made) Fifo.create(path, { exclusive: false })
        else if (context.random.chance(0.2)) fifo.unlink()
      } catch (error) {
        assert.ok(REFUSALS.has(error.code), error.stack)
      }
      figures.opens++
      context.round()
    }
    attacker.say('stop')
    figures.exchanges = await attacker.done()
    assert.equal(readFileSync(victim, 'utf8'), SECRET, 'the victim was written to')
    await assert.rejects(other.openWriter({ timeout: 0 }), { code: 'ETIMEDOUT' })
    rmSync(folder, { recursive: true })
    return figures
  },
}
