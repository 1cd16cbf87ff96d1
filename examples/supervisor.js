// Four workers that a supervisor keeps going: each holds the listening socket and a channel home. One that dies is replaced;
// SIGHUP has them replaced one after the other, each only when the next one serves, so that no connection is refused.
//   node examples/supervisor.js 4 @supervisor
//   kill -HUP PID
import { fileURLToPath } from 'node:url'
import { Channel, inherited, ProcessHandle, select, signals, spawn, UnixListener, UnixSocket } from 'os-ipc'

/** In a worker: answers whoever connects, until it is told to retire. */
async function work() {
  const door = inherited('door')
  const home = inherited('home')
  await home.send({ ready: process.pid })
  for (;;) {
    const [what, value] = await select({ door, home }).catch(() => ['home', null])
    // The supervisor has gone, or wants this one to.
    if (what === 'home') break
    await value.send(`served by ${process.pid}`)
    value.close()
  }
  await home.end()
  door.close()
}

class Supervisor {
  /** @type {Map<number, { process: ProcessHandle, home: Channel }>} */
  workers = new Map()

  constructor(door, size) {
    this.door = door
    this.size = size
  }

  /** Starts one, and waits until it serves. */
  async hire() {
    const [home, theirs] = Channel.pair({ codec: 'json' })
    const { pid } = spawn(process.execPath, [fileURLToPath(import.meta.url), 'work'], {
      stdio: 'inherit',
      handles: { door: this.door, home: theirs },
    })
    this.workers.set(pid, { process: ProcessHandle.open(pid), home })
    if ((await home.recv({ timeout: 10_000 })) === null) throw new Error('a worker went before it was ready')
    return pid
  }

  /** Lets one finish what it is at, and sees it out. */
  async retire(pid) {
    const { process, home } = this.workers.get(pid)
    this.workers.delete(pid)
    await home.end().catch(() => {})
    await process.exited()
    process.close()
  }

  async reload() {
    for (const pid of [...this.workers.keys()]) {
      await this.hire()
      await this.retire(pid)
    }
  }

  /** Whichever comes first: a signal, or the end of a worker. */
  async run() {
    const requests = signals.receive(['SIGHUP', 'SIGTERM', 'SIGINT'])
    for (let i = 0; i < this.size; i++) await this.hire()
    console.log(`${this.size} workers at ${this.door.address}, kill -HUP ${process.pid}`)
    for (;;) {
      const ends = Object.fromEntries([...this.workers].map(([pid, worker]) => [pid, worker.process]))
      const [what, value] = await select({ requests, ...ends })
      if (what !== 'requests') {
        console.log(`worker ${what} ended (${value?.signal ?? value?.code}), another one takes its place`)
        await this.retire(Number(what))
        await this.hire()
      } else if (value.signal === 'SIGHUP') {
        await this.reload()
        console.log('reloaded')
      } else break
    }
    await Promise.all([...this.workers.keys()].map((pid) => this.retire(pid)))
    console.log('all workers have ended')
    requests.close()
    this.door.close()
  }
}

const [first, address = `@supervisor-${process.pid}`] = process.argv.slice(2)
if (first === 'work') await work()
else if (first === 'ask') {
  const socket = await UnixSocket.connect(address)
  console.log(String((await socket.recv()).data))
  socket.close()
} else await new Supervisor(UnixListener.listen(address), Number(first ?? 4)).run()
