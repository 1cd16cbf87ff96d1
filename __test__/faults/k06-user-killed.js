import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { Progress, progressOf } from './harness/progress.js'
import { turnFor, until, within } from './harness/time.js'

const OUTLIVES = ['posix-queue', 'sysv-queue', 'posix-semaphore', 'sysv-semaphore', 'unix-datagram']

/** What belongs to the kernel, or to all who have the memory. */
export default {
  id: 'K6',
  campaign: 'kill',
  looks: ['sysv-queue', 'posix-semaphore'],
  promise:
    'whoever uses what outlives its users is killed at any moment: what was given for certain is there, and at most the one that was being received is gone',
  fits: (kind) => OUTLIVES.includes(kind.name),
  short: 800,

  roles: {
    async giveForEver(kind, context) {
      const progress = new Progress(context.data)
      for (let next = 0; ; next++) {
        await kind.send(context.near, kind.encode(next))
        progress.add(next)
        // A semaphore has room for any number, and they all have to be taken.
        if (context.random.chance(kind.fill ? 0.01 : 0.2)) await turnFor(context.random.float())
      }
    },
    async takeForEver(kind, context) {
      const progress = new Progress(context.data)
      const ways = Object.values(kind.receives)
      for (;;) for (const number of await context.random.pick(ways)(context.near, {})) progress.add(number)
    },
  },

  run: (kind, context) =>
    context.shareOut(kind.name === 'unix-datagram' ? [giverKilled] : [giverKilled, takerKilled], (part) =>
      part(kind, context),
    ),
}

/** @param {any} kind @param {import('./harness/context.js').Context} context */
async function giverKilled(kind, context) {
  const figures = { kills: 0, messages: 0 }
  while (context.goesOn()) {
    const path = context.path()
    writeFileSync(path, '')
    const { near, peer } = await context.meet('sender', 'giveForEver', path, { ends: { signal: 'SIGKILL' } })
    const ways = Object.values(kind.receives)
    let [next, over] = [0, false]
    const add = (numbers) => {
      for (const number of numbers ?? []) assert.equal(number, next++, 'lost, or out of order')
    }
    const receiving = (async () => {
      while (!over) {
        await context.random
          .pick(ways)(near, { timeout: 20 })
          .then(add, (error) => {
            if (error.code !== 'ETIMEDOUT') throw error
          })
      }
    })()
    await until('it has begun', () => next > 0)
    await turnFor(context.random.float() * 20)
    peer.kill('SIGKILL')
    await peer.done()
    over = true
    await within(10_000, 'the last receive', receiving)
    for (let numbers = kind.tryRecv(near); numbers !== undefined; numbers = kind.tryRecv(near)) add(numbers)
    const settled = progressOf(path).length
    assert.ok(next === settled || next === settled + 1, `${settled} were given for certain, ${next} have come`)
    near.close()
    figures.kills++
    figures.messages += next
    context.round()
  }
  return figures
}

/** @param {any} kind @param {import('./harness/context.js').Context} context */
async function takerKilled(kind, context) {
  const figures = { killsOfReceivers: 0, lostWithTheKilled: 0 }
  while (context.goesOn()) {
    const path = context.path()
    writeFileSync(path, '')
    const { near, peer } = await context.meet('receiver', 'takeForEver', path, { ends: { signal: 'SIGKILL' } })
    let [given, over] = [0, false]
    const giving = (async () => {
      while (!over) {
        if (kind.trySend(near, kind.encode(given))) given++
        if (context.random.chance(0.5)) await turnFor(context.random.float() * 0.2)
      }
    })()
    await until('it has begun', () => statSync(path).size > 0)
    await turnFor(context.random.float() * 20)
    peer.kill('SIGKILL')
    await peer.done()
    over = true
    await giving
    const received = progressOf(path)
    for (const [i, number] of received.entries()) assert.equal(number, i, 'received out of order')
    let left = 0
    for (let numbers = kind.tryRecv(near); numbers !== undefined; numbers = kind.tryRecv(near)) {
      left += numbers.length
      if (!kind.unordered) assert.ok(numbers[0] >= received.length, 'received twice')
    }
    const lost = given - received.length - left
    assert.ok(lost === 0 || lost === 1, `${lost} are lost with one kill`)
    figures.lostWithTheKilled += lost
    near.close()
    figures.killsOfReceivers++
    context.round()
  }
  return figures
}
