// Realtime signals from a C program, received by os-ipc: the batch that was asked for, as the form says.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { signals } from '../../index.js'
import { serve } from '../lib/near.js'
import { pinned } from '../lib/pin.js'

const [program, form, words] = process.argv.slice(2)
const batch = Number(words)
const receiver = signals.receive('SIGRTMIN+2')
const far = spawn(...pinned(process.env.BENCH_FAR_CPU ?? '', [program, 'far']), {
  stdio: ['ignore', 'pipe', 'inherit'],
})
await once(far.stdout, 'data')
const pid = /** @type {number} */ (far.pid)

/** @param {number | undefined} value @param {number} index */
function check(value, index) {
  if (value !== index) throw new Error(`${value} has come in the place of ${index}`)
}

await serve(
  form === 'sync'
    ? () => {
        signals.send(pid, 'SIGRTMIN+1', { value: batch })
        for (let index = 0; index < batch; index += 1) check(receiver.recvSync().value, index)
      }
    : async () => {
        signals.send(pid, 'SIGRTMIN+1', { value: batch })
        for (let index = 0; index < batch; index += 1) check((await receiver.recv()).value, index)
      },
)
