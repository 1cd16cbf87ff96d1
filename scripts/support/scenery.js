/**
 * One of each, with something going on: what the pictures of `os-ipc ls` and `os-ipc watch` show. Makes the file of its argument when
 * all is there, and ends with its terminal.
 */
import { writeFileSync } from 'node:fs'
import {
  Channel,
  Fifo,
  Mutex,
  PosixMessageQueue,
  PosixSemaphore,
  SharedMemory,
  SysvMessageQueue,
  SysvSemaphoreSet,
  Topic,
  UnixListener,
} from '../../index.js'

const jobs = PosixMessageQueue.open('/jobs', { create: true, maxMessages: 10, maxMessageSize: 256 })
for (const job of ['resize', 'upload', 'notify']) jobs.trySend(job)
const reports = SysvMessageQueue.open(0x5e1f, { create: true })
reports.trySend('all is well')
const handles = [
  jobs,
  reports,
  PosixSemaphore.open('/printers', { create: true, value: 2 }),
  SharedMemory.open('/frames', { create: true, size: 8 << 20 }),
  SharedMemory.sysv(0xcafe, { create: true, size: 65_536 }),
  SysvSemaphoreSet.open(0xbeef, { create: true, values: [2, 1] }),
  Mutex.open('ledger'),
  UnixListener.listen('/run/app.sock'),
]
Fifo.create('/tmp/mailbox')
const prices = Topic.open('@prices')
const subscription = await prices.subscribe()
const [here, there] = Channel.pair()
const began = performance.now()
let sent = 0
setInterval(() => {
  for (const due = (performance.now() - began) * 25; sent < due; sent++) {
    here.trySend(Buffer.alloc(100))
    there.tryRecv()
    if (sent % 20 === 0) prices.tryPublish(Buffer.alloc(48))
  }
  while (subscription.tryRecv() !== undefined);
}, 5)
// Nobody else would keep them open.
process.on('exit', () => handles.map((handle) => handle.close()))
writeFileSync(process.argv[2], '')
