// What one send and one receive cost in a single process, where nobody waits.
import { SysvMessageQueue } from '../../index.js'
import { job } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { size, batch } = job()
const queue = SysvMessageQueue.open('private')
process.on('exit', () => queue.remove())
const message = Buffer.alloc(size, 7)

await serve(() => {
  for (let index = 0; index < batch; index += 1) {
    queue.trySend(message)
    if (queue.tryRecv()?.data.length !== size) throw new Error('a message has not come')
  }
})
