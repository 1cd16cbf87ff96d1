import { ask, canAsk } from '../ask.js'
import { exitCodes, UsageError } from '../command.js'
import { visible } from '../escape.js'
import { plural } from './figures.js'
import { findAll } from './find.js'
import { inUse } from './in-use.js'
import { shownCall } from './kinds.js'
import { userName } from './people.js'
import { assertRemovable, remove } from './remove.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

/** @param {import('../command.js').Call} call */
export async function runRm({ options, operands, out, err, signal }) {
  if (operands.length === 0) throw new UsageError('which object? os-ipc ls shows them (see os-ipc rm --help)')
  const objects = findAll(operands)
  for (const object of objects) assertRemovable(object)
  const refusals = options.force ? [] : objects.flatMap(refusal)
  for (const line of refusals) err.write(`os-ipc rm: ${line}\n`)
  if (refusals.length > 0) {
    err.write('os-ipc rm: nothing was removed; --force does it all the same\n')
    return exitCodes.failed
  }
  if (!options.yes) {
    if (!canAsk()) throw new UsageError('there is no terminal to ask on: --yes removes without asking')
    for (const object of objects) err.write(`${shownCall(object)}${contents(object)}\n`)
    if (!(await ask(`Remove ${plural(objects.length, 'object')}?`, signal))) {
      err.write('os-ipc rm: nothing was removed\n')
      return exitCodes.failed
    }
  }
  return removeEach(objects, out, err)
}

/** @param {IpcObject} object */
function refusal(object) {
  const uid = process.geteuid?.()
  if (object.uid !== uid) return [`${shownCall(object)} is ${userName(object.uid)}'s`]
  const why = inUse(object)
  return why === undefined ? [] : [`${shownCall(object)} is ${why}`]
}

/** @param {IpcObject} object */
function contents({ messages }) {
  return messages ? `, with ${plural(messages, 'message')}` : ''
}

/**
 * @param {IpcObject[]} objects
 * @param {import('../terminal.js').Terminal} out
 * @param {import('../terminal.js').Terminal} err
 */
function removeEach(objects, out, err) {
  let failed = false
  for (const object of objects) {
    try {
      remove(object)
      out.write(`removed ${shownCall(object)}\n`)
    } catch (error) {
      failed = true
      const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
      err.write(`os-ipc rm: ${shownCall(object)}: ${visible(message)}${code === 'EACCES' ? ' (not permitted)' : ''}\n`)
    }
  }
  return failed ? exitCodes.failed : exitCodes.done
}
