/** The other process of the conformance suite: does what its first word says with the end that it was given. */
import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { received } from '../support/received.js'
import { numbered } from './numbered.js'
import { transports } from './transports.js'

const [name, role, ...words] = process.argv.slice(2)
const row = transports.find((transport) => transport.name === name)
const [handle] = received()
const end = row?.sends?.(handle) ?? handle

/** @type {Record<string, () => Promise<void>>} */
const roles = {
  async 'send numbers'() {
    for (let i = 0; i < Number(words[0]); i++) await end.send(numbered(i))
  },
  /** With pauses of every kind, so that they arrive at any moment. */
  async 'send numbers with pauses'() {
    for (let i = 0; i < Number(words[0]); i++) {
      const until = performance.now() + Math.random() * 0.2
      while (performance.now() < until);
      if (i % 7 === 0) await turn()
      await end.send(numbered(i))
    }
  },
  async 'send after a while'() {
    process.stdout.write('ready')
    await new Promise((resolve) => setTimeout(resolve, 100))
    await end.send('late')
  },
  /** Begins when it is told to, and reports how much there was. */
  async 'receive all when told'() {
    process.stdout.write('ready')
    for await (const _line of process.stdin) break
    await roles['receive all']()
    process.exit()
  },
  async 'receive all'() {
    const hash = createHash('sha256')
    let bytes = 0
    let messages = 0
    for await (const message of end) {
      const data = row?.data(message) ?? Buffer.alloc(0)
      hash.update(data)
      bytes += data.length
      if (++messages === Number(words[0])) break
    }
    process.stdout.write(JSON.stringify({ bytes, messages, hash: hash.digest('hex') }))
  },
  /** Leaves the event loop to decide how long this process lives. */
  async idle() {
    process.stdout.write('ready')
  },
  async wait() {
    end.recv().catch(() => {})
    process.stdout.write('ready')
  },
  async 'wait, then unref'() {
    end.recv().catch(() => {})
    end.recv({ timeout: 60_000 }).catch(() => {})
    end.unref()
    process.stdout.write('ready')
  },
  async 'unref, then ref and wait'() {
    end.unref()
    end.recv().then((/** @type {any} */ message) => process.stdout.write(String(row?.data(message))))
    end.ref()
    process.stdout.write('ready')
  },
  async 'close while waiting'() {
    end.recv().catch((/** @type {any} */ error) => process.stdout.write(error.code))
    setImmediate(() => end.close())
  },
}

await roles[role]()
