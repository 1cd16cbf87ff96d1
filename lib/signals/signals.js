/**
 * Signals: see signal(7).
 */
import { invalidValue, notSupported } from '../errors.js'
import native from '../load.js'
import { integer, objectOf } from '../validate.js'
import { SignalCore } from './core.js'
import { startHub } from './hub.js'
import { DISPOSE, HOLD, labelOf, MAX, MIN, nameOf, numberOf, permit, RECEIVE } from './name.js'
import { SignalReceiver } from './receiver.js'

const INT_MIN = -0x80000000
const INT_MAX = 0x7fffffff

/**
 * @param {unknown} given a signal or a list of them
 * @param {number} purpose
 * @returns {number[]}
 */
function numbersOf(given, purpose) {
  const list = Array.isArray(given) ? [...given] : [given]
  if (list.length === 0) throw invalidValue('signals', given, 'must name a signal at least')
  const numbers = new Set(list.map((signal) => numberOf(signal, 'signals')))
  for (const number of numbers) permit(number, purpose, 'signals')
  return [...numbers]
}

/** Bun's event loop sleeps with no signal held back, whatever its thread holds back otherwise: the next one would end it. */
function checkRuntime() {
  if (process.versions.bun === undefined) return
  throw notSupported('On Bun no signal can be held back from the event loop, so none can be received')
}

/** @param {unknown} signal */
function disposable(signal) {
  const number = numberOf(signal)
  permit(number, DISPOSE)
  return number
}

export const signals = Object.freeze({
  min: MIN,
  max: MAX,

  /** @param {unknown} signal @returns {number} */
  number(signal) {
    return numberOf(signal)
  },

  /** @param {unknown} number @returns {string} */
  name(number) {
    return nameOf(number)
  },

  /**
   * @param {number} pid
   * @param {unknown} signal
   * @param {{ value?: number, thread?: number }} [options]
   */
  send(pid, signal, options) {
    const { value, thread } = objectOf(options)
    native.signalSend(
      integer('pid', pid, 1, INT_MAX),
      numberOf(signal, 'signal', 0),
      value === undefined ? undefined : integer('options.value', value, INT_MIN, INT_MAX),
      thread === undefined ? undefined : integer('options.thread', thread, 1, INT_MAX),
    )
  },

  /** @param {number} pgid @param {unknown} signal */
  sendToGroup(pgid, signal) {
    native.signalSendToGroup(integer('pgid', pgid, 0, INT_MAX), numberOf(signal, 'signal', 0))
  },

  /** @param {unknown} signals @returns {SignalReceiver} */
  receive(signals) {
    const numbers = numbersOf(signals, RECEIVE)
    checkRuntime()
    startHub()
    return new SignalReceiver(new SignalCore(numbers))
  },

  /** @param {unknown} signal */
  ignore(signal) {
    native.signalDispose(disposable(signal), true)
  },

  /** @param {unknown} signal */
  restoreDefault(signal) {
    native.signalDispose(disposable(signal), false)
  },

  /** @param {unknown} signals */
  block(signals) {
    const numbers = numbersOf(signals, HOLD)
    checkRuntime()
    native.signalBlock(numbers)
  },

  /** @param {unknown} signals */
  unblock(signals) {
    native.signalUnblock(numbersOf(signals, HOLD))
  },

  /** @returns {string[]} */
  pending() {
    return native.signalPending().map(labelOf)
  },
})
