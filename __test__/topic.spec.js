/** Topics: what holds for them beside what the conformance suite asks of every transport. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Channel, select, Topic } from '../index.js'
import { fixture, run, start } from './support/child.js'
import { threads, turn, until } from './support/state.js'
import { unsendable } from './support/unsendable.js'

/** @typedef {import('../index.js').Handle} Handle */

/** @type {Handle[]} */
const made = []
/** @type {Set<string>} */
const addresses = new Set()
const folder = mkdtempSync(join(tmpdir(), 'os-ipc-topic-'))
after(() => {
  for (const handle of made) handle.close()
  for (const address of addresses) {
    try {
      Topic.unlink(address)
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'ENOENT') throw error
    }
  }
  rmSync(folder, { recursive: true })
})

/** @template {Handle} H @param {H} handle @returns {H} */
function keep(handle) {
  made.push(handle)
  return handle
}

let last = 0
function newAddress() {
  const address = `@os-ipc-spec-${process.pid}-${++last}`
  addresses.add(address)
  return address
}

/** @param {any} [options] @param {string} [address] @returns {Topic<any> & { address: string }} */
function topicOf(options, address = newAddress()) {
  return /** @type {any} */ (keep(Topic.open(address, options)))
}

/** @param {Topic<any>} topic @param {any} [options] */
async function subscribed(topic, options) {
  return keep(await topic.subscribe(options))
}

/** @type {ReturnType<typeof start>[]} */
const peers = []
afterEach(() => {
  for (const child of peers.splice(0)) child.process.kill('SIGKILL')
})

/** @param {string} how @param {string} address @param {...(string | number)} words */
function peer(how, address, ...words) {
  const child = start(fixture('topic-peer.js'), [how, address, ...words])
  peers.push(child)
  return child
}

/** @param {string} code */
const coded = (code) => ({ code })

/** Publishes until nothing more fits. @param {Topic<any>} topic */
function fill(topic, message = Buffer.alloc(100)) {
  let count = 0
  while (topic.tryPublish(message)) count++
  return count
}

