/**
 * What a process of a pool runs: the module that it is for, behind a channel to the pool. It ends with that channel.
 */
import { whole } from '../../bundle.js'
import { CHANNEL } from './names.js'

/** @type {typeof import('../whole.js')} */
const { inherited, inside } = await import(whole.href)
const { linkOf } = inside['rpc/accepting.js']
const { ServerCore } = inside['rpc/server-core.js']

/** Serves one caller, and has no reason to live without it. */
class Servant extends ServerCore {
  /** @param {import('../rpc/connection.js').Connection} connection @param {Error | null} error */
  forget(connection, error) {
    super.forget(connection, error)
    process.exit()
  }
}

/** @param {string} url */
async function load(url) {
  const { default: perform } = await import(url)
  if (typeof perform === 'function') return perform
  throw Object.assign(new TypeError('The module has no function as its default export'), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
}

const loading = load(process.argv[2])
// The pool is told when it asks.
loading.catch(() => {})

/** In a list, so that what is undefined stays so, and what can be iterated is one result. */
const methods = new Map(
  /** @type {Array<[string, import('../rpc/running.js').Method]>} */ ([
    ['start', async () => [typeof (await loading)]],
    ['run', async ([task], context) => [await (await loading)(task, context)]],
  ]),
)
const unlimited = { concurrency: Number.POSITIVE_INFINITY, maxConnections: 1 }
new Servant(methods, {}, unlimited).admit(linkOf(/** @type {any} */ (inherited(CHANNEL))))
