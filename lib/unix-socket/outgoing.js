/**
 * What is to be sent, checked at the door: bytes, descriptors, and where it goes.
 */
import { bytesOf } from '../data.js'
import { closedError, invalidType, invalidValue, outOfRange } from '../errors.js'
import { coreOf, Handle } from '../handle.js'
import { descriptor, objectOf } from '../validate.js'
import { addressOf, numberOf } from './address.js'

/** @typedef {import('./core.js').SocketCore} SocketCore */
/** @typedef {{ data: Uint8Array, to: string | undefined, fds: number[] | undefined }} Outgoing */

/** The most descriptors that a message carries: SCM_MAX_FD. */
const MOST_FDS = 253

/**
 * @param {SocketCore} core
 * @param {unknown} data
 * @param {Record<string, any>} options
 * @param {string} [name] of the options
 * @param {string} [dataName]
 * @returns {Outgoing}
 */
export function outgoing(core, data, options, name = 'options', dataName = 'data') {
  const { to, fds } = options
  const target = to === undefined ? undefined : targetOf(core, `${name}.to`, to)
  const handles = fds === undefined ? undefined : descriptorsOf(`${name}.fds`, fds)
  // Comes after everything that runs code of the caller's: a getter could change the data, or close a handle.
  const bytes = bytesOf(data, dataName)
  const numbers = handles?.map((given) => numberOfHandle(given))
  if (core.isStream && numbers !== undefined && numbers.length > 0 && bytes.length === 0) {
    throw invalidValue(dataName, data, 'must not be empty where descriptors are sent with it through a stream')
  }
  return { data: bytes, to: target, fds: numbers?.length === 0 ? undefined : numbers }
}

/**
 * @param {SocketCore} core
 * @param {unknown} messages
 * @returns {Outgoing[]}
 */
export function allOutgoing(core, messages) {
  if (!Array.isArray(messages)) throw invalidType('messages', 'an instance of Array', messages)
  const all = []
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]
    const name = `messages[${i}]`
    if (isData(message)) {
      all.push({ data: bytesOf(message, name), to: undefined, fds: undefined })
    } else {
      const given = objectOf(message, name)
      all.push(outgoing(core, given.data, given, name, `${name}.data`))
    }
  }
  return all
}

/** @param {unknown} message */
function isData(message) {
  return (
    typeof message === 'string' ||
    ArrayBuffer.isView(message) ||
    message instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== 'undefined' && message instanceof SharedArrayBuffer)
  )
}

/** @param {SocketCore} core @param {string} name @param {unknown} to */
function targetOf(core, name, to) {
  const address = addressOf(name, to)
  if (!core.isDatagram) throw invalidValue(name, to, 'is for datagram sockets: this one is connected')
  numberOf(address)
  return address
}

/** @param {string} name @param {unknown} fds @returns {Array<number | Handle>} */
export function descriptorsOf(name, fds) {
  if (!Array.isArray(fds)) throw invalidType(name, 'an instance of Array', fds)
  if (fds.length > MOST_FDS) throw outOfRange(`${name}.length`, `>= 0 and <= ${MOST_FDS}`, fds.length)
  return Array.from(fds, (fd, index) => {
    if (fd instanceof Handle) return fd
    if (typeof fd !== 'number') throw invalidType(`${name}[${index}]`, 'a descriptor or a handle of os-ipc', fd)
    return descriptor(`${name}[${index}]`, fd)
  })
}

/** @param {number | Handle} given @param {string} [name] of the list that it stands in */
export function numberOfHandle(given, name = 'options.fds') {
  if (typeof given === 'number') return given
  const { closed, fd } = coreOf(given)
  if (closed) throw closedError()
  if (fd < 0) throw invalidValue(name, given, 'must have a descriptor of its own')
  return fd
}
