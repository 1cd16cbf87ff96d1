/**
 * What stands behind a semaphore's handle: who waits for a permit.
 */
import { Core, coresOf } from '../handle.js'
import native from '../load.js'
import { BLOCKED } from '../wait/direction.js'
import { Permits } from '../wait/permits.js'

// By names of their own: a look into the addon, which has a hundred of them, would be felt in each call.
const { posixSemaphoreTryTake, posixSemaphoreTakeHere } = native

const NATIVE = { close: native.posixSemaphoreClose }

export class SemaphoreCore extends Core {
  /** @param {number} id @param {string | null} name @param {string | null} identity */
  constructor(id, name, identity) {
    super(id, -1, NATIVE)
    this.name = name
    this.identity = identity
    this.permits = new Permits(this, {
      tryTake: () => (posixSemaphoreTryTake(this.id) === 0 ? BLOCKED : undefined),
      beginTake: (reactor, token) => native.posixSemaphoreTake(reactor, token, this.id),
      takeHere: (milliseconds) => (posixSemaphoreTakeHere(this.id, milliseconds) === 0 ? BLOCKED : undefined),
    })
    this.directions.push(this.permits)
  }
}

export const semaphoreOf = coresOf(SemaphoreCore, 'a PosixSemaphore')
