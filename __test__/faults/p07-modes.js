import assert from 'node:assert/strict'
import { statSync } from 'node:fs'

export default {
  id: 'P7',
  campaign: 'hostile',
  promise: 'the mode asked for, less the umask, and nothing else; without being asked, for its owner alone',
  fits: (kind) => kind.create !== undefined,
  short: 300,

  async run(kind, context) {
    const umasks = [0, 0o077, 0o022, 0o027, 0o777]
    const modes = [undefined, 0, 0o600, 0o644, 0o666, 0o620, 0o777]
    const before = process.umask()
    while (context.goesOn()) {
      const umask = context.random.pick([...umasks, context.random.integer(0, 0o777)])
      const mode = context.random.pick([...modes, context.random.integer(0, 0o777)])
      process.umask(umask)
      const path = context.path()
      const made = kind.create(path, mode === undefined ? {} : { mode })
      assert.equal(
        statSync(path).mode & 0o7777,
        (mode ?? 0o600) & ~umask,
        `mode ${mode?.toString(8)}, umask ${umask.toString(8)}`,
      )
      made.unlink()
      process.umask(before)
      context.round()
    }
    return { made: context.rounds }
  },
}
