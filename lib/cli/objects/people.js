/** Names of users and of processes. */
import { readFileSync } from 'node:fs'
import { visible } from '../escape.js'

/** @type {Map<number, string> | undefined} */
let users

/** @param {number} uid */
export function userName(uid) {
  users ??= readUsers()
  return uid < 0 ? '?' : (users.get(uid) ?? String(uid))
}

/** As /etc/passwd has them; who is known elsewhere only has a number. */
function readUsers() {
  const lines = textOf('/etc/passwd').split('\n')
  return new Map(
    lines.flatMap((line) => {
      const [name, , uid] = line.split(':')
      return uid === undefined ? [] : [/** @type {[number, string]} */ ([Number(uid), visible(name)])]
    }),
  )
}

/** @type {Map<number, string>} */
const processes = new Map()

/** Empty for one that has gone. @param {number} pid */
export function processName(pid) {
  let name = processes.get(pid)
  if (name === undefined) {
    name = visible(textOf(`/proc/${pid}/comm`).replace(/\n$/, ''))
    processes.set(pid, name)
  }
  return name
}

/** @param {number} pid */
export function isAlive(pid) {
  return pid > 0 && textOf(`/proc/${pid}/stat`) !== ''
}

/** @param {number} pid */
export function called(pid) {
  return `${pid} ${processName(pid)}`.trimEnd()
}

/** @param {string} path */
function textOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
