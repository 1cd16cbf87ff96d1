import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'

/** What can happen to memory that was given away, while a call that has it waits. */
const ACCIDENTS = {
  fill: (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(0xee),
  transfer: (view) => structuredClone(view, { transfer: [view.buffer] }),
  detach: (view) => new MessageChannel().port1.postMessage(view, [view.buffer]),
  nothing: () => {},
}

/** Memory of each sort, with `data` in it. */
const SORTS = {
  array: (data) => new Uint8Array(data),
  middle: (data) => {
    const view = new Uint8Array(data.length + 64).subarray(32, 32 + data.length)
    view.set(data)
    return view
  },
  words: (data) => new BigUint64Array(new Uint8Array(data).buffer),
  dataView: (data) => new DataView(new Uint8Array(data).buffer),
  buffer: (data) => new Uint8Array(data).buffer,
  shared: (data) => {
    const view = new Uint8Array(new SharedArrayBuffer(data.length))
    view.set(data)
    return view
  },
  resizable: (data) => {
    const view = new Uint8Array(new ArrayBuffer(data.length, { maxByteLength: 2 * data.length }))
    view.set(data)
    return view
  },
}

const viewOf = (memory) => (ArrayBuffer.isView(memory) ? memory : new Uint8Array(memory))

export default {
  id: 'G14',
  campaign: 'hostile',
  fits: (kind) => kind.decode !== undefined,
  promise: 'memory that changes or is taken away while a send or receive waits: bytes as of the call, or an error',
  launch: { execArgv: ['--expose-gc'] },

  run: (kind, context) => context.shareOut([sends, receives], (part) => part(kind, context)),
}

async function sends(kind, context) {
  const { random } = context
  const figures = { sendsDisturbed: 0 }
  const ends = await kind.open(context)
  let next = 0
  while (context.goesOn()) {
    const records = kind.divides && random.chance(0.05) ? 20_000 : random.integer(1, 500)
    const count = kind.batches ? records : 1
    const expected = Array.from({ length: count }, (_, i) => next + i)
    const sort = random.pick(Object.keys(SORTS))
    const memory = SORTS[sort](kind.encode(next, count))
    next += count
    // Now and then it can be sent at once, in part or not at all.
    const ahead = random.pick([0, 0, 100, Number.POSITIVE_INFINITY])
    const filling = kind.encode(0, kind.batches ? 512 : 1)
    let full = 0
    while (full < ahead && kind.trySend(ends.sender, filling)) full += kind.batches ? 512 : 1
    const sending = kind.send(ends.sender, memory)
    const view = viewOf(memory)
    const accident = random.pick(Object.keys(ACCIDENTS))
    if (sort === 'resizable' && random.chance(0.5)) view.buffer.resize(random.integer(0, 8))
    else if (sort !== 'shared') ACCIDENTS[accident](view)
    else if (accident === 'fill') ACCIDENTS.fill(view)
    if (random.chance(0.1)) globalThis.gc()
    const numbers = []
    while (numbers.length < full + count) {
      const received = await kind.receives.recv(ends.receiver, { ...kind.much, timeout: 5000 })
      for (const number of received) numbers.push(number)
    }
    assert.deepEqual(numbers.slice(full), expected, `${sort}, ${accident}`)
    await sending
    figures.sendsDisturbed++
    context.round()
  }
  ends.close()
  return figures
}

async function receives(kind, context) {
  if (kind.receives.recvInto === undefined) return {}
  const { random } = context
  const figures = { receivesDisturbed: 0, refused: 0 }
  const ends = await kind.open(context)
  let next = 0
  while (context.goesOn()) {
    const room = new Uint8Array(4096).fill(0xaa)
    const resizable = random.chance(0.3)
    const target = resizable ? SORTS.resizable(room) : random.pick([SORTS.array, SORTS.middle, SORTS.dataView])(room)
    const options = random.chance(0.3) ? { timeout: 5000 } : {}
    const waits = ends.receiver.recvInto(target, options).then(
      (count) => ({ count }),
      (error) => ({ error }),
    )
    if (random.chance(0.3)) await turn()
    const accident = random.pick(['transfer', 'detach', 'nothing', 'shrink'])
    let lost = accident === 'transfer' || accident === 'detach'
    if (accident === 'shrink') {
      if (resizable) target.buffer.resize(random.integer(0, 1) * 16)
      // A packet does not go into less than it may have.
      lost = resizable && (target.buffer.byteLength === 0 || !(kind.divides || kind.parts || kind.whole))
    } else {
      ACCIDENTS[accident](target)
    }
    if (random.chance(0.1)) globalThis.gc()
    const number = next++
    assert.ok(kind.trySend(ends.sender, kind.encode(number)))
    const { count, error } = await waits
    if (lost) {
      assert.equal(error?.code, 'ERR_INVALID_STATE', `${accident}: ${error?.stack ?? count}`)
      // It has taken nothing.
      assert.deepEqual(await kind.receives.recv(ends.receiver, { timeout: 5000 }), [number])
      figures.refused++
    } else {
      assert.deepEqual(kind.decode(new Uint8Array(target.buffer, target.byteOffset, count)), [number])
    }
    figures.receivesDisturbed++
    context.round()
  }
  ends.close()
  return figures
}
