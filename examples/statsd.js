// A statsd client over a datagram socket, and, to try it with, a server that adds up.
//   node examples/statsd.js serve PATH     until it has been told to stop
//   node examples/statsd.js count PATH NAME N
//   node examples/statsd.js stop PATH
import { unlinkSync } from 'node:fs'
import { UnixSocket } from 'os-ipc'

const [what, path, name, times] = process.argv.slice(2)

if (what === 'serve') {
  const server = UnixSocket.bind(path)
  console.log(`listening at ${server.address}`)
  const counters = new Map()
  for await (const { data } of server) {
    const line = String(data)
    if (line === 'stop') break
    const [counter, amount] = line.split(/[:|]/)
    counters.set(counter, (counters.get(counter) ?? 0) + Number(amount))
  }
  for (const [counter, sum] of counters) console.log(`${counter} ${sum}`)
  server.close()
  unlinkSync(path)
} else if (what === 'count' || what === 'stop') {
  const client = await UnixSocket.connect(path, { type: 'datagram' })
  // Many by one system call; it waits for nobody but a server whose queue is full.
  await client.sendMany(what === 'stop' ? ['stop'] : new Array(Number(times)).fill(`${name}:1|c`))
  client.close()
} else {
  console.error('usage: node examples/statsd.js serve PATH | count PATH NAME N | stop PATH')
  process.exit(2)
}
