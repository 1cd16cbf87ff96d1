/** Remote procedure calls from and to programs that know nothing of this package. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, connect as netConnect } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import jsonrpc from 'vscode-jsonrpc/node.js'
import { RpcError, rpc, UnixListener } from '../index.js'
import { output, start } from './support/child.js'
import { addressesIn, newFolder } from './support/folder.js'
import { methods, stopped } from './support/rpc-methods.js'
import { until } from './support/state.js'
import { keep, undo, undoAfterEach } from './support/undo.js'

const { CancellationTokenSource, createMessageConnection, ResponseError, StreamMessageReader, StreamMessageWriter } =
  jsonrpc

const limit = { timeout: 20_000 }
const folder = newFolder()
const newAddress = addressesIn(folder)

undoAfterEach()

/** @param {import('node:net').Socket} socket */
function languageServers(socket) {
  const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket))
  undo.push(() => {
    connection.dispose()
    socket.destroy()
  })
  return connection
}

describe('a client of vscode-jsonrpc', limit, () => {
  async function client() {
    const address = newAddress()
    keep(rpc.serve(UnixListener.listen(address), methods))
    const connection = languageServers(netConnect(address))
    connection.listen()
    return connection
  }

  test('calls, and is told of errors', async () => {
    const connection = await client()
    assert.equal(await connection.sendRequest('add', { a: 1, b: 2 }), 3)
    assert.deepEqual(await connection.sendRequest('echo', 1, 'two'), [1, 'two'])
    assert.equal(await connection.sendRequest('nothing'), null)
    await assert.rejects(connection.sendRequest('throws'), {
      code: 42,
      message: 'it does not fit',
      data: { why: 'too long' },
    })
    await assert.rejects(connection.sendRequest('missing'), { code: -32601 })
    const numbers = [...Array(200).keys()]
    assert.deepEqual(
      await Promise.all(numbers.map((n) => connection.sendRequest('echoLater', { n }))),
      numbers.map((n) => ({ n })),
    )
  })

  test('cancels', async () => {
    const connection = await client()
    const source = new CancellationTokenSource()
    const calling = connection.sendRequest('hang', ['vscode'], source.token)
    await connection.sendRequest('nothing')
    source.cancel()
    await assert.rejects(calling, { code: -32800 })
    assert.equal([...stopped.values()].at(-1).name, 'AbortError')
  })

  test('has the items of a generator together', async () => {
    const connection = await client()
    assert.deepEqual(await connection.sendRequest('count', { to: 3 }), [0, 1, 2])
  })
})

describe('a server of vscode-jsonrpc', limit, () => {
  /** @param {(connection: ReturnType<typeof languageServers>) => void} prepare */
  async function serverWith(prepare) {
    const address = newAddress()
    const server = createServer((socket) => {
      const connection = languageServers(socket)
      prepare(connection)
      connection.listen()
    })
    await new Promise((resolve) => server.listen(address, () => resolve(undefined)))
    undo.push(() => server.close())
    return keep(await rpc.connect(address))
  }

  test('is called by our client, which finds its stream socket by the address', async () => {
    const client = await serverWith((connection) => {
      connection.onRequest('add', ({ a, b }) => a + b)
      connection.onRequest('fail', () => new ResponseError(7, 'as it says', { more: true }))
    })
    assert.equal(await client.call('add', { a: 2, b: 3 }), 5)
    await assert.rejects(client.call('fail'), (/** @type {any} */ error) => {
      assert.ok(error instanceof RpcError)
      assert.deepEqual([error.code, error.message, error.data, error.remote], [7, 'as it says', { more: true }, null])
      return true
    })
    await assert.rejects(client.call('missing'), { code: -32601 })
  })

  test('hears of a cancelled call, and of notifications', async () => {
    /** @type {any[]} */
    const heard = []
    const client = await serverWith((connection) => {
      connection.onNotification('tell', (what) => heard.push(what))
      connection.onRequest('hang', (_, token) => {
        heard.push('hangs')
        return new Promise((resolve) => token.onCancellationRequested(() => resolve(heard.push('cancelled'))))
      })
    })
    await client.notify('tell', { x: 1 })
    await assert.rejects(client.call('hang', {}, { timeout: 100 }), { code: 'ETIMEDOUT' })
    await until(() => heard.length === 3, 'it hears of it')
    assert.deepEqual(heard, [{ x: 1 }, 'hangs', 'cancelled'])
    await until(() => client.dropped === 1, 'the late answer is counted')
  })

  test('answers a stream with everything at once', async () => {
    const client = await serverWith((connection) => connection.onRequest('list', () => [1, 2, 3]))
    const items = []
    for await (const item of client.stream('list')) items.push(item)
    assert.deepEqual(items, [1, 2, 3])
  })
})

describe('Python', limit, () => {
  const script = fileURLToPath(new URL('interop/rpc.py', import.meta.url))

  test('calls our server, with its standard library alone', async () => {
    const address = newAddress()
    keep(rpc.serve(UnixListener.listen(address), methods))
    const said = await output(script, ['client', address], { command: 'python3' })
    assert.equal(said, "3\n['ü', {'x': None}]\n42\nTrue\n-32700\n")
  })

  test('calls our server as the documentation shows it', async () => {
    const page = readFileSync(new URL('../docs/rpc.md', import.meta.url), 'utf8')
    const [, code] = /```python\n(.*?)```/s.exec(page) ?? []
    const place = join(folder, 'client.py')
    const lines = [
      'client = Client(sys.argv[1])',
      "print(client.call('add', {'a': 40, 'b': 2}))",
      'try:',
      "    client.call('throws', [])",
      'except RuntimeError as error:',
      '    print(error)',
    ]
    writeFileSync(place, `import sys\n${code}\n${lines.join('\n')}\n`)
    const address = newAddress()
    keep(rpc.serve(UnixListener.listen(address), methods))
    assert.equal(await output(place, [address], { command: 'python3' }), '42\nit does not fit\n')
  })

  test('serves our client', async () => {
    const address = newAddress()
    const child = start(script, ['server', address], { command: 'python3' })
    undo.push(() => child.kill())
    await child.says('serves')
    const client = keep(await rpc.connect(address))
    assert.equal(await client.call('add', { a: 20, b: 22 }), 42)
    assert.equal(client.callSync('add', { a: 1, b: 1 }), 2)
    await assert.rejects(client.call('missing'), { code: -32601, message: 'no such method' })
    const items = []
    for await (const item of client.stream('list')) items.push(item)
    assert.deepEqual(items, [1, 2, 3])
    await child.kill()
    await assert.rejects(client.call('add', { a: 1, b: 1 }), { code: 'ERR_IPC_PEER_DIED' })
  })
})