describe('one to many', () => {
  test('every subscriber receives every message, in order, at its own pace', async () => {
    const topic = topicOf()
    const fast = await subscribed(topic)
    const slow = await subscribed(topic)
    const sizes = [0, 1, 7, 8, 9, 100, 4096, 8193, 100_000]
    for (const size of sizes) await topic.publish(Buffer.alloc(size, size))
    for (const size of sizes) assert.deepEqual(await fast.recv(), Buffer.alloc(size, size))
    await topic.publish('more')
    assert.equal(String(fast.tryRecv()), 'more')
    assert.equal(fast.tryRecv(), undefined)
    for (const size of sizes) assert.deepEqual(slow.recvSync(), Buffer.alloc(size, size))
    assert.equal(String(slow.tryRecv()), 'more')
    assert.deepEqual([fast.missed, slow.missed], [0, 0])
  })

  test('who comes later receives what is published from then on', async () => {
    const topic = topicOf()
    await topic.publish('before')
    const subscription = await subscribed(topic)
    await topic.publish('after')
    assert.equal(String(await subscription.recv()), 'after')
  })

  test('without subscribers nothing waits', async () => {
    const topic = topicOf({ capacity: 4096 })
    for (let i = 0; i < 1000; i++) await topic.publish(Buffer.alloc(1000))
  })

  test('history gives the last messages that are still there first', async () => {
    const topic = topicOf({ capacity: 4096 })
    for (let i = 0; i < 100; i++) await topic.publish(Buffer.alloc(100, i))
    const all = await subscribed(topic, { history: Number.POSITIVE_INFINITY })
    const three = await subscribed(topic, { history: 3 })
    await topic.publish('new')
    const firsts = []
    for (let message = three.tryRecv(); message; message = three.tryRecv()) firsts.push(message[0])
    assert.deepEqual(firsts, [97, 98, 99, 'n'.charCodeAt(0)])
    const messages = await all.recvMany()
    assert.equal(messages.length, Math.floor(4096 / 112) + 1)
    assert.equal(messages[0][0], 100 - Math.floor(4096 / 112))
    assert.equal(all.missed, 0)
  })

  test('recvMany takes what is there, up to max and 256 KiB', async () => {
    const topic = topicOf()
    const subscription = await subscribed(topic)
    for (let i = 0; i < 10; i++) topic.publishSync(Buffer.alloc(60_000))
    assert.equal((await subscription.recvMany({ max: 2 })).length, 2)
    assert.equal((await subscription.recvMany()).length, 5)
    assert.equal((await subscription.recvMany()).length, 3)
  })

  test('values come out as they went in, whichever codec', async () => {
    const value = { text: 'ä', list: [1, { deep: true }] }
    const json = topicOf({ codec: 'json' })
    const values = await subscribed(json)
    await json.publish(value)
    assert.deepEqual(await values.recv(), value)
    const structured = topicOf({ codec: 'structured' })
    const things = await subscribed(structured)
    const thing = { when: new Date(0), map: new Map([[1, new Uint8Array(3)]]) }
    await structured.publish(thing)
    assert.deepEqual(await things.recv(), thing)
    for (const nothing of [null, undefined]) {
      assert.throws(() => json.tryPublish(nothing), coded('ERR_INVALID_ARG_VALUE'))
    }
  })

  for (const codec of /** @type {const} */ (['json', 'structured'])) {
    test(`that have no bytes with the codec '${codec}' are bad input, and nothing of them is published`, async () => {
      const topic = topicOf({ codec })
      const subscription = await subscribed(topic)
      for (const { message, refused } of unsendable(codec)) {
        await assert.rejects(topic.publish(message), refused)
        await assert.rejects(topic.publish(message, { timeout: 1000 }), refused)
        assert.throws(() => topic.tryPublish(message), refused)
        assert.throws(() => topic.publishSync(message), refused)
      }
      assert.equal(subscription.tryRecv(), undefined)
      await topic.publish({ whole: true })
      assert.deepEqual(await subscription.recv(), { whole: true })
    })
  }

  test('several processes publish and several receive, each publisher in its order', async () => {
    const address = newAddress()
    topicOf({ capacity: 65_536 }, address)
    const receivers = [0, 1, 2].map(() => peer('count', address, 1500))
    await Promise.all(receivers.map((child) => child.says('subscribed')))
    const publishers = ['a', 'b', 'c'].map((name) => peer('publish', address, name, 500))
    await Promise.all(publishers.map((child) => child.succeeded()))
    for (const child of receivers) {
      const { received, missed, next } = JSON.parse((await child.succeeded()).split('\n')[1])
      assert.deepEqual(
        { received, missed, next: next.sort() },
        {
          received: 1500,
          missed: 0,
          next: [
            ['a', 500],
            ['b', 500],
            ['c', 500],
          ],
        },
      )
    }
  })

  test('a message that is as long as the ring goes through, a longer one is EMSGSIZE', async () => {
    const topic = topicOf({ capacity: 4096 })
    const subscription = await subscribed(topic)
    for (const overflow of [4089, 10_000]) {
      await assert.rejects(topic.publish(Buffer.alloc(overflow)), coded('EMSGSIZE'))
      assert.throws(() => topic.tryPublish(Buffer.alloc(overflow)), coded('EMSGSIZE'))
    }
    for (let i = 0; i < 3; i++) {
      await topic.publish(Buffer.alloc(4088, i))
      assert.deepEqual(await subscription.recv(), Buffer.alloc(4088, i))
    }
  })

  test('the bytes are those of the call', async () => {
    const topic = topicOf({ capacity: 4096 })
    const subscription = await subscribed(topic)
    fill(topic)
    const bytes = Buffer.alloc(200, 'as it was')
    const publishing = topic.publish(bytes)
    bytes.fill(0)
    while (subscription.tryRecv());
    await publishing
    assert.deepEqual(await subscription.recv(), Buffer.alloc(200, 'as it was'))
  })
})

