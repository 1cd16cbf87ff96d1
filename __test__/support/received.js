/** In a fixture: the handles that `start` of child.js has given to this process. */
import { inherited } from '../../index.js'

const count = Number(process.env.OS_IPC_SPEC_HANDLES ?? 0)

/** @returns {any[]} */
export function received() {
  return Array.from({ length: count }, (_, index) => inherited(String(index)))
}
