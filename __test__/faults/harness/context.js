/** What a role has at hand: the time that it may take, chance, a folder, other processes and workers. */
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { threadId, Worker } from 'node:worker_threads'
import { gather } from '../../../scripts/support/trust/rows.js'
import { peers } from '../peers.js'
import { Child } from './child.js'
import { Random } from './random.js'

/**
 * @typedef {object} Spec
 * @property {string} fault the name of its file
 * @property {string} kind the name of its class's file
 * @property {string} folder where the fault is
 * @property {string} classes where the class is
 * @property {string} role
 * @property {number} seed
 * @property {number} ms how long to go on
 * @property {string} scratch a folder of this row's own
 * @property {any} [data]
 * @property {any} [parcel] what its end is made of
 * @property {'sender' | 'receiver'} [side]
 */

/** @param {Spec} spec @param {Context} context */
export async function roleOf(spec, context) {
  const { default: fault } = await import(new URL(`${spec.fault}.js`, spec.folder).href)
  const { default: kind } = await import(new URL(`${spec.kind}.js`, spec.classes).href)
  context.kind = kind
  if (spec.parcel !== undefined) context.near = await kind.join(spec.parcel, spec.side)
  return spec.role === 'run' ? fault.run : (fault.roles?.[spec.role] ?? peers[spec.role])
}

export class Context {
  /** @type {Array<() => unknown>} */
  #deferred = []
  #lines
  #ears
  #paths = 0
  #met = 0
  #before = 0
  #deadline
  #tell

  /** @param {Spec} spec @param {(value: any) => void} tell @param {NodeJS.ReadableStream} [ears] what it is told by, line by line */
  constructor(spec, tell, ears = process.stdin) {
    this.spec = spec
    this.#tell = tell
    this.#ears = ears
    this.random = new Random(spec.seed)
    this.ms = spec.ms
    /** There is time for the full numbers of a campaign, and not only for a look. */
    this.long = spec.ms >= 10_000
    this.scratch = spec.scratch
    this.data = spec.data
    this.rounds = 0
    this.kind = undefined
    /** This process's end of what `meet` has made, in a peer. @type {any} */
    this.near = undefined
    this.#deadline = performance.now() + spec.ms
  }

  /** Whether there is time for one more round. There is for the first. */
  goesOn() {
    return this.rounds === this.#before || performance.now() < this.#deadline
  }

  /**
   * Runs several parts one after the other, each for its share of the time, and puts their figures together.
   * @template T
   * @param {T[]} parts
   * @param {(part: T) => Promise<Record<string, any> | void>} run
   */
  async shareOut(parts, run) {
    const end = this.#deadline
    const figures = {}
    for (const [done, part] of parts.entries()) {
      const now = performance.now()
      this.#deadline = now + (end - now) / (parts.length - done)
      this.#before = this.rounds
      gather(figures, (await run(part)) ?? {})
    }
    return figures
  }

  /** One more round has been done. */
  round(count = 1) {
    this.rounds += count
  }

  /** Where nothing stands yet. */
  path() {
    return join(this.scratch, `${process.pid}-${threadId}-${++this.#paths}`)
  }

  /** What is to be done at the end, whatever becomes of the rest. @param {() => unknown} action */
  defer(action) {
    this.#deferred.push(action)
  }

