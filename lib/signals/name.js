/**
 * Signals by name and number: what signal(7) lists, and realtime ones counted from either end.
 */
import { invalidType, invalidValue, outOfRange } from '../errors.js'
import native from '../load.js'
import { integer } from '../validate.js'

/** The first and the last realtime signal that the C library leaves to programs. */
export const [MIN, MAX] = native.signalRange()

const known = native.signalNames()
/** @type {Map<string, number>} */
const numbers = new Map(known.names.map((name, index) => [name, known.numbers[index]]))
const labels = native.signalLabels()

/**
 * @param {unknown} signal a name or a number
 * @param {string} parameter what the caller calls it
 * @param {number} least 0 where it may stand for no signal at all
 * @returns {number}
 */
export function numberOf(signal, parameter = 'signal', least = 1) {
  if (typeof signal === 'number') return integer(parameter, signal, least, MAX)
  if (typeof signal !== 'string') throw invalidType(parameter, 'of type string or number', signal)
  const number = numbers.get(signal)
  if (number !== undefined) return number
  throw invalidValue(
    parameter,
    signal,
    "must be a signal: a name such as 'SIGTERM', 'SIGRTMIN+3' or 'SIGRTMAX-1', or a number",
  )
}

/** What a signal is called. Those that the C library keeps for itself have no name: the number. @param {number} number */
export function labelOf(number) {
  return labels[number] ?? String(number)
}

/** @param {unknown} number @returns {string} */
export function nameOf(number) {
  const label = labels[integer('number', number, 1, MAX)]
  if (label == null) throw outOfRange('number', "a signal's: the C library keeps this one for itself", number)
  return label
}

/** What may be asked for: the addon has the same numbers. */
export const RECEIVE = 0
export const HOLD = 1
export const DISPOSE = 2

const refusals = [RECEIVE, HOLD, DISPOSE].map((purpose) => native.signalRefusals(purpose))

/**
 * Throws for signals that the runtime or this package cannot do without.
 * @param {number} number
 * @param {number} purpose
 */
export function permit(number, purpose, parameter = 'signal') {
  const reason = refusals[purpose][number] ?? engineUses(number)
  if (reason != null) throw invalidValue(parameter, labelOf(number), `is refused: ${labelOf(number)} ${reason}`)
}

/** Bun's engine halts its threads by a signal to collect garbage. @param {number} number */
function engineUses(number) {
  const halts = process.versions.bun !== undefined && ['SIGUSR1', 'SIGPWR'].includes(labelOf(number))
  return halts ? 'is what the JavaScript engine halts its threads with' : undefined
}
