// A pool of processes: each has a channel of its own, gets the next job as soon as it is done with one, and a job that its
// worker died of is given to another. Run it with: node examples/worker-pool.js
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Channel } from 'os-ipc'

const FIRST_FREE = 3

/** In a worker: the number of primes below `job.below`. */
async function work() {
  /** @type {Channel<any>} */
  const channel = Channel.fromFd(FIRST_FREE)
  for await (const { id, below } of channel) {
    // The first worker is to have an accident.
    if (process.argv[3] === 'accident' && id === 1) process.kill(process.pid, 'SIGKILL')
    let primes = 0
    for (let n = 2; n < below; n++) {
      let divisor = 2
      while (divisor * divisor <= n && n % divisor !== 0) divisor++
      if (divisor * divisor > n) primes++
    }
    await channel.send({ id, below, primes })
  }
  channel.close()
}

/** @param {{ id: number, below: number }[]} jobs those that are left */
async function serve(jobs, accident = '') {
  const [ours, theirs] = Channel.pair({ codec: 'json' })
  const stdio = /** @type {const} */ (['ignore', 'inherit', 'inherit'])
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'work', accident], {
    stdio: [...stdio, theirs.fd],
  })
  child.unref()
  theirs.close()
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    try {
      await ours.send(job)
      const { below, primes } = /** @type {any} */ (await ours.recv())
      console.log(`${primes} primes below ${below}`)
    } catch (error) {
      console.log(`a worker was lost (${/** @type {any} */ (error).code}); another one does what it had to do`)
      jobs.unshift(job)
      ours.close()
      return serve(jobs)
    }
  }
  await ours.end()
}

if (process.argv[2] === 'work') await work()
else {
  const jobs = Array.from({ length: 8 }, (_, id) => ({ id, below: (id + 1) * 1000 }))
  const workers = Math.max(2, availableParallelism())
  await Promise.all(Array.from({ length: workers }, (_, index) => serve(jobs, index === 1 ? 'accident' : '')))
}
