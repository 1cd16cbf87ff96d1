import { invalidType, invalidValue } from '../errors.js'

/** Whether a socket's file that nobody has open any more is to go. @param {unknown} onStale */
export function replaces(onStale) {
  if (onStale === undefined) return false
  if (typeof onStale !== 'string') throw invalidType('options.onStale', 'of type string', onStale)
  if (onStale !== 'fail' && onStale !== 'replace') {
    throw invalidValue('options.onStale', onStale, "must be 'fail' or 'replace'")
  }
  return onStale === 'replace'
}
