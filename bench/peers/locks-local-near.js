// What taking and giving back costs where nobody else wants it: KIND FORM BATCH.
import { serve } from '../lib/near.js'
import { locks, properLockfile } from './locks.js'

const [kind, form, batch] = process.argv.slice(2)
const name = `os-ipc-bench-${process.pid}`
const count = Number(batch)

if (kind === 'proper-lockfile') {
  const { lock, remove } = await properLockfile(name)
  process.on('exit', remove)
  await serve(async () => {
    for (let index = 0; index < count; index += 1) await (await lock())()
  })
} else {
  const { tryTake, take, taken, remove } = locks[kind](name)
  process.on('exit', remove)
  const sync = form === 'try' ? tryTake : take
  await serve(
    form === 'await'
      ? async () => {
          for (let index = 0; index < count; index += 1) (await taken())()
        }
      : () => {
          for (let index = 0; index < count; index += 1) sync()()
        },
  )
}
