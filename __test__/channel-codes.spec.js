/** The errors that docs/channel.md names and that take more than two ends in one process: each is provoked once. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Channel, UnixSocket } from '../index.js'
import native from '../lib/load.js'
import { fixture, run, start } from './support/child.js'
import { needs } from './support/extras.js'
import { inside } from './support/inside.js'
import { descriptors } from './support/state.js'
import { keepAll, undoAfter } from './support/undo.js'

const { parcelOf, rebuild } = inside['handover.js']

undoAfter()

/** @param {any} [options] */
const pair = (options) => keepAll(/** @type {[Channel<any>, Channel<any>]} */ (Channel.pair(options)))

/** @param {string} code */
const coded = (code) => ({ code })

describe('an end of a channel', () => {
  test('that is none, or is in use, cannot be adopted, and its number stays as it is', async () => {
    const [a, b] = pair()
    await a.send('in use')
    await b.recv()
    const [socket, other] = UnixSocket.pair('seqpacket')
    keepAll([socket, other])
    for (const { fd } of [b, socket]) {
      const [copy] = native.descriptorsCopy([fd])
      const before = descriptors()
      assert.throws(() => Channel.fromFd(copy), coded('ERR_IPC_NOT_INITIALIZED'))
      assert.deepEqual(descriptors(), before)
      native.descriptorClose(copy)
    }
    await socket.send('as before')
    assert.equal(String((await other.recv())?.data), 'as before')
    await b.send('as before')
    assert.equal(String(await a.recv()), 'as before')
  })

  test('has one user: neither a duplicate nor a second process gets it', async () => {
    const [a, b] = pair()
    assert.throws(() => b.dup(), coded('ERR_IPC_EXCLUSIVE'))
    assert.equal(b.tryRecv(), undefined)
    await a.send('in use')
    const before = descriptors()
    // As a second process would that has its descriptors too.
    assert.throws(() => rebuild(parcelOf(b)), coded('ERR_IPC_EXCLUSIVE'))
    assert.deepEqual(descriptors(), before)
    assert.equal(String(await b.recv()), 'in use')
  })

  test('with handles that the process had no room for says so, and goes on', needs('prlimit'), async () => {
    const { code, stdout, stderr } = await run(fixture('channel-fds-lost.js'))
    assert.deepEqual([code, stderr], [0, ''])
    const { hint, ...rest } = JSON.parse(stdout)
    assert.deepEqual(rest, { message: 'lost', code: 'ERR_IPC_FDS_LOST', there: 'here', leaked: 0 })
    assert.match(hint, /RLIMIT_NOFILE|ulimit/)
  })
})

describe('another user at the other end', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
  /** @param {any} options */
  const stranger = (options) => {
    const [ours, theirs] = pair(options)
    return { ours, child: start(fixture('channel-as-nobody.js'), [], { handles: [theirs] }) }
  }

  test("is refused with 'structured', on both sides", async () => {
    const { ours, child } = stranger({ codec: 'structured' })
    await ours.send('from root')
    await assert.rejects(ours.recv(), coded('ERR_IPC_UNTRUSTED_OWNER'))
    for (const again of [() => ours.tryRecv(), () => ours.trySend('x')]) {
      assert.throws(again, coded('ERR_IPC_UNTRUSTED_OWNER'))
    }
    assert.equal(await child.succeeded(), 'ERR_IPC_UNTRUSTED_OWNER')
  })

  test('is known, and is lent no memory', async () => {
    const { ours, child } = stranger({})
    assert.equal(String(await ours.recv()), 'from a stranger')
    assert.equal(ours.peer?.uid, 65_534)
    for (const lend of [() => ours.reserve(10), () => ours.borrow(), async () => ours.tryReserve(10)]) {
      await assert.rejects(lend, coded('ERR_IPC_NOT_SUPPORTED'))
    }
    await ours.send('for a stranger')
    assert.equal(await child.succeeded(), 'for a stranger')
    assert.equal(await ours.recv(), null)
  })
})
