/**
 * The transports that the conformance suite runs over, a row each. What a row says of itself decides which promises are
 * asked of it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fifo, pipe } from '../../index.js'

/**
 * @typedef {object} Transport
 * @property {string} name
 * @property {boolean} boundaries what is sent by one call is received by one call
 * @property {boolean} ends a receive gives null once every sender is gone
 * @property {number} largest the most bytes of one message
 * @property {boolean} empty whether a message of no bytes can be sent and received
 * @property {(message: any) => Buffer} data the bytes of what a receive gives
 * @property {() => Promise<{ sender: any, receiver: any }>} open both ends, in this process; each can be handed over
 */

const PACKET = 4096

/** @type {Transport[]} */
export const transports = [
  {
    name: 'pipe',
    boundaries: false,
    ends: true,
    largest: Number.POSITIVE_INFINITY,
    empty: false,
    data: (message) => message,
    async open() {
      const { reader, writer } = pipe()
      return { sender: writer, receiver: reader }
    },
  },
  {
    name: 'pipe with packets',
    boundaries: true,
    ends: true,
    largest: PACKET,
    empty: false,
    data: (message) => message,
    async open() {
      const { reader, writer } = pipe({ packet: true })
      return { sender: writer, receiver: reader }
    },
  },
  {
    name: 'FIFO',
    boundaries: false,
    ends: true,
    largest: Number.POSITIVE_INFINITY,
    empty: false,
    data: (message) => message,
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
      try {
        const fifo = Fifo.create(join(folder, 'fifo'))
        const [receiver, sender] = await Promise.all([fifo.openReader(), fifo.openWriter()])
        return { sender, receiver }
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  },
]
