/**
 * An end of a channel moves: it goes with all that it has, idle, and this process's handle closes without a word.
 */
import { invalidState } from '../errors.js'
import { coreOf } from '../handle.js'
import { addRow } from '../handover.js'
import native from '../load.js'
import { Channel } from './channel.js'
import { Control, closeAll } from './control.js'
import { rebuilt } from './pair.js'
import { corrupt } from './ring.js'

/** @typedef {import('./core.js').ChannelCore} ChannelCore */

/** Control line, memory, own bell, other's bell. */
const DESCRIPTORS = 4

/** @param {Channel} channel */
const core = (channel) => /** @type {ChannelCore} */ (coreOf(channel))

addRow('channel', {
  type: /** @type {any} */ (Channel),
  moves: true,
  describe(channel) {
    const leaving = core(channel)
    refuseBusy(leaving)
    const { id, fd, facts, unbounded, maxQueued, control } = leaving
    const meta = { side: facts.side, unbounded, maxQueued, ...control.peer }
    return { fds: [fd, ...native.channelDescriptors(id)], meta }
  },
  leave(channel) {
    const leaving = core(channel)
    refuseBusy(leaving)
    if (leaving.attached) leaving.incoming.rest()
    native.channelVacate(leaving.id, false)
  },
  stay: (channel) => native.channelVacate(core(channel).id, true),
  gone(channel) {
    const leaving = core(channel)
    leaving.parting.moved = true
    leaving.close()
  },
  rebuild({ fds, meta }) {
    if (fds.length !== DESCRIPTORS) throw corrupt('an end of a channel without its descriptors')
    // Copies, so that the numbers stay as they are if this fails.
    const copies = native.descriptorsCopy(fds)
    let control
    try {
      control = new Control(native.controlAdopt(copies[0], false))
    } catch (error) {
      closeAll(copies)
      throw error
    }
    control.setUp = { side: meta.side === 1 ? 1 : 0, fds: copies.slice(1) }
    const { pid, uid, gid } = /** @type {Record<string, any>} */ (meta)
    if (Number.isInteger(uid) && Number.isInteger(pid) && Number.isInteger(gid)) control.peer = { pid, uid, gid }
    const maxQueued = typeof meta.maxQueued === 'number' ? meta.maxQueued : Number.POSITIVE_INFINITY
    const unbounded = meta.unbounded === true
    try {
      const channel = rebuilt(control, { codec: undefined, checksum: undefined }, { unbounded, maxQueued })
      closeAll(fds)
      return channel
    } catch (error) {
      control.close()
      throw error
    }
  },
})

/** @param {ChannelCore} leaving */
function refuseBusy(leaving) {
  if (leaving.failure !== undefined) throw leaving.failure
  const { incoming, outgoing, attached } = leaving
  const halfway = attached && (incoming.partial !== undefined || incoming.handles !== undefined)
  const lent = leaving.borrowed || leaving.reserved || leaving.stashed !== undefined || (attached && outgoing.aborting)
  if (leaving.waiting > 0 || halfway || lent || leaving.control.supplies.size > 0) {
    throw invalidState(
      'The channel is in use: it can be handed over only while nothing waits, is lent or has come half',
    )
  }
}
