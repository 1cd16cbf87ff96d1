/**
 * Who holds what open, as far as this user may see: descriptors and mappings of processes.
 *
 * @typedef {object} Held
 * @property {string} path as the kernel names it to whoever may look
 * @property {string} through the link in /proc by which it can be reached
 * @property {import('node:fs').Stats} stats
 */
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { ifThere, linkOf, processes } from './proc.js'

/** MQUEUE_MAGIC */
const QUEUES = 0x19800202
const MAPPED = /^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) +\/(dev\/shm\/|SYSV)/gm

/** @param {{ dev: number, ino: number }} stats */
const keyOf = ({ dev, ino }) => `${dev}:${ino}`

/** As the C library puts them together. @param {number} major @param {number} minor */
const device = (major, minor) => (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >>> 8) * 0x100000

export class Holders {
  /** @type {Map<string, Set<number>>} */
  #files = new Map()
  /** @type {Map<number, Set<number>>} */
  #sockets = new Map()
  /** @type {Map<number, Set<number>>} */
  #segments = new Map()
  /** Queues and FIFOs that somebody has open, wherever they stand. @type {Map<string, Held>} */
  queues = new Map()
  /** @type {Map<string, Held>} */
  fifos = new Map()

  /** @param {boolean} mappings whether what is mapped is asked for, too */
  constructor(mappings) {
    this.namespace = linkOf('/proc/self/ns/ipc')
    for (const pid of processes() ?? []) {
      this.#lookAtDescriptors(pid)
      if (mappings) this.#lookAtMappings(pid)
    }
  }

  /** @param {{ dev: number, ino: number }} stats */
  ofFile(stats) {
    return sorted(this.#files.get(keyOf(stats)))
  }

  /** @param {number} inode */
  ofSocket(inode) {
    return sorted(this.#sockets.get(inode))
  }

  /** @param {number} id of System V shared memory */
  ofSegment(id) {
    return sorted(this.#segments.get(id))
  }

  /** @param {number} pid */
  #lookAtDescriptors(pid) {
    const folder = `/proc/${pid}/fd`
    for (const name of ifThere(() => readdirSync(folder)) ?? []) {
      const through = `${folder}/${name}`
      const path = linkOf(through)
      if (path?.startsWith('socket:[')) add(this.#sockets, Number(path.slice(8, -1)), pid)
      else if (path?.startsWith('/') && !path.startsWith('/memfd:')) this.#lookAtFile(pid, path, through)
    }
  }

  /** @param {number} pid @param {string} path @param {string} through */
  #lookAtFile(pid, path, through) {
    const stats = ifThere(() => statSync(through))
    if (!stats) return
    const isFifo = stats.isFIFO()
    // Queues are told by names of one word, as their own file system has them, or as it is mounted somewhere.
    const isQueue = stats.isFile() && ifThere(() => statfsSync(through))?.type === QUEUES
    if (!isFifo && !isQueue && !path.startsWith('/dev/shm/')) return
    const key = keyOf(stats)
    add(this.#files, key, pid)
    if (isFifo) this.fifos.set(key, { path, through, stats })
    if (isQueue) this.queues.set(key, { path, through, stats })
  }

  /** @param {number} pid */
  #lookAtMappings(pid) {
    const text = ifThere(() => readFileSync(`/proc/${pid}/maps`, 'latin1')) ?? ''
    for (const [, major, minor, inode, where] of text.matchAll(MAPPED)) {
      if (where !== 'SYSV') {
        add(this.#files, `${device(Number.parseInt(major, 16), Number.parseInt(minor, 16))}:${inode}`, pid)
      } else if (linkOf(`/proc/${pid}/ns/ipc`) === this.namespace) {
        // Its inode is its id, which another namespace has as well.
        add(this.#segments, Number(inode), pid)
      }
    }
  }
}

/** @template K @param {Map<K, Set<number>>} map @param {K} key @param {number} pid */
function add(map, key, pid) {
  const set = map.get(key)
  if (set) set.add(pid)
  else map.set(key, new Set([pid]))
}

/** @param {Set<number> | undefined} pids */
function sorted(pids) {
  return pids ? [...pids].sort((a, b) => a - b) : []
}
