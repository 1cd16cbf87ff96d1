// What one send and one receive cost in a single process, where nobody waits: by os-ipc, or by fs on the same pipe.
import { readSync, writeSync } from 'node:fs'
import { pipe } from '../../index.js'
import { job } from '../lib/far.js'
import { serve } from '../lib/near.js'

const { size, batch, rest } = job()
const { reader, writer } = pipe()
const message = Buffer.alloc(size, 7)
const target = Buffer.alloc(size)
let seen = 0

await serve(
  rest[0] === 'fs'
    ? () => {
        for (let index = 0; index < batch; index += 1) {
          writeSync(writer.fd, message)
          seen += readSync(reader.fd, target)
        }
        check()
      }
    : () => {
        for (let index = 0; index < batch; index += 1) {
          writer.trySend(message)
          seen += reader.tryRecv()?.length ?? 0
        }
        check()
      },
)

function check() {
  if (seen !== batch * size) throw new Error(`${seen} bytes came of ${batch * size}`)
  seen = 0
}
