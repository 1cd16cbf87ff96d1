/**
 * System V semaphore sets: several counters, changed together or not at all. See semop(2).
 */
import { invalidType, invalidValue } from '../errors.js'
import { fix, Handle } from '../handle.js'
import native from '../load.js'
import { idOf, keyOf, openingKey } from '../sysv/key.js'
import { dateOf, openOptionsOf, ownershipOf } from '../sysv/permissions.js'
import { boolean, integer, objectOf, timeoutOf, waitOf } from '../validate.js'
import { SetCore, setOf } from './core.js'
import { amountOf, LONGEST, listOf, valuesOf } from './operations.js'
import { SetPermits } from './permits.js'

/** @typedef {import('../../index.js').SemaphoreOperation} SemaphoreOperation */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} WaitOptions */

/** @param {Record<string, any>} options @returns {{ count: number | undefined, values: number[] }} */
function contentOf({ count, values }) {
  const given = values === undefined ? undefined : valuesOf('options.values', values)
  if (count === undefined) return { count: given?.length, values: given ?? [] }
  const checked = integer('options.count', count, 1, LONGEST)
  if (given !== undefined && given.length !== checked) {
    throw invalidValue('options.values', values, `must have as many values as options.count says, ${checked}`)
  }
  return { count: checked, values: given ?? [] }
}

export class SysvSemaphoreSet extends Handle {
  /** @param {SetCore} core */
  constructor(core) {
    super(core)
    fix(this, 'key', core.key)
    fix(this, 'id', core.number)
    fix(this, 'count', core.count)
  }

  /**
   * @param {number | 'private'} key
   * @param {{ create?: boolean, exclusive?: boolean, mode?: number, count?: number, values?: number[] }} [options]
   */
  static open(key, options) {
    const number = keyOf(key)
    const given = objectOf(options)
    const { create, exclusive, mode } = openOptionsOf(given, number)
    const { count, values } = contentOf(given)
    const facts = openingKey(number, () => native.sysvSemaphoreOpen(number, create, exclusive, mode, count, values))
    return new SysvSemaphoreSet(new SetCore(facts))
  }

  /** @param {number} id */
  static fromId(id) {
    return new SysvSemaphoreSet(new SetCore(native.sysvSemaphoreFromId(idOf(id))))
  }

  dup() {
    const core = setOf(this)
    core.check()
    return /** @type {this} */ (new SysvSemaphoreSet(new SetCore(native.sysvSemaphoreDuplicate(core.id))))
  }

  /** @param {SemaphoreOperation[]} operations @param {WaitOptions} [options] @returns {Promise<void>} */
  operate(operations, options) {
    try {
      const core = setOf(this)
      const list = listOf(operations, core.count)
      const wait = waitOf(objectOf(options))
      core.check()
      return core.lineOf(list).operate(list, wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @param {SemaphoreOperation[]} operations */
  tryOperate(operations) {
    const core = setOf(this)
    const list = listOf(operations, core.count)
    core.check()
    return core.tryOperate(list)
  }

  /** @param {SemaphoreOperation[]} operations @param {{ timeout?: number }} [options] */
  operateSync(operations, options) {
    const core = setOf(this)
    const list = listOf(operations, core.count)
    const timeout = timeoutOf(objectOf(options))
    core.check()
    core.operateSync(list, timeout)
  }

  /** @param {number} index @param {{ undo?: boolean }} [options] */
  at(index, options) {
    const core = setOf(this)
    const place = integer('index', index, 0, core.count - 1)
    const undo = boolean('options.undo', objectOf(options).undo, false)
    core.check()
    return new SetPermits(this, place, undo)
  }

  get values() {
    const core = setOf(this)
    core.check()
    return native.sysvSemaphoreValues(core.id)
  }

  /** @param {number[]} values */
  setValues(values) {
    const core = setOf(this)
    const checked = valuesOf('values', values)
    if (checked.length !== core.count) {
      throw invalidValue('values', values, `must have as many values as there are semaphores, ${core.count}`)
    }
    core.check()
    native.sysvSemaphoreSetValues(core.id, checked)
  }

  /** @param {number} index @param {number} value */
  setValue(index, value) {
    const core = setOf(this)
    const place = integer('index', index, 0, core.count - 1)
    const checked = amountOf('value', value)
    core.check()
    native.sysvSemaphoreSetValue(core.id, place, checked)
  }

  stat() {
    const core = setOf(this)
    core.check()
    const { operated, changed, ...rest } = native.sysvSemaphoreStat(core.id)
    return { ...rest, operateTime: dateOf(operated), changeTime: new Date(changed * 1000) }
  }

  /** @param {{ uid?: number, gid?: number, mode?: number }} changes */
  set(changes) {
    const core = setOf(this)
    if (changes === undefined) throw invalidType('changes', 'an object', changes)
    const { uid, gid, mode } = ownershipOf(objectOf(changes, 'changes'))
    core.check()
    native.sysvSemaphoreSet(core.id, uid, gid, mode)
  }

  remove() {
    const core = setOf(this)
    core.check()
    native.sysvSemaphoreRemove(core.id)
  }
}
