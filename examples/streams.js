// A pipe as Node streams: gzip in this process, gunzip in another program, and the result compared.
//   node examples/streams.js
import { spawn } from 'node:child_process'
import { createReadStream, readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createGzip } from 'node:zlib'
import { pipe } from 'os-ipc'

const self = fileURLToPath(import.meta.url)
const packed = pipe()
const plain = pipe()
spawn('gunzip', ['-c'], { stdio: [packed.reader.fd, plain.writer.fd, 'inherit'] })
packed.reader.close()
plain.writer.close()

const [result] = await Promise.all([
  buffer(plain.reader.readable()),
  pipeline(createReadStream(self), createGzip(), packed.writer.writable()),
])
console.log(`${result.length} bytes came back, ${result.equals(readFileSync(self)) ? 'equal' : 'different'}`)
