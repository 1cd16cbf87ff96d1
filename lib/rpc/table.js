/**
 * Calls without an answer, by id. Ids are this side's to choose: one says where its call stands, and how often that place has
 * been used, so that a late answer finds nobody.
 */
import { randomInt } from 'node:crypto'

/** Places, far more than calls there can be. */
const PLACES = 2 ** 20
/** How often each may be used, beginning anywhere. */
const ROUNDS = 2 ** 32

/** @template {{ id: number }} T */
export class Table {
  /** @type {Array<T | undefined>} */
  #places = []
  /** @type {number[]} */
  #free = []
  #round = randomInt(ROUNDS)
  size = 0

  /** An id that nobody has. It is to be used by `set`, or given back by `release`. */
  reserve() {
    const place = this.#free.pop() ?? this.#places.push(undefined) - 1
    this.#round = (this.#round + 1) % ROUNDS
    return this.#round * PLACES + place
  }

  /** @param {number} id that is not used after all */
  release(id) {
    this.#free.push(id % PLACES)
  }

  /** @param {T} call */
  set(call) {
    this.#places[call.id % PLACES] = call
    this.size++
  }

  /** @param {unknown} id @returns {T | undefined} */
  get(id) {
    if (typeof id !== 'number') return undefined
    const call = this.#places[id % PLACES]
    return call !== undefined && call.id === id ? call : undefined
  }

  /** @param {number} id @returns {boolean} whether it was there */
  delete(id) {
    if (this.get(id) === undefined) return false
    this.#places[id % PLACES] = undefined
    this.release(id)
    this.size--
    return true
  }

  /** Takes all of them out. @returns {T[]} */
  clear() {
    const all = this.#places.filter((call) => call !== undefined)
    for (const { id } of all) this.delete(id)
    return all
  }
}
