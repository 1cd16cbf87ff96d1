/**
 * Child processes that are given open handles: Node's own spawn, with descriptors behind the last one of `stdio`.
 */
import * as childProcess from 'node:child_process'
import { invalidType, invalidValue } from '../errors.js'
import { parcelOf } from '../handover.js'
import { written } from './environment.js'
import { fileOf } from './file.js'
import { slotsOf } from './stdio.js'

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {ReturnType<typeof parcelOf>} Parcel */

/**
 * @param {any} command
 * @param {any} [args]
 * @param {any} [options]
 * @returns {any}
 */
export function spawn(command, args, options) {
  const [words, given] = isPlainObject(args) ? [[], args] : [args, options]
  // What is wrong with the rest is for Node to say.
  if (!isPlainObject(given)) return childProcess.spawn(command, words, given)
  const { handles, ...rest } = given
  const named = handlesOf(handles)
  const slots = slotsOf(rest.stdio)
  if (named.length === 0 || slots === undefined) return childProcess.spawn(command, words, rest)
  // What may run code of the caller's comes before the handles are looked at.
  const env = copyOf(rest.env || process.env)
  const luggage = new Luggage(named, slots)
  Object.assign(env, written(luggage.given))
  return luggage.travel(() => childProcess.spawn(command, words, { ...rest, stdio: slots, env }))
}

/** What the child is given, and what becomes of it here. */
class Luggage {
  /** @param {Array<[string, unknown]>} named @param {any[]} slots which the descriptors are put behind */
  constructor(named, slots) {
    /** @type {Parcel[]} */
    this.parcels = []
    /** @type {Map<string, import('./environment.js').Given>} */
    this.given = new Map()
    const moving = new Set()
    for (const [name, handle] of named) {
      const label = `options.handles.${name}`
      const parcel = parcelOf(handle, label)
      if (parcel.moves && moving.size === moving.add(handle).size) {
        throw invalidValue(label, handle, 'moves to the child, and cannot be given to it twice')
      }
      this.parcels.push(parcel)
      const { kind, fds, meta } = parcel
      const files = fds.map((fd) => fileOf(fd) ?? '')
      this.given.set(name, { kind, fds: fds.map((fd) => slots.push(fd) - 1), files, meta })
    }
  }

  /**
   * Where nothing was started, everything stays as it was.
   * @param {() => ChildProcess} start
   */
  travel(start) {
    const leaving = []
    let child
    try {
      for (const parcel of this.parcels) {
        parcel.leave()
        leaving.push(parcel)
      }
      child = start()
    } finally {
      if (child?.pid === undefined) for (const { stay } of leaving) stay()
    }
    if (child.pid !== undefined) for (const { handedOver } of this.parcels) handedOver()
    return child
  }
}

/** @param {any} handles @returns {Array<[string, unknown]>} */
function handlesOf(handles) {
  if (handles === undefined) return []
  if (!isPlainObject(handles)) throw invalidType('options.handles', 'an object of handles by name', handles)
  return Object.entries(handles)
}

/** @param {any} value */
function isPlainObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** As Node reads it, with what it inherits. @param {Record<string, any>} env @returns {Record<string, any>} */
function copyOf(env) {
  const copy = Object.create(null)
  for (const name in env) copy[name] = env[name]
  return copy
}
