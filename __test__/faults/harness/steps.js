/**
 * The steps of a channel or a topic: every touch of its memory, a copy into it by halves, and every call to the addon, before and
 * after. A process that is to die at one of them counts, and kills itself.
 *
 * Nothing in the package knows of this: what it calls (Atomics, typed arrays, the addon's functions) is replaced, in that
 * process alone.
 */
import { writeSync } from 'node:fs'
import process from 'node:process'
import native from '../../../lib/load.js'

/** What gives the memory of a channel or a topic. */
const MAPPING = new Set(['channelAttach', 'channelLend', 'topicMemory'])

/** Memory of channels and topics. @type {WeakSet<ArrayBuffer>} */
const memories = new WeakSet()
/** What stands behind each array of words that tells of what is written. @type {WeakMap<object, Int32Array>} */
const behind = new WeakMap()

let left = Number.POSITIVE_INFINITY
let taken = 0
/** @type {(name: string) => void} */
let onDeath = () => {}

/** @param {string} name */
function step(name) {
  taken++
  if (left-- > 0) return
  onDeath(name)
  process.kill(process.pid, 'SIGKILL')
}

/** Words of the header, as they are called in docs/channel-format.md. */
const WORDS = { 0: 'tail', 16: 'head', 32: 'receiverSleeps', 48: 'senderSleeps', 49: 'senderWants', 64: 'offer' }

/** @param {number} index */
function wordOf(index) {
  if (index >= 128 && index < 384) return WORDS[(index - 128) % 128] ?? `word ${index}`
  return index === 16 || index === 32 ? 'state' : `word ${index}`
}

function watchAtomics() {
  for (const name of ['load', 'store', 'exchange', 'compareExchange', 'add', 'sub', 'and', 'or']) {
    const original = Atomics[name]
    Atomics[name] = (array, index, ...more) => {
      const words = behind.get(array) ?? array
      if (!memories.has(words.buffer)) return original(words, index, ...more)
      step(`before ${name} ${wordOf(index)}`)
      const result = original(words, index, ...more)
      if (name !== 'load') step(`after ${name} ${wordOf(index)}`)
      return result
    }
  }
}

/** Arrays of words over a channel's memory tell before each word is written. */
function watchWords() {
  const { Int32Array: Plain } = globalThis
  const handler = {
    get(words, key) {
      const value = Reflect.get(words, key)
      return typeof value === 'function' ? value.bind(words) : value
    },
    set(words, key, value) {
      step('before the head of a record')
      words[key] = value
      return true
    },
  }
  globalThis.Int32Array = new Proxy(Plain, {
    construct(type, parameters) {
      const words = Reflect.construct(type, parameters)
      if (!memories.has(words.buffer)) return words
      const watched = new Proxy(words, handler)
      behind.set(watched, words)
      return watched
    },
  })
}

/** A copy into the memory goes by halves. */
function watchCopies() {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype)
  const { set } = prototype
  const original = (target, source, offset) => Reflect.apply(set, target, [source, offset])
  prototype.set = function setBySteps(source, offset = 0) {
    const { length } = source
    if (!memories.has(this.buffer) || !(length > 1) || this.BYTES_PER_ELEMENT !== 1) {
      return original(this, source, offset)
    }
    step('before a payload')
    const half = length >> 1
    original(this, source.subarray(0, half), offset)
    step('within a payload')
    original(this, source.subarray(half), offset + half)
    step('after a payload')
  }
}

function watchAddon() {
  for (const [name, original] of Object.entries(native)) {
    if (typeof original !== 'function' || /^[A-Z]/.test(name)) continue
    native[name] = (...parameters) => {
      step(`before ${name}`)
      const result = original(...parameters)
      if (MAPPING.has(name)) memories.add(result.buffer)
      step(`after ${name}`)
      return result
    }
  }
}

/** Watches what channels do that are made from now on. */
export function watchSteps() {
  watchAtomics()
  watchWords()
  watchCopies()
  watchAddon()
}

/** How many steps there have been. */
export function steps() {
  return taken
}

/**
 * Kills this process after so many steps more, and has its parent told at which one.
 * @param {number} count
 * @param {number} [fd]
 */
export function dieAfter(count, fd = 1) {
  left = count
  onDeath = (name) => writeSync(fd, `${JSON.stringify({ told: { step: name } })}\n`)
}
