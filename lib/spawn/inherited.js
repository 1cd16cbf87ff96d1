/**
 * What this process was given by the one that started it.
 *
 * The variables are read, and taken out of the environment, when the package is loaded: by the time somebody asks, children
 * may have been started, which would take them for theirs. The descriptors are close-on-exec from then on.
 */
import { isMainThread } from 'node:worker_threads'
import { coded, invalidState, invalidType } from '../errors.js'
import { rebuild } from '../handover.js'
import native from '../load.js'
import { CHANNEL as POOL } from '../worker-pool/names.js'
import { taken } from './environment.js'
import { fileOf } from './file.js'

/** @typedef {import('../handle.js').Handle} Handle */
/** @typedef {import('./environment.js').Given} Given */

const given = isMainThread ? taken(process.env) : new Map()
for (const [name, { fds, files }] of given) {
  if (!fds.every((/** @type {number} */ fd, /** @type {number} */ index) => fileOf(fd) === files[index]))
    given.delete(name)
  else for (const fd of fds) native.listenFdKeep(fd)
}

/** @type {Map<string, Handle>} */
const handles = new Map()

/** @param {string} name */
export function inherited(name) {
  if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
  if (!isMainThread) throw invalidState('Handles are inherited by the main thread of a process, and this is a worker')
  const known = handles.get(name)
  if (known !== undefined) return known
  const parcel = given.get(name)
  if (parcel === undefined) throw noSuchHandle(name)
  const handle = rebuild(parcel)
  handles.set(name, handle)
  return handle
}

/** @param {string} name */
function noSuchHandle(name) {
  const names = [...given.keys()]
    .filter((each) => each !== POOL)
    .map((each) => JSON.stringify(each))
    .join(', ')
  const others = names === '' ? 'no handles at all' : `these: ${names}`
  return coded(
    Error,
    'ERR_IPC_NO_SUCH_HANDLE',
    `This process was given no handle named ${JSON.stringify(name)}. It was given ${others}`,
  )
}
