/**
 * The topics that somebody takes part in, wherever their files stand: members hold locks that are known by where they lie
 * (docs/topic-format.md). Their memory is opened read-only, and they count their messages themselves.
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ifThere, linkOf, processes, textOf } from '../../list/proc.js'

const MAGIC = 'OSIPCTPC'
const VERSION = 1
const HEADER = 1024
const SLOT = 64
/** Where the bytes lie that members lock: this and their number. */
const MEMBERS = 2 ** 40
const LOCKED = /^\d+: OFDLCK +ADVISORY +WRITE +\S+ ([0-9a-f]+):([0-9a-f]+):(\d+) (\d+) /gm
const RECORD = 8

export class WatchedTopic {
  /** @param {string} name @param {number} fd @param {{ capacity: number, slots: number }} facts */
  constructor(name, fd, { capacity, slots }) {
    this.name = name
    this.fd = fd
    this.capacity = capacity
    this.slots = slots
    this.since = performance.now()
    /** @type {Set<number>} */
    this.pids = new Set()
    /** Numbers of those who live. @type {Set<number>} */
    this.members = new Set()
    /** What had been published when it was first seen. */
    this.first = this.#look()
  }

  /** Since it was first seen. Payloads count with what they are padded to. */
  counts() {
    const { tail, sequence } = this.#look()
    const messages = sequence - this.first.sequence
    return { messages, bytes: Math.max(0, tail - this.first.tail - messages * RECORD) }
  }

  /** How many subscribe, and how many bytes the slowest of them is behind. */
  subscribers() {
    const text = Buffer.alloc(HEADER + this.slots * SLOT)
    readSync(this.fd, text, 0, text.length, 0)
    let count = 0
    let behind = 0
    for (let at = HEADER; at < text.length; at += SLOT) {
      if (!this.members.has(text.readUInt32LE(at))) continue
      count++
      behind = Math.max(behind, Math.min((text.readUInt32LE(64) - text.readUInt32LE(at + 4)) >>> 0, this.capacity))
    }
    return { count, behind }
  }

  close() {
    closeSync(this.fd)
  }

  #look() {
    const head = Buffer.alloc(200)
    readSync(this.fd, head, 0, head.length, 0)
    return { tail: Number(head.readBigUInt64LE(64)), sequence: Number(head.readBigUInt64LE(192)) }
  }
}

/**
 * Those that there are now: one that was known stays, with what was seen of it.
 * @param {Map<string, WatchedTopic>} known
 */
export function lookForTopics(known) {
  const members = membersByFile()
  for (const topic of known.values()) topic.pids.clear()
  // Most machines have none: then no descriptor is looked at.
  for (const pid of members.size > 0 ? (processes() ?? []) : []) {
    const folder = `/proc/${pid}/fd`
    for (const name of ifThere(() => readdirSync(folder)) ?? []) {
      if (pid !== process.pid) note(known, members, pid, `${folder}/${name}`)
    }
  }
  for (const [key, topic] of known) {
    if (topic.pids.size > 0) continue
    topic.close()
    known.delete(key)
  }
}

/** @returns {Map<string, Set<number>>} by the file's number */
function membersByFile() {
  const members = new Map()
  for (const [, , , inode, start] of (textOf('/proc/locks') ?? '').matchAll(LOCKED)) {
    const number = Number(start) - MEMBERS
    if (number <= 0) continue
    const those = members.get(inode)
    if (those) those.add(number)
    else members.set(inode, new Set([number]))
  }
  return members
}

/** @param {Map<string, WatchedTopic>} known @param {Map<string, Set<number>>} members @param {number} pid @param {string} path */
function note(known, members, pid, path) {
  const link = linkOf(path)
  if (!link?.startsWith('/') || link.startsWith('/memfd:')) return
  const stats = ifThere(() => statSync(path))
  const those = stats?.isFile() ? members.get(String(stats.ino)) : undefined
  if (!stats || !those) return
  const key = `${stats.dev}:${stats.ino}`
  let topic = known.get(key)
  if (!topic) {
    topic = open(path, nameOf(link, stats.ino))
    if (!topic) return
    known.set(key, topic)
  }
  topic.members = those
  topic.pids.add(pid)
}

/** @param {string} path @param {string} name */
function open(path, name) {
  const fd = ifThere(() => openSync(path, 'r'))
  if (fd === undefined) return undefined
  const head = Buffer.alloc(32)
  readSync(fd, head, 0, head.length, 0)
  const facts = { capacity: head.readUInt32LE(16), slots: head.readUInt32LE(20) }
  // Whoever made it may have written anything.
  const sound = head.toString('latin1', 0, 8) === MAGIC && head.readUInt32LE(8) === VERSION && facts.slots <= 4096
  if (sound) return new WatchedTopic(name, fd, facts)
  closeSync(fd)
  return undefined
}

/**
 * As Topic.open takes it. Whoever made it opened it before it had a name: then it is looked for where it was made.
 * @param {string} link
 * @param {number} inode
 */
function nameOf(link, inode) {
  const names = [link, ...siblings(dirname(link))]
  const path = names.find((name) => ifThere(() => lstatSync(name))?.ino === inode) ?? link
  const [, name] = /^\/dev\/shm\/os-ipc-topic\.([^/]+)$/.exec(path) ?? []
  return name === undefined ? path : `@${name}`
}

/** @param {string} folder */
function siblings(folder) {
  return (ifThere(() => readdirSync(folder)) ?? []).map((name) => `${folder}/${name}`)
}
