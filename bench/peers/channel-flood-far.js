// Sends without end.
import { Channel } from '../../index.js'

const channel = Channel.fromFd(3)
const message = Buffer.alloc(Number(process.argv[2]), 7)
try {
  for (;;) if (!channel.trySend(message)) await channel.send(message)
} catch {
  process.exit()
}
