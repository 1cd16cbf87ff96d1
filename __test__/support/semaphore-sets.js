/** Semaphore sets that go with their test, and what the kernel says is there. */
import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import { SysvSemaphoreSet } from '../../index.js'

/** Ids of sets, whoever has made them. */
export function setIds() {
  const [, ...lines] = readFileSync('/proc/sysvipc/sem', 'utf8').trim().split('\n')
  return lines.map((line) => Number(line.trim().split(/\s+/)[1]))
}

/** @type {SysvSemaphoreSet[]} */
const made = []

/** A set that is removed at the end of the spec, whatever becomes of it before. @param {number[]} values */
export function newSet(...values) {
  return removedAfter(SysvSemaphoreSet.open('private', { values }))
}

/** @param {SysvSemaphoreSet} set */
export function removedAfter(set) {
  made.push(set, set.dup())
  return set
}

/** To be called once in each spec that makes sets. */
export function removeSetsAfter() {
  after(() => {
    for (const set of made.splice(0)) {
      if (!set.closed && setIds().includes(set.id)) set.remove()
      set.close()
    }
  })
}
