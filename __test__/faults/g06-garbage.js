import assert from 'node:assert/strict'
import { descriptorList, descriptors } from './harness/proc.js'
import { turn, until } from './harness/time.js'

/** Handles that cost no descriptor, and have been neither closed nor collected. @type {Set<WeakRef<object>>} */
const handles = new Set()

/** What is open, by the descriptors where there are any. */
function openOnes(kind) {
  if (kind.descriptors !== false) return descriptors()
  for (const handle of handles) if (handle.deref()?.closed !== false) handles.delete(handle)
  return handles.size
}

async function openEnds(kind, context) {
  const ends = await kind.open(context)
  if (kind.descriptors === false) for (const end of [ends.sender, ends.receiver]) handles.add(new WeakRef(end))
  return ends
}

/** Forgotten in each state that a handle can be in without waiting: new, used, waited on before, given to a stream. */
async function forget(kind, context, streams) {
  const ends = await openEnds(kind, context)
  const state = context.random.integer(0, 3)
  if (state === 1) {
    kind.trySend(ends.sender, kind.encode(1))
    kind.tryRecv(ends.receiver)
  } else if (state === 2) {
    const waits = kind.receives.recv(ends.receiver, {})
    kind.trySend(ends.sender, kind.encode(1))
    await waits
  } else if (state === 3 && kind.stream && ends.receiver.readable) {
    streams.push(new WeakRef(ends.receiver.readable()), new WeakRef(ends.sender.writable()))
  }
  if (ends.unlink !== undefined) ends.unlink()
}

export default {
  id: 'G6',
  campaign: 'leak',
  promise: 'forgotten handles are closed by the garbage collector with one warning; what is waited on stays',
  fits: (kind) => kind.descriptors !== false || kind.forgotten,
  launch: { execArgv: ['--expose-gc'] },

  async run(kind, context) {
    const warnings = []
    process.on('warning', ({ code, detail }) => warnings.push({ code, detail }))
    const collected = globalThis.gc
    const figures = { forgotten: 0, keptWaiting: 0 }
    // Others on this machine are to have some too.
    const batch = Math.min(200, (kind.most ?? 1000) / 4)

    // The first wait starts what is there once for all.
    const first = await kind.open(context)
    await assert.rejects(kind.receives.recv(first.receiver, { timeout: 1 }))
    first.close()
    const before = openOnes(kind)

    // Each in a frame of its own, which holds on to nothing afterwards.
    while (context.goesOn()) await round(kind, context, batch, figures)
    await until('all descriptors are closed', async () => {
      collected()
      await turn()
      return openOnes(kind) <= before
    })
    assert.equal(warnings.length, 1, 'warnings')
    assert.equal(warnings[0].code, 'ERR_IPC_NOT_CLOSED')
    assert.match(warnings[0].detail, /at .*(g06-garbage|harness)/, 'the warning names the place where it was opened')
    return figures
  },
}

/** Pending receives whose handle only the package itself holds, by its end in another handle. */
async function waiting(kind, context) {
  const list = []
  const ways = Object.values(kind.receives)
  for (let i = 0; i < 3; i++) {
    const ends = await openEnds(kind, context)
    const promise = ways[i % ways.length](ends.receiver, {})
    list.push(kept(kind, ends.sender, promise))
    if (ends.unlink !== undefined) ends.unlink()
  }
  return list
}

function kept(kind, sender, promise) {
  return {
    async finish() {
      await kind.send(sender, kind.encode(7))
      assert.deepEqual(await promise, [7])
      sender.close()
    },
  }
}

/** Some are forgotten, and some that are waited on are not. */
async function round(kind, context, batch, figures) {
  // Nobody holds these handles, but somebody waits for a promise of theirs.
  const waited = await waiting(kind, context)
  const streams = []
  const held = openOnes(kind)
  for (let i = 0; i < batch; i++) await forget(kind, context, streams)
  assert.ok(openOnes(kind) > held, 'handles without descriptors: nothing was shown')
  await until('the descriptors of what was forgotten are closed', async () => {
    globalThis.gc()
    await turn()
    return openOnes(kind) <= held
  }).catch((error) => assert.fail(`${error.message}: ${descriptorList().slice(0, 60).join(', ')}`))
  for (const { finish } of waited) await finish()
  figures.forgotten += batch
  figures.keptWaiting += waited.length
  context.round()
}
