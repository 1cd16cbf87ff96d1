// A worker process tells how far it is by realtime signals: an integer each, in order, with no pipe between.
//   node examples/progress-by-signal.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { signals } from 'os-ipc'

if (process.argv[2] === 'work') {
  for (let percent = 0; percent <= 100; percent += 20) {
    // Here it would do a fifth of the work.
    signals.send(process.ppid, 'SIGRTMIN+1', { value: percent })
  }
} else {
  const progress = signals.receive('SIGRTMIN+1')
  const worker = spawn(process.execPath, [process.argv[1], 'work'], { stdio: 'inherit' })
  const ended = once(worker, 'exit')
  for await (const { pid, value } of progress) {
    if (pid === worker.pid) console.log(`${value} %`)
    if (value === 100) break
  }
  await ended
  progress.close()
}
