/** Unix sockets: what holds for them beside what the conformance suite asks of every transport. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Handle, SocketMessage, UnixSocket } from '../index.js'

const limit = { timeout: 20_000 }

describe('a pair', limit, () => {
  test('knows who made it, and says so of each message', async () => {
    for (const type of /** @type {const} */ (['stream', 'datagram', 'seqpacket'])) {
      const [one, other] = UnixSocket.pair(type)
      try {
        assert.ok(one instanceof UnixSocket && one instanceof Handle)
        const me = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() }
        assert.deepEqual([one.type, one.address, { ...one.peer }], [type, null, me])
        await one.send('hello')
        const message = await other.recv()
        assert.ok(message instanceof SocketMessage)
        assert.equal(String(message.data), 'hello')
        assert.deepEqual({ ...message.credentials }, me)
        assert.deepEqual([message.truncated, message.fdCount, message.fds], [false, 0, []])
      } finally {
        one.close()
        other.close()
      }
    }
  })
})
