/**
 * Channels, beside what Node has, other packages and rings in C; and what they cost while nothing happens.
 */
import { groups as costs } from './channel/costs.js'
import { groups as roundTrips } from './channel/round-trips.js'
import { groups as throughput } from './channel/throughput.js'

/** @param {import('../lib/settings.js').Settings} settings */
export function groups(settings) {
  return [...throughput(settings), ...roundTrips(settings), ...costs(settings)]
}
