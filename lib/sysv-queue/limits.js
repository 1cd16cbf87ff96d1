/**
 * Messages that are too long for the kernel or for their queue: told before anything is sent, with the limit that it was.
 */
import { constants } from 'node:os'
import { coded } from '../errors.js'
import native from '../load.js'

/** @typedef {import('./core.js').QueueCore} QueueCore */

/** @param {QueueCore} core @param {string} message @param {string} hint */
function tooLong(core, message, hint) {
  const { EMSGSIZE } = constants.errno
  return coded(Error, 'EMSGSIZE', message, { errno: -EMSGSIZE, syscall: 'msgsnd', id: core.number, hint })
}

/** The kernel has refused a message: the error to be thrown. @param {QueueCore} core @param {number} length @param {any} error */
export function refusal(core, length, error) {
  if (error.code !== 'EINVAL') return error
  const limit = native.sysvQueueLimit()
  if (length <= limit) return error
  return tooLong(
    core,
    `EMSGSIZE: a message has at most ${limit} bytes here, and this has ${length}`,
    'the limit is /proc/sys/kernel/msgmax: raise it with sysctl kernel.msgmax',
  )
}

/** There is no room for a message: throws if there never will be. @param {QueueCore} core @param {number} length */
export function refuseForEver(core, length) {
  let limit
  try {
    limit = native.sysvQueueStat(core.id).maxBytes
  } catch {
    // Who may write need not be allowed to read; and what else is wrong the next call will tell.
    return
  }
  if (length <= limit) return
  throw tooLong(
    core,
    `EMSGSIZE: this queue holds at most ${limit} bytes, and the message has ${length}`,
    "the limit is the queue's maxBytes, which set({ maxBytes }) raises up to /proc/sys/kernel/msgmnb: raise that with sysctl kernel.msgmnb",
  )
}