  async end() {
    for (const action of this.#deferred.splice(0).reverse()) await action()
  }

  /** Tells whoever has started this process. */
  tell(value) {
    this.#tell(value)
  }

  /** What whoever has started this process says next. */
  async heard() {
    this.#lines ??= createInterface({ input: this.#ears })[Symbol.asyncIterator]()
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('Nobody says anything any more')
    return JSON.parse(value)
  }

  hearNoMore() {
    if (this.#lines !== undefined) /** @type {any} */ (this.#ears).destroy()
  }

  #specOf(role, data, more = {}) {
    const { fault, kind, folder, classes, scratch, ms } = this.spec
    return { fault, kind, folder, classes, scratch, ms, role, data, seed: this.random.seed(), ...more }
  }

  /**
   * Starts another process in a role of this fault, or of peers.js.
   * @param {string} role
   * @param {any} [data]
   * @param {import('./child.js').Options & { end?: { side: 'sender' | 'receiver', fds?: number[], parcel?: any } }} [options]
   *   `end`: what a class's `share` gives, for an end that the child has too
   */
  start(role, data, { end, ...options } = {}) {
    const more = end === undefined ? {} : { parcel: end.parcel ?? {}, side: end.side }
    const child = new Child(this.#specOf(role, data, more), { fds: end?.fds, ...options })
    this.defer(() => child.kill('SIGKILL'))
    return child
  }

  /**
   * Starts another process at the other end of something of this class.
   * @param {'sender' | 'receiver'} side the other process's
   * @param {string} role
   * @param {any} [data]
   * @param {import('./child.js').Options} [options]
   * @returns {Promise<{ near: any, peer: any }>} this process's end. The other one is played in this process too, where
   *   the class has ends that cannot be parted.
   */
  async meet(side, role, data, options = {}) {
    if (this.kind.offer === undefined) return this.#meetHere(side, role, data)
    const start = performance.now()
    const offer = await this.kind.offer(this, side)
    const fds = offer.fds ?? []
    const spec = this.#specOf(role, data, { parcel: offer.parcel ?? {}, side })
    const peer = new Child(spec, { ...options, fds })
    this.defer(() => peer.kill('SIGKILL'))
    const near = await offer.meet()
    this.defer(() => near.close())
    // Until the first processes have started is no time for proofs.
    if (this.#met++ < 4) this.#deadline += performance.now() - start
    return { near, peer }
  }

  async #meetHere(side, role, data) {
    const { sender, receiver, close } = await this.kind.open(this)
    this.defer(close)
    const [near, far] = side === 'sender' ? [receiver, sender] : [sender, receiver]
    return { near, peer: new Neighbour(this.#specOf(role, data), this.kind, far) }
  }

  /**
   * Starts a worker in a role of this fault.
   * @param {string} role
   * @param {any} [data]
   */
  worker(role, data) {
    return new Thread(this.#specOf(role, data))
  }
}

/** A role that is played in this process; to be talked with as with a Child. */
class Neighbour {
  #ears = new PassThrough()
  #told = []
  #heard = () => {}

  /** @param {Spec} spec @param {any} kind @param {any} near its end */
  constructor(spec, kind, near) {
    const tell = (value) => {
      this.#told.push(value)
      this.#heard()
    }
    const context = new Context(spec, tell, this.#ears)
    context.kind = kind
    context.near = near
    this.#outcome = roleOf({ ...spec, parcel: undefined }, context).then(async (role) => {
      const returned = await role(kind, context)
      await context.end()
      // As if it had come from another process.
      return returned === undefined ? undefined : JSON.parse(JSON.stringify(returned))
    })
    this.#outcome.catch(() => {})
  }

  #outcome

  async told() {
    while (this.#told.length === 0) {
      await Promise.race([
        this.#outcome,
        new Promise((resolve) => {
          this.#heard = () => resolve(undefined)
        }),
      ])
    }
    return this.#told.shift()
  }

  say(value) {
    this.#ears.write(`${JSON.stringify(value)}\n`)
  }

  done() {
    return this.#outcome
  }
}

class Thread {
  #told = []
  #listeners = []
  #returned
  #failure

  /** @param {Spec} spec */
  constructor(spec) {
    this.worker = new Worker(fileURLToPath(new URL('./worker.js', import.meta.url)), { workerData: spec })
    this.worker.on('message', (message) => {
      if ('told' in message) this.#told.push(message.told)
      else this.#returned = message
      this.#wake()
    })
    this.worker.on('error', (error) => {
      this.#failure = error
      this.#wake()
    })
    /** @type {Promise<number>} */
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        resolve(code)
        this.#wake()
      })
    })
  }

  #wake() {
    for (const listener of this.#listeners.splice(0)) listener()
  }

  async told() {
    while (this.#told.length === 0) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.worker.threadId === -1) throw new Error('The worker has ended without a word')
      await new Promise((resolve) => this.#listeners.push(resolve))
    }
    return this.#told.shift()
  }

  /** Waits for its end by itself. */
  async done() {
    await this.exited
    if (this.#failure !== undefined) throw this.#failure
    return this.#returned?.returned
  }

  terminate() {
    return this.worker.terminate()
  }
}