describe("overflow 'wait'", () => {
  test('publishers wait for the slowest subscriber, first come, first served', async () => {
    const topic = topicOf({ capacity: 4096 })
    const slow = await subscribed(topic)
    const fast = await subscribed(topic)
    const there = fill(topic)
    assert.equal(there, Math.floor(4096 / 112))
    const order = /** @type {number[]} */ ([])
    const pending = [1, 2, 3].map(async (number) => {
      await topic.publish(Buffer.alloc(100, number))
      order.push(number)
    })
    assert.equal(topic.tryPublish('x'), false)
    while (fast.tryRecv());
    await turn()
    assert.deepEqual(order, [])
    for (let i = 0; i < there; i++) await slow.recv()
    await Promise.all(pending)
    assert.deepEqual(order, [1, 2, 3])
    for (let i = 1; i <= 3; i++) assert.equal((await slow.recv())?.[0], i)
  })

  test('what does not fit is given up by a timeout or an abort, and not published', async () => {
    const topic = topicOf({ capacity: 4096 })
    const subscription = await subscribed(topic)
    const there = fill(topic)
    await assert.rejects(topic.publish(Buffer.alloc(100), { timeout: 10 }), coded('ETIMEDOUT'))
    await assert.rejects(topic.publish(Buffer.alloc(100), { timeout: 0 }), coded('ETIMEDOUT'))
    assert.throws(() => topic.publishSync(Buffer.alloc(100), { timeout: 10 }), coded('ETIMEDOUT'))
    const aborting = new AbortController()
    const publishing = topic.publish(Buffer.alloc(100), { signal: aborting.signal })
    const small = topic.publish('')
    aborting.abort(new Error('no more'))
    await assert.rejects(publishing, { message: 'no more' })
    // It stood behind what was given up, and there is room for it.
    await small
    for (let i = 0; i < there; i++) assert.equal((await subscription.recv())?.length, 100)
    assert.equal((await subscription.recv())?.length, 0)
    assert.equal(subscription.tryRecv(), undefined)
  })

  test('a subscriber that closes holds nobody up any more', async () => {
    const topic = topicOf({ capacity: 4096 })
    const subscription = await topic.subscribe()
    fill(topic)
    const publishing = topic.publish(Buffer.alloc(100))
    await turn()
    subscription.close()
    await publishing
  })

  for (const how of ['publish', 'publishSync']) {
    test(`a subscriber that is killed holds no ${how} up`, async () => {
      const topic = topicOf({ capacity: 4096 })
      const child = peer('hold', topic.address)
      await child.says('subscribed')
      fill(topic)
      if (how === 'publishSync') {
        // Nobody here can see its end while the thread is blocked.
        assert.throws(() => topic.publishSync(Buffer.alloc(100), { timeout: 30 }), coded('ETIMEDOUT'))
        child.process.kill('SIGKILL')
        topic.publishSync(Buffer.alloc(100), { timeout: 5000 })
      } else {
        const publishing = topic.publish(Buffer.alloc(100))
        await sleep(20)
        child.process.kill('SIGKILL')
        await publishing
      }
      await child.outcome
      for (let i = 0; i < 100; i++) assert.equal(topic.tryPublish(Buffer.alloc(100)), true)
    })
  }

  test('a subscriber that is stopped is not taken for dead', async () => {
    const topic = topicOf({ capacity: 4096 })
    const child = peer('count', topic.address, 100)
    await child.says('subscribed')
    child.process.kill('SIGSTOP')
    const there = fill(topic, Buffer.from('a:0:'))
    await assert.rejects(topic.publish(Buffer.alloc(4000), { timeout: 50 }), coded('ETIMEDOUT'))
    child.process.kill('SIGCONT')
    child.process.kill('SIGKILL')
    await child.outcome
    assert.ok(there > 0)
  })

  test('a subscription in a worker that is terminated holds nobody up', async () => {
    const topic = topicOf({ capacity: 4096 })
    const code = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.index).then(async ({ Topic }) => {
        globalThis.kept = await Topic.open(workerData.address).subscribe()
        globalThis.kept.tryRecv()
        parentPort.postMessage('subscribed')
        setInterval(() => {}, 1000)
      })`
    const index = new URL('../index.js', import.meta.url).href
    const worker = new Worker(code, { eval: true, workerData: { index, address: topic.address } })
    await new Promise((resolve) => worker.once('message', resolve))
    fill(topic)
    const publishing = topic.publish(Buffer.alloc(100))
    await turn()
    await worker.terminate()
    await publishing
  })
})

describe("overflow 'drop-oldest'", () => {
  test('publishers never wait, and what a subscriber misses is counted exactly', async () => {
    const topic = topicOf({ capacity: 4096, overflow: 'drop-oldest' })
    const slow = await subscribed(topic)
    const fast = await subscribed(topic)
    for (let i = 0; i < 1000; i++) {
      await topic.publish(Buffer.alloc(100, i & 255))
      assert.equal(fast.tryRecv()?.[0], i & 255)
    }
    const left = Math.floor(4096 / 112)
    assert.equal(slow.missed, 0)
    assert.equal((await slow.recv())?.[0], (1000 - left) & 255)
    assert.equal(slow.missed, 1000 - left)
    let received = 1
    while (slow.tryRecv()) received++
    assert.equal(received + slow.missed, 1000)
    assert.equal(fast.missed, 0)
  })

  test('under a flood from other processes nothing comes twice, torn or uncounted', async () => {
    const address = newAddress()
    topicOf({ capacity: 16_384, overflow: 'drop-oldest' }, address)
    const receivers = [0, 1].map(() => peer('count', address, 4000))
    await Promise.all(receivers.map((child) => child.says('subscribed')))
    const publishers = ['a', 'b'].map((name) => peer('publish', address, name, 2000))
    await Promise.all(publishers.map((child) => child.succeeded()))
    for (const child of receivers) {
      const { received, missed } = JSON.parse((await child.succeeded()).split('\n')[1])
      assert.equal(received + missed, 4000)
    }
  })

  test('timers go on under a flood of its own', async () => {
    const topic = topicOf({ overflow: 'drop-oldest' })
    let fired = false
    setTimeout(() => {
      fired = true
    }, 5)
    while (!fired) await topic.publish('x')
  })
})

describe('waiting', () => {
  test('a receive waits for a message of another process, on a thread for all of them', async () => {
    const topic = topicOf()
    const subscriptions = await Promise.all(Array.from({ length: 20 }, () => subscribed(topic)))
    const before = threads()
    const receiving = subscriptions.map((subscription) => subscription.recv())
    await until(() => threads() === before + 1 || threads() === before, 'one thread at most')
    assert.equal((await peer('publish', topic.address, 'a', 1).outcome).code, 0)
    for (const message of await Promise.all(receiving)) assert.equal(String(message), 'a:0:')
  })

  for (const how of ['wait', 'waitSync']) {
    test(`another process that has gone to sleep is woken (${how})`, async () => {
      const topic = topicOf()
      const child = peer(how, topic.address)
      await child.says('subscribed')
      await sleep(20)
      await topic.publish('hello')
      assert.match(await child.succeeded(), /hello/)
    })
  }

  test('a receive that is given up takes nothing', async () => {
    const topic = topicOf()
    const subscription = await subscribed(topic)
    await assert.rejects(subscription.recv({ timeout: 5 }), coded('ETIMEDOUT'))
    assert.throws(() => subscription.recvSync({ timeout: 5 }), coded('ETIMEDOUT'))
    const aborting = new AbortController()
    const receiving = subscription.recv({ signal: aborting.signal })
    aborting.abort(new Error('no more'))
    await assert.rejects(receiving, { message: 'no more' })
    await topic.publish('still there')
    assert.equal(String(await subscription.recv()), 'still there')
  })

  test('close rejects what waits, and the loop of for await ends quietly', async () => {
    const topic = topicOf({ capacity: 4096 })
    const subscription = await topic.subscribe()
    const receiving = subscription.recv()
    const looping = (async () => {
      for await (const _ of subscription) assert.fail('there is nothing')
    })()
    const other = await topic.subscribe()
    fill(topic)
    while (subscription.tryRecv());
    const publishing = topic.publish(Buffer.alloc(100))
    topic.close()
    await assert.rejects(publishing, coded('ERR_IPC_CLOSED'))
    subscription.close()
    await receiving.catch((error) => assert.equal(error.code, 'ERR_IPC_CLOSED'))
    await looping
    // A subscription outlives the handle that it was made by.
    assert.equal(other.tryRecv()?.length, 100)
    other.close()
    await assert.rejects(other.recv(), coded('ERR_IPC_CLOSED'))
    assert.throws(() => topic.tryPublish('x'), coded('ERR_IPC_CLOSED'))
    await assert.rejects(topic.subscribe(), coded('ERR_IPC_CLOSED'))
  })

  test('select takes from one of several subscriptions, and null once', async () => {
    const topics = [topicOf(), topicOf()]
    const [a, b] = await Promise.all(topics.map((topic) => subscribed(topic)))
    const selecting = select({ a, b })
    await turn()
    await topics[1].publish('of b')
    const [name, message] = await selecting
    assert.deepEqual([name, String(message)], ['b', 'of b'])
    await topics[0].publish('of a')
    assert.equal((await select({ a, b }))[0], 'a')
    await assert.rejects(select({ a, b }, { timeout: 5 }), coded('ETIMEDOUT'))
    Topic.unlink(topics[0].address)
    assert.deepEqual(await select({ a, b }), ['a', null])
    assert.equal(a.tryRecv(), null)
  })

  test('an idle process ends by itself, and process.exit ends one that waits', async () => {
    const { address } = topicOf()
    assert.equal((await run(fixture('topic-peer.js'), ['idle', address])).code, 0)
    const { code, stderr } = await run(fixture('topic-peer.js'), ['exit', address])
    assert.deepEqual({ code, stderr }, { code: 7, stderr: '' })
  })
})

describe('death', () => {
  test('publishers that are killed at any moment leave nothing torn, and hold nobody up', async () => {
    const rounds = Number(process.env.OS_IPC_ROUNDS ?? 3)
    const topic = topicOf({ capacity: 16_384 })
    const subscription = await subscribed(topic)
    for (let round = 0; round < rounds; round++) {
      const how = round % 2 === 0 ? 'flood' : 'floodSync'
      const children = ['a', 'b'].map((name) => peer(how, topic.address, `${name}${round}`))
      const next = new Map()
      const killAt = 200 + Math.floor(Math.random() * 1500)
      let received = 0
      let killed = false
      for await (const message of subscription) {
        const [name, number, rest] = String(message).split(':')
        if (name === 'end') break
        // None is missing, none comes twice, each is whole.
        assert.equal(Number(number), next.get(name) ?? 0)
        assert.equal(rest.length, Number(number) % 700)
        next.set(name, Number(number) + 1)
        if (++received < killAt || killed) continue
        killed = true
        for (const child of children) child.process.kill('SIGKILL')
        // Whoever comes next is not held up by the dead.
        Promise.all(children.map((child) => child.outcome)).then(() => topic.publish('end:0:'))
      }
      for (const child of children) {
        const told = (await child.outcome).stdout.trim().split('\n').filter(Boolean)
        const name = [...next.keys()].find((key) => key.startsWith(child === children[0] ? 'a' : 'b'))
        // What was said to be published has come.
        if (told.length > 0)
          assert.ok((next.get(name) ?? 0) > Number(told.at(-1)), `${name}: ${next.get(name)}, ${told.at(-1)}`)
      }
    }
    assert.equal(subscription.missed, 0)
  })

  test('subscribers that are killed at any moment hold nobody up and free their slots', async () => {
    const rounds = Number(process.env.OS_IPC_ROUNDS ?? 2)
    const topic = topicOf({ capacity: 4096, maxSubscribers: 2 })
    for (let round = 0; round < rounds; round++) {
      const children = [0, 1].map(() => peer('count', topic.address, 1_000_000))
      await Promise.all(children.map((child) => child.says('subscribed')))
      await assert.rejects(topic.subscribe(), coded('ERR_IPC_LIMIT'))
      const flooding = (async () => {
        for (let i = 0; i < 2000; i++) await topic.publish(`a:${i}:${'x'.repeat(i % 700)}`, { timeout: 10_000 })
      })()
      await sleep(Math.random() * 10)
      for (const child of children) child.process.kill('SIGKILL')
      await flooding
      for (const child of children) assert.equal((await child.outcome).signal, 'SIGKILL')
    }
  })
})

describe('names', () => {
  test('opening makes what is missing, and what stands there is as its maker said', () => {
    const address = newAddress()
    const first = topicOf({ codec: 'json', capacity: 5000, overflow: 'drop-oldest', maxSubscribers: 5 }, address)
    const second = topicOf(undefined, address)
    for (const topic of [first, second, keep(second.dup())]) {
      const { codec, capacity, overflow, maxSubscribers } = topic
      assert.deepEqual(
        { address: topic.address, codec, capacity, overflow, maxSubscribers },
        { address, codec: 'json', capacity: 8192, overflow: 'drop-oldest', maxSubscribers: 5 },
      )
    }
    assert.throws(() => Topic.open(address, { codec: 'bytes' }), coded('ERR_IPC_VERSION'))
    assert.throws(() => Topic.open(address, { overflow: 'wait' }), coded('ERR_IPC_VERSION'))
  })

  test('a path is a file, readable and writable by its owner alone', async () => {
    const path = join(folder, 'topic')
    addresses.add(path)
    const topic = topicOf(undefined, path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const subscription = await subscribed(topicOf(undefined, path))
    await topic.publish('by path')
    assert.equal(String(await subscription.recv()), 'by path')
    assert.equal(existsSync(join('/dev/shm', 'os-ipc-topic.by-path')), false)
  })

  test('what was published stays when all have gone', async () => {
    const address = newAddress()
    const topic = Topic.open(address)
    await topic.publish('stays')
    topic.close()
    const subscription = await subscribed(topicOf(undefined, address), { history: 1 })
    assert.equal(String(subscription.tryRecv()), 'stays')
  })

  test('unlink ends the topic: the rest is received, then null; the next open makes another one', async () => {
    const topic = topicOf({ capacity: 4096 })
    const subscription = await subscribed(topic)
    const waiting = (await subscribed(topic)).recv()
    await turn()
    fill(topic)
    const publishing = topic.publish(Buffer.alloc(100))
    const blocked = assert.rejects(publishing, coded('EIDRM'))
    await waiting
    await turn()
    Topic.unlink(topic.address)
    await blocked
    await assert.rejects(topic.publish('x'), coded('EIDRM'))
    assert.throws(() => topic.publishSync('x'), coded('EIDRM'))
    let received = 0
    for await (const _ of subscription) received++
    assert.equal(received, Math.floor(4096 / 112))
    assert.equal(await subscription.recv(), null)
    assert.equal(subscription.tryRecv(), null)
    assert.equal(subscription.recvSync(), null)
    assert.deepEqual(await subscription.recvMany(), [])
    assert.throws(() => Topic.unlink(topic.address), coded('ENOENT'))
    const another = topicOf(undefined, topic.address)
    assert.equal((await subscribed(another, { history: 9 })).tryRecv(), undefined)
  })

  test('receives in another process end when the topic is unlinked', async () => {
    const topic = topicOf()
    const child = peer('wait', topic.address)
    await child.says('subscribed')
    Topic.unlink(topic.address)
    assert.match(await child.succeeded(), /null/)
  })

  test('of many who open at once all have the same one', async () => {
    const address = newAddress()
    const receivers = [0, 1, 2, 3].map(() => peer('wait', address))
    await Promise.all(receivers.map((child) => child.says('subscribed')))
    await topicOf(undefined, address).publish('to all')
    for (const child of receivers) assert.match(await child.succeeded(), /to all/)
  })

  test('what is no topic is left alone', () => {
    const path = join(folder, 'text')
    writeFileSync(path, 'no topic')
    const link = join(folder, 'link')
    symlinkSync(path, link)
    for (const place of [path, link, folder, '/dev/null']) {
      assert.throws(() => Topic.open(place), coded('ERR_INVALID_ARG_VALUE'), place)
      assert.throws(() => Topic.unlink(place), coded('ERR_INVALID_ARG_VALUE'), place)
    }
    assert.equal(readFileSync(path, 'utf8'), 'no topic')
    for (const name of ['', '@', '@a/b', 'a\0b', `@${'n'.repeat(201)}`]) {
      assert.throws(() => Topic.open(name), coded('ERR_IPC_INVALID_NAME'), name)
    }
    assert.throws(() => Topic.open(join(folder, 'none', 'topic')), coded('ENOENT'))
  })

  test('a topic of a later version is ERR_IPC_VERSION, and can be unlinked', () => {
    const path = join(folder, 'later')
    Topic.open(path).close()
    const bytes = readFileSync(path)
    bytes[8] = 2
    writeFileSync(path, bytes)
    assert.throws(() => Topic.open(path), coded('ERR_IPC_VERSION'))
    Topic.unlink(path)
    assert.equal(existsSync(path), false)
  })

  test("'structured' is refused where others may write", () => {
    const path = join(folder, 'structured')
    addresses.add(path)
    assert.throws(() => Topic.open(path, { codec: 'structured', mode: 0o622 }), coded('ERR_INVALID_ARG_VALUE'))
    Topic.open(path, { codec: 'structured' }).close()
    chmodSync(path, 0o666)
    assert.throws(() => Topic.open(path), coded('ERR_IPC_UNTRUSTED_OWNER'))
  })

  test('another user is kept out, or let in by the mode; what is his is trusted only where that was said', {
    skip: process.getuid?.() !== 0 && 'needs root',
  }, async () => {
    const shared = mkdtempSync(join(tmpdir(), 'os-ipc-topic-'))
    chmodSync(shared, 0o777)
    const umask = process.umask(0)
    try {
      const nobody = async (/** @type {string} */ name, options = {}) => {
        const child = start(fixture('topic-as-nobody.js'), [join(shared, name), JSON.stringify(options)])
        return child.succeeded()
      }
      topicOf({ codec: 'json' }, join(shared, 'ours'))
      assert.equal(await nobody('ours'), 'EACCES')
      const open = topicOf({ codec: 'json', mode: 0o666 }, join(shared, 'open'))
      const subscription = await subscribed(open)
      await open.publish('to all')
      assert.equal(await nobody('open'), 'published')
      assert.equal(await subscription.recv(), 'to all')
      assert.deepEqual(await subscription.recv(), { from: 65534, heard: 'to all' })
      assert.equal(await nobody('his', { codec: 'json', mode: 0o666 }), 'published')
      assert.throws(() => Topic.open(join(shared, 'his')), coded('ERR_IPC_UNTRUSTED_OWNER'))
      const his = await subscribed(topicOf({ mode: 0o666 }, join(shared, 'his')), { history: 1 })
      assert.deepEqual(his.tryRecv(), { from: 65534, heard: null })
      // Of a stranger’s nothing is believed: it loses its name and nothing else.
      Topic.unlink(join(shared, 'his'))
      assert.equal(his.tryRecv(), undefined)
    } finally {
      process.umask(umask)
      rmSync(shared, { recursive: true })
    }
  })

  test('a topic is handed over with a message, and a subscription is not', async () => {
    const [near, far] = Channel.pair()
    keep(near)
    keep(far)
    const topic = topicOf({ codec: 'json' })
    const subscription = await subscribed(topic)
    await near.send('a topic', { handles: [topic] })
    const envelope = await far.recvEnvelope()
    const [copy] = /** @type {Topic<any>[]} */ (envelope?.takeHandles() ?? [])
    keep(copy)
    assert.equal(copy.address, topic.address)
    assert.equal(topic.closed, false)
    await copy.publish({ from: 'the copy' })
    assert.deepEqual(await subscription.recv(), { from: 'the copy' })
    await assert.rejects(
      near.send('x', { handles: [/** @type {any} */ (subscription)] }),
      coded('ERR_INVALID_ARG_TYPE'),
    )
  })
})
