/**
 * Descriptors that a service manager, or a parent, hands over: see sd_listen_fds(3).
 */
import native from '../load.js'

/** The first one, as agreed. */
const START = 3

/** @type {ReadonlyArray<{ fd: number, name: string }> | undefined} */
let inherited

/**
 * The variables go at the first call: they are for this process, and its children are not to take them for theirs.
 * @returns {Array<{ fd: number, name: string }>}
 */
export function listenFds() {
  inherited ??= take()
  return inherited.map((each) => ({ ...each }))
}

function take() {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = process.env
  const count = natural(LISTEN_FDS)
  if (count === 0 || natural(LISTEN_PID) !== process.pid) return []
  const names = LISTEN_FDNAMES === undefined ? [] : LISTEN_FDNAMES.split(':')
  const taken = Array.from({ length: count }, (_, index) => ({
    fd: START + index,
    name: names[index] || 'unknown',
  }))
  for (const { fd } of taken) native.listenFdKeep(fd)
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete process.env[name]
  return taken
}

/** @param {string | undefined} text @returns {number} 0 for what is none */
function natural(text) {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0
}
