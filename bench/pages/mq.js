/**
 * Message queues beside C programs on queues of the same kind and size.
 */
import { groups as posix } from './mq/posix.js'
import { groups as sysv } from './mq/sysv.js'

/** @param {import('../lib/settings.js').Settings} settings */
export function groups(settings) {
  return [...posix(settings), ...sysv(settings)]
}
