/** What a spec has made, and gives up at its end or after each of its tests, the last first. */
import { after, afterEach } from 'node:test'

/** @type {Array<() => unknown>} */
export const undo = []

async function undoAll() {
  for (const step of undo.splice(0).reverse()) await step()
}

/** To be called once in a spec that does it at its end. */
export function undoAfter() {
  after(undoAll)
}

/** To be called once in a spec that does it after each test. */
export function undoAfterEach() {
  afterEach(undoAll)
}

/** Has it closed then. @template {{ close(): unknown }} H @param {H} handle @returns {H} */
export function keep(handle) {
  undo.push(() => handle.close())
  return handle
}

/** @template {Array<{ close(): unknown }>} H @param {H} handles @returns {H} */
export function keepAll(handles) {
  for (const handle of handles) keep(handle)
  return handles
}
