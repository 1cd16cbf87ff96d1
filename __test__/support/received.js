/** In a fixture: the handles that `start` of child.js has given to this process. */
import '../../index.js'
import { rebuild } from '../../lib/handover.js'

/** @returns {any[]} */
export function received() {
  return JSON.parse(process.env.OS_IPC_SPEC_PARCELS ?? '[]').map(rebuild)
}
