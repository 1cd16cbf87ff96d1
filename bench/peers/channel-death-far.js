// Says that it is there, and waits to be killed.
import { Channel } from '../../index.js'

const channel = Channel.fromFd(3)
await channel.send('here')
await channel.recv()
