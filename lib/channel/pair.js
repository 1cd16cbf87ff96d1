/**
 * Channels from nothing: two ends that are connected, one of which usually goes to another process.
 */
import { coded } from '../errors.js'
import { coreOf, fix } from '../handle.js'
import native from '../load.js'
import { Channel } from './channel.js'
import { Control } from './control.js'
import { ChannelCore } from './core.js'
import { agree, optionsOf, ownSideOf, statedOf } from './options.js'

/** @param {Record<string, any>} given @returns {[Channel, Channel]} */
export function pair(given) {
  const options = optionsOf(given)
  const ends = native.channelPair(options.capacity, options.maxMessageSize, options.flags)
  let lines
  try {
    lines = native.controlPair()
  } catch (error) {
    for (const { id } of ends) native.channelClose(id, false)
    throw error
  }
  const controls = lines.map((line) => new Control(line))
  for (const control of controls) control.bare = false
  const cores = ends.map((end, side) => new ChannelCore(end, controls[side], options))
  inheritable(cores[0], cores[1])
  inheritable(cores[1], cores[0])
  return [new Channel(cores[0]), new Channel(cores[1])]
}

/**
 * As long as nobody knows its descriptor, an end that was never used can go to nobody: when it closes, the channel ends. Once
 * somebody has looked at it, another process may inherit it: what that needs is left in its socket, and this handle's close
 * says nothing.
 * @param {ChannelCore} core
 * @param {ChannelCore} sibling
 */
function inheritable(core, sibling) {
  core.fdProperty = INHERITABLE
  core.parting.announce = true
  core.parting.sibling = new WeakRef(sibling)
  // It outlives its end, if that is forgotten and not closed.
  const { control } = sibling
  core.provide = () => {
    core.provide = undefined
    if (core.attached || core.closed || control.id === 0) return
    control.send('S', { side: core.facts.side }, native.channelDescriptors(core.id))
  }
}

/** One for all, or the engine would have no common shape for them. */
const INHERITABLE = {
  enumerable: true,
  configurable: true,
  /** @this {Channel} */
  get() {
    const core = /** @type {ChannelCore} */ (coreOf(this))
    core.provide?.()
    core.parting.announce = false
    if (!core.closed) native.channelAnnounce(core.id, false)
    const fd = core.closed ? -1 : core.fd
    fix(this, 'fd', fd)
    return fd
  },
}

/** @param {number} fd @param {Record<string, any>} given @returns {Channel} */
export function fromFd(fd, given) {
  const stated = statedOf(given)
  const own = ownSideOf(given)
  const control = new Control(native.controlAdopt(fd, true))
  try {
    control.findSetUp()
    if (control.setUp === undefined) {
      throw coded(
        Error,
        'ERR_IPC_NOT_INITIALIZED',
        'The descriptor is no end of a channel, or one that is in use already',
      )
    }
    return rebuilt(control, stated, own)
  } catch (error) {
    // The number stays the caller's.
    native.controlDetach(control.id)
    control.id = 0
    control.close()
    throw error
  }
}

/**
 * The end that was set up on a control line.
 * @param {Control} control
 * @param {ReturnType<typeof statedOf>} stated
 * @param {ReturnType<typeof ownSideOf>} own
 */
export function rebuilt(control, stated, own) {
  const { side, fds } = /** @type {{ side: number, fds: number[] }} */ (control.setUp)
  const facts = native.channelAdopt(fds, side, control.id)
  control.setUp = undefined
  /** @type {ChannelCore | undefined} */
  let core
  try {
    core = new ChannelCore(facts, control, own)
    agree(core.facts, stated)
    const channel = new Channel(core)
    core.ready()
    // Whatever can be put right by another try has gone well: the set-up is taken.
    control.bare = false
    control.poll()
    return channel
  } catch (error) {
    if (core === undefined) {
      native.channelLeave(facts.id)
    } else {
      // Without a word, and without its control line, which is the caller's.
      core.parting.moved = true
      native.channelVacate(facts.id, false)
      const { id } = control
      control.id = 0
      core.close()
      control.id = id
    }
    throw error
  }
}
