/** Unix sockets between this package and programs that it has no part in: Python's socket module, C. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { pipe, UnixSocket } from '../index.js'
import { start } from './support/child.js'
import { needs, python } from './support/extras.js'
import { compile, source } from './support/interop.js'
import { link } from './support/state.js'

const limit = { timeout: 30_000 }
const COUNT = 1000
const TENS = Array.from({ length: 10 }, (_, index) => String(index * 100))
const TYPES = /** @type {const} */ (['stream', 'datagram', 'seqpacket'])

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
})
after(() => rmSync(folder, { recursive: true }))

/** Starts a program with the socket as descriptor 3; settles with its stdout. @param {UnixSocket} socket @param {string} command @param {string[]} words */
async function given(socket, command, ...words) {
  const stdio = /** @type {const} */ (['ignore', 'pipe', 'pipe', socket.fd])
  const child = spawn(command, words, { stdio: [...stdio], timeout: 20_000, killSignal: 'SIGKILL' })
  socket.close()
  const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)))
  const [stdout, stderr, how] = await Promise.all([
    text(/** @type {any} */ (child.stdout)),
    text(/** @type {any} */ (child.stderr)),
    ended,
  ])
  assert.deepEqual({ how, stderr }, { how: [0, null], stderr: '' })
  return stdout
}

/** Sends numbered messages, each hundredth with a pipe that holds its number. @param {UnixSocket} socket @param {string} end */
async function give(socket, end) {
  for (let index = 0; index < COUNT; index++) {
    const message = `${index}${end}`
    if (index % 100) {
      await socket.send(message)
      continue
    }
    const { reader, writer } = pipe()
    await writer.send(String(index))
    writer.close()
    await socket.send(message, { fds: [reader] })
    reader.close()
  }
  socket.close()
}

/** Receives as many, and gives what stood in the pipes. @param {UnixSocket} socket */
async function take(socket) {
  let all = ''
  const found = []
  for await (const { data, fds } of socket) {
    all += data
    for (const fd of fds) {
      found.push(readFileSync(fd, 'utf8'))
      closeSync(fd)
    }
  }
  return { all, found }
}

describe("Python's socket module", { ...limit, ...needs('python') }, () => {
  for (const type of TYPES) {
    test(`sends back ${type === 'stream' ? 'bytes' : `${type}s`} and descriptors`, async () => {
      for (const address of [join(folder, type), `@os-ipc-spec-${process.pid}-python-${type}`]) {
        const child = start(source('unix_socket.py'), ['echo', type, address], { command: python })
        // Its words come before the script's.
        await child.says('listening')
        const socket = type === 'datagram' ? UnixSocket.bind('auto') : await UnixSocket.connect(address, { type })
        const to = type === 'datagram' ? { to: address } : {}
        const fd = openSync('/dev/null')
        for (const fds of [[], [fd], [fd, fd, fd]]) {
          await socket.send(`with ${fds.length}`, { ...to, fds })
          const answer = await socket.recv()
          assert.deepEqual([String(answer?.data), answer?.fdCount], [`with ${fds.length}`, fds.length])
          assert.deepEqual([answer?.from, answer?.credentials?.pid], [address, child.pid])
          for (const got of answer?.fds ?? []) {
            assert.equal(link('self', got), '/dev/null')
            closeSync(got)
          }
        }
        closeSync(fd)
        if (type === 'stream') socket.close()
        else await socket.send('', to)
        await child.succeeded()
        socket.close()
      }
    })
  }

  for (const type of /** @type {const} */ (['stream', 'seqpacket'])) {
    test(`takes and gives a thousand messages by ${type}, some with descriptors`, async () => {
      const [near, far] = UnixSocket.pair(type)
      const [stdout] = await Promise.all([given(far, python, source('unix_socket.py'), 'take', type), give(near, ';')])
      assert.equal(stdout, `True ${TENS.join(',')}\n`)
      const [mine, theirs] = UnixSocket.pair(type)
      const [, { all, found }] = await Promise.all([
        given(theirs, python, source('unix_socket.py'), 'give', type),
        take(mine),
      ])
      assert.equal(all, Array.from({ length: COUNT }, (_, index) => `${index};`).join(''))
      assert.deepEqual(found, TENS)
      mine.close()
    })
  }
})

describe('a C program', limit, () => {
  let program = ''
  before(() => {
    program = compile('unix-socket.c', folder)
  })

  test('takes and gives a thousand messages, some with descriptors', async () => {
    const [near, far] = UnixSocket.pair('seqpacket')
    const [stdout] = await Promise.all([given(far, program, 'take'), give(near, '')])
    assert.equal(stdout, `${TENS.join(',')}, ${COUNT} ${COUNT}\n`)
    const [mine, theirs] = UnixSocket.pair('seqpacket')
    const [, { all, found }] = await Promise.all([given(theirs, program, 'give'), take(mine)])
    assert.equal(all, Array.from({ length: COUNT }, (_, index) => index).join(''))
    assert.deepEqual(found, TENS)
    mine.close()
  })
})
