/**
 * One process of a pool, from its start to its end.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { pair } from '../channel/pair.js'
import { place } from '../place.js'
import { linkOf } from '../rpc/accepting.js'
import { Call } from '../rpc/call.js'
import { ClientCore } from '../rpc/client-core.js'
import { spawn } from '../spawn/spawn.js'
import { CHANNEL } from './names.js'

/** @typedef {import('./options.js').Terms} Terms */
/** @typedef {import('./task.js').Task} Task */
/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, error?: Error }} End */

const WORKER = fileURLToPath(new URL('lib/worker-pool/worker.js', place))

/** Milliseconds that a worker has to leave a task that nobody wants any more, or to end. */
const GRACE = 2000

/** Every worker has the same uid, and what it says is taken for what it is: values of all kinds. */
const CODEC = Object.freeze({ codec: 'structured' })

export class Member {
  /** @type {Task | undefined} */
  task = undefined
  /** @type {Call | undefined} */
  #call = undefined
  /** @type {NodeJS.Timeout | undefined} */
  #patience = undefined
  ending = false
  /** Since when it can be given tasks. @type {number | undefined} */
  readyAt = undefined
  /** It has been given a task. */
  begun = false
  /** It has been of use. */
  proven = false

  /** @param {Terms} terms */
  constructor({ url, handles, execArgv, env }) {
    const [ours, theirs] = pair(CODEC)
    try {
      const runtime = 'deno' in process.versions ? ['run'] : []
      this.child = spawn(process.execPath, [...runtime, ...execArgv, WORKER, url], {
        stdio: ['ignore', 'inherit', 'inherit'],
        handles: { ...handles, [CHANNEL]: theirs },
        env,
      })
    } catch (error) {
      ours.close()
      theirs.close()
      throw error
    }
    /** How it ended. @type {Promise<End>} */
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (/** @type {any} */ code, /** @type {any} */ signal) => resolve({ code, signal }))
      this.child.on('error', (/** @type {Error} */ error) => {
        // It could not be started. Others are of signals that come too late.
        if (this.child.pid === undefined) resolve({ code: null, signal: null, error })
      })
    })
    this.ended.then(() => clearTimeout(this.#patience))
    // It goes on for the sake of its task, which is the pool's affair.
    this.child.unref()
    if (this.child.pid === undefined) theirs.close()
    try {
      this.client = new ClientCore(linkOf(ours))
    } catch (error) {
      ours.close()
      this.kill()
      throw error
    }
    this.client.reference(false)
  }

  /** Settles when it can be given tasks. */
  async start() {
    await this.#request('start', undefined, [])
  }

  /** @param {Task} task */
  async perform(task) {
    this.begun = true
    this.task = task
    task.member = this
    try {
      return (await this.#request('run', [task.value], task.handles))[0]
    } finally {
      clearTimeout(this.#patience)
      this.#patience = undefined
      task.member = undefined
      this.task = undefined
      this.#call = undefined
    }
  }

  /** @param {string} method @param {unknown} params @param {import('../handle.js').Handle[]} handles */
  #request(method, params, handles) {
    const { client } = this
    client.ready()
    const call = new Call(client, client.calls.reserve())
    this.#call = call
    client.request(call, method, params, handles)
    return call.answer
  }

  /** Takes an answer that has come. */
  look() {
    this.client.link.look()
  }

  /** Nobody wants what it works on. It is told, and busy until it has left that: or until it is made to. */
  cancel() {
    if (this.#call === undefined) return
    this.client.cancel(this.#call.id)
    this.#insist()
  }

  #insist() {
    if (this.#patience !== undefined) return
    this.#patience = setTimeout(() => this.kill(), GRACE)
    this.#patience.unref()
  }

  /**
   * Node takes 0 for the number of a process that could not be started for want of descriptors, and that is our whole group.
   * @param {NodeJS.Signals} [signal]
   */
  kill(signal = 'SIGKILL') {
    if (this.child.pid !== undefined) this.child.kill(signal)
  }

  /** It ends by itself when its channel does; one that works on something may not look. */
  end() {
    if (this.ending) return
    this.ending = true
    if (this.task !== undefined) this.kill('SIGTERM')
    this.client.close()
    clearTimeout(this.#patience)
    this.#patience = undefined
    this.#insist()
  }
}
