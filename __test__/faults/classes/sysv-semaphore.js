import { randomInt } from 'node:crypto'
import { SysvSemaphoreSet } from '../../../index.js'
import { leftovers } from '../harness/leftovers.js'
import { opened } from '../harness/opened.js'
import { permits } from '../harness/permits.js'

/** Semaphore sets: permits are given and taken of the second semaphore. Both ends are handles of one set. */
const INDEX = 1

const { note, drop } = leftovers('sysv-semaphores', (key) => {
  const set = SysvSemaphoreSet.open(key)
  set.remove()
  set.close()
})

function create() {
  const key = randomInt(1, 2 ** 31)
  note(key)
  return SysvSemaphoreSet.open(key, { create: true, exclusive: true, values: [3, 0, 0] })
}

export default permits({
  name: 'sysv-semaphore',
  /** No descriptor is spent on a handle. */
  descriptors: false,
  forgotten: true,
  threads: true,
  most: 200,
  /** Different lists are served in no order. */
  unordered: true,
  keepsPlace: true,
  failingCalls: { semget: ['ENOSPC', 'ENOMEM'], semop: ['ENOMEM'] },

  acquires: {
    acquire: (set, options) => set.at(INDEX).acquire(options),
    operate: (set, options) => set.operate([{ index: INDEX, op: -1 }], options),
    several(set, options) {
      const operations = [
        { index: INDEX, op: -1 },
        { index: 2, op: 0 },
      ]
      return set.operate(operations, options)
    },
  },
  tryAcquire: (set) => set.at(INDEX).tryAcquire(),
  acquireSync: (set, options) => set.at(INDEX).acquireSync(options),
  give: (set) => set.at(INDEX).release(),

  another: (end) => end.dup(),

  calls({ sender, receiver }) {
    const list = [
      { index: 0, op: -1 },
      { index: INDEX, op: 1 },
    ]
    return {
      at: () => receiver.at(0),
      operate: () => receiver.operate(list),
      'operate that never waits': () => receiver.operate(list, { timeout: 0 }),
      tryOperate: () => sender.tryOperate(list),
      operateSync: () => sender.operateSync(list, { timeout: 0 }),
      values: () => receiver.values,
      setValues: () => sender.setValues([1, 2, 3]),
      setValue: () => sender.setValue(0, 1),
      stat: () => receiver.stat(),
      set: () => sender.set({}),
      remove: () => sender.remove(),
      dup: () => receiver.dup(),
      detach: () => receiver.detach(),
    }
  },

  onThreads: ({ receiver, sender }) => [receiver.at(INDEX).acquire(), sender.operate([{ index: 0, op: 0 }])],

  async open() {
    const sender = create()
    const receiver = sender.dup()
    const { id, key } = sender
    return {
      ...opened(sender, receiver, () => drop(key)),
      /** @param {'sender' | 'receiver'} side */
      share: (side) => ({ side, parcel: { id } }),
    }
  },

  /** @param {import('../harness/context.js').Context} context */
  async offer(context) {
    const near = create()
    const { id, key } = near
    context.defer(() => drop(key))
    return { parcel: { id }, meet: async () => near }
  },

  names: {
    place() {
      const key = randomInt(1, 2 ** 31)
      note(key)
      return key
    },
    make: (key) => SysvSemaphoreSet.open(key, { create: true, exclusive: true }),
    drop,
  },

  /** What a worker opens the receiver by, which stays open here too. @param {any} ends */
  inWorker: ({ receiver }) => ({ id: receiver.id }),

  /** @param {{ id: number }} parcel */
  async join({ id }) {
    return SysvSemaphoreSet.fromId(id)
  },

  /** @param {import('../harness/context.js').Context} context */
  async wait(context) {
    const { sender, receiver } = await this.open(context)
    const { signal } = new AbortController()
    const pending = [receiver.at(2).with(() => {})]
    for (let i = 0; i < 8; i++) {
      pending.push(receiver.at(INDEX).acquire({ signal }), sender.at(INDEX).acquire({ timeout: 600_000 }))
      pending.push(
        receiver.operate(
          [
            { index: 0, op: 0 },
            { index: INDEX, op: 1 },
          ],
          { signal },
        ),
      )
    }
    return { pending, handles: [sender, receiver] }
  },
})
