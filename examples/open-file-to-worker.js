// Opens files and passes them, open, to a worker process that could not open them itself: it never hears a name.
//   node examples/open-file-to-worker.js FILE...
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, openSync } from 'node:fs'
import { UnixSocket } from 'os-ipc'

if (process.argv[2] === '--worker') {
  const socket = UnixSocket.fromFd(3)
  for await (const { fds } of socket) {
    let lines = 0
    // It closes the descriptor, which is ours from here on.
    for await (const chunk of createReadStream('', { fd: fds[0] }))
      for (const byte of chunk) lines += byte === 10 ? 1 : 0
    await socket.send(String(lines))
  }
  socket.close()
} else {
  const [here, there] = UnixSocket.pair('seqpacket')
  const worker = spawn(process.execPath, [import.meta.filename, '--worker'], {
    stdio: ['ignore', 'inherit', 'inherit', there.fd],
  })
  there.close()
  for (const name of process.argv.slice(2)) {
    const fd = openSync(name)
    await here.send('count', { fds: [fd] })
    closeSync(fd)
    const answer = await here.recv()
    console.log(
      `${answer?.data} lines in ${name}, counted by ${answer?.credentials?.pid === worker.pid ? 'the worker' : 'a stranger'}`,
    )
  }
  here.close() // the worker's loop ends
  await once(worker, 'exit')
}
