/**
 * The channels whose memory this user may open, by /proc/PID/fd: read-only, so nobody is disturbed.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { ifThere, linkOf, processes } from '../../list/proc.js'
import { Ring } from './ring.js'

const LINK = /^\/memfd:os-ipc-channel( \(deleted\))?$/
const MAGIC = 'OSIPCCHN'
const VERSION = 1
const HEADER = 32

export class Channel {
  /** @param {number} fd @param {string} key @param {Ring[]} rings */
  constructor(fd, key, rings) {
    this.fd = fd
    this.key = key
    this.rings = rings
    this.since = performance.now()
    /** @type {Set<number>} */
    this.pids = new Set()
  }

  close() {
    for (const ring of this.rings) ring.closed = true
    closeSync(this.fd)
  }
}

/**
 * Those that there are now: one that was known stays, with what was seen of it.
 * @param {Map<string, Channel>} known
 */
export function lookForChannels(known) {
  for (const channel of known.values()) channel.pids.clear()
  for (const pid of processes() ?? []) {
    const folder = `/proc/${pid}/fd`
    for (const name of ifThere(() => readdirSync(folder)) ?? []) {
      const path = `${folder}/${name}`
      // This process has them open only because it looks.
      if (pid !== process.pid && LINK.test(linkOf(path) ?? '')) note(known, pid, path)
    }
  }
  for (const [key, channel] of known) {
    if (channel.pids.size > 0) continue
    channel.close()
    known.delete(key)
  }
}

/** @param {Map<string, Channel>} known @param {number} pid @param {string} path */
function note(known, pid, path) {
  const stats = ifThere(() => statSync(path))
  if (!stats) return
  const key = `${stats.dev}:${stats.ino}`
  let channel = known.get(key)
  if (!channel) {
    channel = open(path, key)
    if (!channel) return
    known.set(key, channel)
  }
  channel.pids.add(pid)
}

/** @param {string} path @param {string} key */
function open(path, key) {
  const fd = ifThere(() => openSync(path, 'r'))
  if (fd === undefined) return undefined
  const header = Buffer.alloc(HEADER)
  const whole = readSync(fd, header, 0, HEADER, 0) === HEADER
  const rings = whole ? ringsOf(fd, header) : undefined
  if (rings) return new Channel(fd, key, rings)
  closeSync(fd)
  return undefined
}

/** Whoever made it may have written anything. @param {number} fd @param {Buffer} header */
function ringsOf(fd, header) {
  const words = new Uint32Array(header.buffer, header.byteOffset, HEADER / 4)
  const [, , version, offset, first, second] = words
  const fits = offset + first + second <= fstatSync(fd).size
  if (header.toString('latin1', 0, 8) !== MAGIC || version !== VERSION || !fits) return undefined
  const sound = [first, second].every(
    (capacity) => capacity >= 4096 && capacity <= 2 ** 30 && Math.log2(capacity) % 1 === 0,
  )
  return sound ? [new Ring(fd, 512, offset, first), new Ring(fd, 1024, offset + first, second)] : undefined
}
