/** D-Bus: dbus-native, as it comes from npm, over this package's streams, with a real bus between. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pipe, UnixSocket } from '../index.js'
import { startBus } from './support/dbus.js'
import { needs } from './support/extras.js'
import { descriptors, until } from './support/state.js'

const dbus = createRequire(import.meta.url)('dbus-native')

const NAME = 'org.osipc.Test'
const PATH = '/org/osipc/Test'

describe('dbus-native over UnixSocket.duplex', { ...needs('dbus-daemon'), timeout: 60_000 }, () => {
  let folder = ''
  /** @type {Awaited<ReturnType<typeof startBus>>} */
  let bus
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    bus = await startBus(folder)
  })
  after(async () => {
    await bus?.stop()
    rmSync(folder, { recursive: true })
  })

  /** A client of the bus. */
  async function connect() {
    const socket = await UnixSocket.connect(bus.path)
    const stream = socket.duplex()
    const client = dbus.createClient({ stream })
    await new Promise((resolve, reject) => client.connection.once('connect', resolve).once('error', reject))
    return { client, stream }
  }

  /** @param {any} client @param {string} member @param {any[]} body @param {string} signature @param {any[]} [fds] */
  function call(client, member, signature, body, fds) {
    const message = { destination: NAME, path: PATH, interface: NAME, member, signature, body, ...(fds && { fds }) }
    return new Promise((resolve, reject) =>
      client.invoke(message, (/** @type {any} */ error, /** @type {any} */ result) =>
        error ? reject(error) : resolve(result),
      ),
    )
  }

  test('the bus agrees to descriptors, and knows who connects by the kernel’s word', async () => {
    const { client, stream } = await connect()
    assert.equal(client.connection.unixFdsAgreed, true)
    assert.equal(client.connection.canPassFds, true)
    const ask = {
      path: '/org/freedesktop/DBus',
      destination: 'org.freedesktop.DBus',
      interface: 'org.freedesktop.DBus',
    }
    const pid = await new Promise((resolve, reject) => {
      const message = { ...ask, member: 'GetConnectionUnixProcessID', signature: 's', body: [client.name] }
      const answer = (/** @type {any} */ error, /** @type {any} */ result) => (error ? reject(error) : resolve(result))
      const asked = () => client.invoke({ ...message, body: [client.name] }, answer)
      if (client.name) asked()
      else until(() => client.name, 'the bus has given it a name').then(asked, reject)
    })
    assert.equal(pid, process.pid)
    stream.end()
  })

  test('descriptors pass through method calls, each with its own, and none is left open', async () => {
    const [service, caller] = await Promise.all([connect(), connect()])
    /** Those of each call, by its number. @type {Map<number, number[]>} */
    const arrived = new Map()
    service.client.connection.prependListener('message', (/** @type {any} */ message) => {
      if (message.fds) arrived.set(message.body[0], message.fds)
    })
    // It reads the file that it was given, and answers with what that holds.
    const read = (/** @type {number} */ number) => {
      const [fd] = arrived.get(number) ?? []
      try {
        return `${number}: ${readFileSync(fd, 'utf8')}`
      } finally {
        closeSync(fd)
      }
    }
    service.client.setMethodCallHandler(PATH, NAME, 'Read', [read, 's'])
    await new Promise((resolve, reject) =>
      service.client.requestName(NAME, 0, (/** @type {any} */ error) => (error ? reject(error) : resolve(undefined))),
    )
    const open = descriptors()
    const answers = []
    for (let i = 0; i < 100; i++) {
      const path = join(folder, `file-${i}`)
      writeFileSync(path, `content ${i}`)
      const fd = openSync(path, 'r')
      answers.push(call(caller.client, 'Read', 'uh', [i, 0], [fd]))
      closeSync(fd)
    }
    assert.deepEqual(
      await Promise.all(answers),
      Array.from({ length: 100 }, (_, i) => `${i}: content ${i}`),
    )
    assert.equal(descriptors(), open)
    caller.stream.end()
    service.stream.end()
  })

  test('a handle is passed as well, and what the other side writes to it arrives here', async () => {
    const [service, caller] = await Promise.all([connect(), connect()])
    /** @type {number[]} */
    let given = []
    service.client.connection.prependListener('message', (/** @type {any} */ message) => {
      if (message.fds) given = message.fds
    })
    const write = () => {
      writeFileSync(given[0], 'through the bus')
      closeSync(given[0])
      return 'written'
    }
    service.client.setMethodCallHandler(PATH, NAME, 'Write', [write, 's'])
    const name = `${NAME}.Writer`
    await new Promise((resolve) => service.client.requestName(name, 0, resolve))
    const { reader, writer } = pipe()
    const answer = await new Promise((resolve, reject) =>
      caller.client.invoke(
        { destination: name, path: PATH, interface: NAME, member: 'Write', signature: 'h', body: [0], fds: [writer] },
        (/** @type {any} */ error, /** @type {any} */ result) => (error ? reject(error) : resolve(result)),
      ),
    )
    assert.equal(answer, 'written')
    writer.close()
    assert.equal(String(await reader.recv()), 'through the bus')
    assert.equal(await reader.recv(), null)
    reader.close()
    caller.stream.end()
    service.stream.end()
  })
})
