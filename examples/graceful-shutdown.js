// A server that knows who has asked it to stop: it refuses a stranger, finishes its work, and hurries when asked again.
//   node examples/graceful-shutdown.js
//   kill PID
import { createServer } from 'node:http'
import { signals } from 'os-ipc'

const server = createServer((_request, response) => response.end('hello\n')).listen(0, '127.0.0.1')
const stops = signals.receive(['SIGTERM', 'SIGINT'])
console.log(`kill ${process.pid}`)

let asked = 0
for await (const { signal, pid, uid } of stops) {
  if (uid !== process.getuid() && uid !== 0) {
    console.log(`uid ${uid} is nobody to say so`)
    continue
  }
  console.log(`${signal} from pid ${pid}`)
  if (++asked === 2) process.exit(1)
  server.close(() => {
    console.log('every answer has been given')
    stops.close()
  })
}
