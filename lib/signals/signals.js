/**
 * Signals: see signal(7).
 */
import native from '../load.js'
import { integer, objectOf } from '../validate.js'
import { MAX, MIN, nameOf, numberOf } from './name.js'

const INT_MIN = -0x80000000
const INT_MAX = 0x7fffffff

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
})
