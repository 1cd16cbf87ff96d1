/** Who stands in a system call of System V message queues, as /proc shows it. */
import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'

/** msgsnd and msgrcv. */
const NUMBERS = process.arch === 'x64' ? ['69', '70'] : ['189', '188']

/** @param {string} path of a task's folder */
function stands(path) {
  try {
    return NUMBERS.includes(readFileSync(`${path}/syscall`, 'utf8').split(' ')[0])
  } catch {
    return false
  }
}

/** How many threads of a process wait to send or to receive. @param {number | 'self'} [pid] */
export function waitingThreads(pid = 'self') {
  return readdirSync(`/proc/${pid}/task`).filter((thread) => stands(`/proc/${pid}/task/${thread}`)).length
}

/** How many messages a queue has, without opening it. @param {number} id */
export function messagesIn(id) {
  const lines = readFileSync('/proc/sysvipc/msg', 'utf8').trim().split('\n').slice(1)
  const line = lines.map((each) => each.trim().split(/\s+/)).find((words) => words[1] === String(id))
  return Number(line?.[4])
}
