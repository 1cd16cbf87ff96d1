// What sending and receiving cost in a single process, where nobody waits: copied, where it stands, or nothing there.
import { Channel } from '../../index.js'
import { job } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { size, batch, rest } = job()
const [here, there] = Channel.pair()
const message = Buffer.alloc(size, 7)
let seen = 0

const forms = {
  copy() {
    for (let index = 0; index < batch; index += 1) {
      here.trySend(message)
      seen += there.tryRecv()?.length ?? 0
    }
  },
  view() {
    for (let index = 0; index < batch; index += 1) {
      here.trySend(message)
      const borrowed = there.tryBorrow()
      seen += borrowed?.bytes.length ?? 0
      borrowed?.release()
    }
  },
  nothing() {
    for (let index = 0; index < batch; index += 1) if (there.tryRecv() === undefined) seen += size
  },
}
const form = forms[/** @type {keyof forms} */ (rest[0])]

await serve(() => {
  form()
  if (seen !== batch * size) throw new Error(`${seen} bytes came of ${batch * size}`)
  seen = 0
})
