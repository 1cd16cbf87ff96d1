/** Says what is waited for where nothing happens: a shell that stands still explains nothing. */

/** @typedef {import('./address.js').Transport} Transport */

/** Milliseconds of silence. */
const PATIENCE = 1000

/** What one who sends has to wait for. @type {Record<Transport, string>} */
const RECEIVERS = {
  mq: 'room in the queue',
  'sysv-queue': 'room in the queue',
  fifo: 'the reader to read',
  stream: 'the other side to receive',
  seqpacket: 'the other side to receive',
  datagram: 'the other side to receive',
  channel: 'the other side to receive',
  topic: 'the slowest subscriber to receive',
  pid: 'the process to open an endpoint, or to receive',
}

/** @param {import('./address.js').Address} address */
export function receiverOf({ transport }) {
  return RECEIVERS[transport]
}

/** What an end that is being opened has to wait for. @param {import('./address.js').Address} address @param {'send' | 'recv'} way @param {boolean} listen */
export function otherSideOf({ transport }, way, listen) {
  if (transport === 'fifo') return `somebody to open it for ${way === 'send' ? 'reading' : 'writing'}`
  return listen ? 'somebody to connect' : 'the other side to answer'
}

/**
 * @template T
 * @param {T | Promise<T>} happening
 * @param {string} what
 * @param {import('./ends.js').Wishes} wishes
 */
export async function patiently(happening, what, { timeout, tell }) {
  const remedy = timeout === Number.POSITIVE_INFINITY ? ' (--timeout MS gives up)' : ''
  const timer = setTimeout(() => tell(`waiting for ${what}${remedy}`), PATIENCE)
  try {
    return await happening
  } finally {
    clearTimeout(timer)
  }
}
