/** Topics of which a member writes what it likes into the memory, or takes it away. */
import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Topic } from '../index.js'
import { fixture, start } from './support/child.js'
import { newFolder } from './support/folder.js'

const MS = Number(process.env.OS_IPC_HOSTILE_MS ?? 1500)
const folder = newFolder()

describe('a topic in hostile hands', () => {
  for (const overflow of /** @type {const} */ (['wait', 'drop-oldest'])) {
    test(`${overflow}: random words make nobody crash, hang or grow`, async () => {
      const path = join(folder, overflow)
      Topic.open(path, { overflow, capacity: 16_384 }).close()
      const patience = MS + 30_000
      const attacker = start(fixture('topic-hostile.js'), ['attack', path, MS + 20_000], { patience })
      await attacker.says('attacks')
      const victim = start(fixture('topic-hostile.js'), ['victim', path, MS], { patience })
      const { came, longest, rss } = JSON.parse(await victim.succeeded())
      await attacker.kill()
      assert.ok(came.ERR_IPC_CORRUPT > 0, JSON.stringify(came))
      assert.ok(longest < 5000, `${longest} ms for a few calls that may wait for a few milliseconds`)
      assert.ok(rss < 400 * 1024 * 1024, `${rss} bytes`)
    })
  }

  test('a file that is shortened is ERR_IPC_CORRUPT, and no crash', async () => {
    const path = join(folder, 'shortened')
    const topic = Topic.open(path, { capacity: 65_536 })
    const subscription = await topic.subscribe()
    const other = await topic.subscribe()
    await topic.publish(Buffer.alloc(30_000))
    const receiving = other.recvMany().then(() => other.recv())
    truncateSync(path, 0)
    assert.throws(() => topic.publishSync(Buffer.alloc(30_000), { timeout: 100 }), { code: 'ERR_IPC_CORRUPT' })
    assert.throws(() => subscription.tryRecv(), { code: 'ERR_IPC_CORRUPT' })
    await assert.rejects(receiving, { code: 'ERR_IPC_CORRUPT' })
    await assert.rejects(topic.subscribe(), { code: 'ERR_IPC_CORRUPT' })
    assert.throws(() => Topic.open(path), { code: 'ERR_INVALID_ARG_VALUE' })
    for (const handle of [topic, subscription, other]) handle.close()
  })
})
