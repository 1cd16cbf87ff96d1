/**
 * Methods of a Python program, called as if they were ours: JSON-RPC over a Unix socket, with headers as language servers have
 * them. The other half is rpc-python.py.
 *
 *     node examples/rpc-python.js
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rpc } from 'os-ipc'

const folder = mkdtempSync(join(tmpdir(), 'rpc-python-'))
const address = join(folder, 'socket')
const script = fileURLToPath(new URL('rpc-python.py', import.meta.url))
const python = spawn('python3', [script, address], { stdio: ['ignore', 'pipe', 'inherit'] })
await once(python.stdout, 'data')

// Nothing says what listens there: the kernel does.
const client = await rpc.connect(address)
console.log('the median is', await client.call('median', [3, 1, 4, 1, 5, 9, 2, 6]))
console.log('the words are', await client.call('words', 'to be or not to be'))
console.log('it is the child:', (await client.call('pid')) === python.pid)
try {
  await client.call('median', [])
} catch (error) {
  console.log(`it has thrown ${error.data}: ${error.message}`)
}

client.close()
python.kill()
rmSync(folder, { recursive: true })
