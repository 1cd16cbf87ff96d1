/**
 * Classes that give permits instead of messages: semaphores, locks. Their permits are all alike, so here they get numbers,
 * and the faults are the same for them as for messages: a permit is lost, or given twice, where a number is missing.
 */

/** What has been given and taken of one object, as far as this process knows. */
class Permits {
  /** Given here and not taken yet. @type {number[]} */
  given = []
  /** The number of the next one, where it was given by another process: these count from 0. */
  next = 0

  take() {
    const number = this.given.shift() ?? this.next
    this.next = number + 1
    return [number]
  }
}

/**
 * @typedef {object} Primitives what a class of permits says of itself, beside what every class does
 * @property {Record<string, (handle: any, options: object) => Promise<any>>} acquires every way to wait for a permit
 * @property {(handle: any) => boolean} tryAcquire
 * @property {(handle: any, options?: object) => any} acquireSync
 * @property {(handle: any) => any} give one permit more; a lock is given by whoever holds it
 * @property {(handle: any) => boolean} [tryGive] where there cannot be any number of permits
 */

/**
 * @template {Record<string, any> & Primitives & { name: string, open: (context: any) => Promise<any> }} T
 * @param {T} primitives
 */
export function permits({ acquires, tryAcquire, acquireSync, give, tryGive, ...kind }) {
  /** @type {WeakMap<object, Permits>} */
  const states = new WeakMap()
  const of = (handle) => {
    const state = states.get(handle) ?? new Permits()
    states.set(handle, state)
    return state
  }
  /** The ends of one object, in one process. */
  const together = (...handles) => {
    const state = of(handles[0])
    for (const handle of handles) states.set(handle, state)
    return handles[0]
  }
  const [first, ...others] = Object.entries(acquires)
  const receive = (acquire) => async (handle, options) => {
    await acquire(handle, options)
    return of(handle).take()
  }
  return {
    stream: false,
    ends: false,
    batches: false,
    divides: false,
    much: {},
    ...kind,

    encode: (first) => first,
    receives: {
      recv: receive(first[1]),
      ...Object.fromEntries(others.map(([name, acquire]) => [name, receive(acquire)])),
    },
    tryRecv: (handle) => (tryAcquire(handle) ? of(handle).take() : undefined),
    recvSync(handle, options) {
      acquireSync(handle, options)
      return of(handle).take()
    },
    /** A wait with nothing around it. */
    begin: kind.begin ?? ((handle) => first[1](handle, undefined)),

    async send(handle, number) {
      const { given } = of(handle)
      given.push(number)
      try {
        await give(handle)
      } catch (error) {
        given.splice(given.indexOf(number), 1)
        throw error
      }
    },
    trySend(handle, number) {
      if (tryGive === undefined) give(handle)
      else if (!tryGive(handle)) return false
      of(handle).given.push(number)
      return true
    },
    sendSync(handle, number) {
      give(handle)
      of(handle).given.push(number)
    },

    async open(context) {
      const ends = await kind.open(context)
      together(ends.sender, ends.receiver)
      return ends
    },
    ...(kind.another && {
      another(handle) {
        const another = kind.another(handle)
        together(handle, another)
        return another
      },
    }),
  }
}
