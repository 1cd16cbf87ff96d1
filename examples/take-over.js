// A server that the next version takes over from without a connection lost: each one asks the one before for its sockets.
//   node examples/take-over.js /tmp/server.sock 'version 1' &
//   node examples/take-over.js /tmp/server.sock 'version 2' &
// Ask it: echo hello | nc -U /tmp/server.sock
import { UnixListener, UnixSocket } from 'os-ipc'

const [path, version] = process.argv.slice(2)
if (!version) {
  console.error('usage: node examples/take-over.js PATH VERSION')
  process.exit(2)
}

/** The listening sockets of the version before, if there is one. */
async function inherit() {
  let before
  try {
    before = await UnixSocket.connect(`${path}.next`, { type: 'seqpacket' })
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return undefined
    throw error
  }
  const message = await before.recv({ timeout: 5000 })
  before.close()
  return message?.fds.map((fd) => UnixListener.fromFd(fd))
}

function begin() {
  const server = UnixListener.listen(path, { onStale: 'replace' })
  return [server, UnixListener.listen(`${path}.next`, { type: 'seqpacket', onStale: 'replace' })]
}

const [server, control] = (await inherit()) ?? begin()

async function answer(socket) {
  const question = await socket.recv()
  if (question !== null) await socket.send(`${version} has heard: ${question.data}`)
  socket.close()
}

async function serve() {
  for await (const socket of server) answer(socket).catch(console.error)
}

console.log(`${version} serves`)
const serving = serve()
const next = await control.accept()
await next.send('these are yours', { fds: [server, control] })
// Who has connected and not been accepted waits in the kernel for the next version. Those that are being answered get their answers.
server.close()
control.close()
next.close()
await serving
console.log(`${version} has handed over`)
