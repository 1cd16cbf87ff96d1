// Reads its settings again on SIGHUP, and logs who asked for that.
//   node examples/reload-on-hangup.js settings.json
//   kill -HUP PID
import { readFileSync } from 'node:fs'
import { signals } from 'os-ipc'

const [path] = process.argv.slice(2)
if (path === undefined) {
  console.error('usage: node examples/reload-on-hangup.js FILE')
  process.exit(2)
}

const nameOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'a process that has gone'
  }
}
const load = () => console.log('settings:', JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))))

const hangups = signals.receive('SIGHUP')
load()
console.log(`kill -HUP ${process.pid}`)
for await (const { pid, uid } of hangups) {
  console.log(`reload, asked for by ${nameOf(pid)} (pid ${pid}, uid ${uid})`)
  load()
}
