// Has any process end, not only a child: asks, waits, and insists after five seconds. Another process that gets its number
// meanwhile is never hit.
//   node examples/stop-process.js PID
import { ProcessHandle } from 'os-ipc'

const pid = Number(process.argv[2])
if (!(pid > 0)) {
  console.error('usage: node examples/stop-process.js PID')
  process.exit(2)
}
const target = ProcessHandle.open(pid)
console.log(`process ${pid}, started by ${target.parentPid} at ${target.startTime.toISOString()}`)
target.send('SIGTERM')
let status
try {
  status = await target.exited({ timeout: 5000 })
} catch (error) {
  if (error.code !== 'ETIMEDOUT') throw error
  target.send('SIGKILL')
  status = await target.exited()
}
if (status === null) console.log('it has ended')
else console.log(status.signal ? `it was ended by ${status.signal}` : `it has exited with ${status.code}`)
target.close()
