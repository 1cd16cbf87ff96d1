import { PosixMessageQueue } from '../../posix-queue/queue.js'
import { PosixSemaphore } from '../../posix-semaphore/semaphore.js'
import { SharedMemory } from '../../shared-memory/memory.js'
import { SysvMessageQueue } from '../../sysv-queue/queue.js'
import { SysvSemaphoreSet } from '../../sysv-semaphore/set.js'
import { exitCodes, UsageError } from '../command.js'
import { wrap } from '../wrap.js'
import { bytes, permissions } from './figures.js'
import { findAll } from './find.js'
import { inUse, seen } from './in-use.js'
import { shortKind, shownCall } from './kinds.js'
import { described } from './ls.js'
import { called, userName } from './people.js'

/** @typedef {import('../../../index.js').IpcObject} IpcObject */

/** @param {import('../command.js').Call} call */
export async function runStat({ options, operands, out }) {
  if (operands.length === 0) throw new UsageError('which object? os-ipc ls shows them (see os-ipc stat --help)')
  const objects = findAll(operands).map((object) => ({ object, more: details(object), use: inUse(object) }))
  if (options.json) {
    const all = objects.map(({ object, more, use }) => ({ ...described(object), ...more, inUse: use ?? null }))
    out.write(`${JSON.stringify(all, null, 2)}\n`)
    return exitCodes.done
  }
  out.write(objects.map(({ object, more, use }) => page(object, more, use, out)).join('\n'))
  return exitCodes.done
}

/**
 * What only its own class tells, and only whoever may read it.
 * @param {IpcObject} object
 * @returns {Record<string, unknown>}
 */
function details({ kind, name, id = 0 }) {
  switch (kind) {
    case 'sysv-queue': {
      const stat = seen(
        () => SysvMessageQueue.fromId(id),
        (queue) => queue.stat(),
      )
      if (!stat) return {}
      const { maxBytes, lastSendPid, lastRecvPid, lastSendTime, lastRecvTime } = stat
      return { maxBytes, lastSendPid, lastRecvPid, lastSendTime, lastRecvTime }
    }
    case 'sysv-semaphores': {
      const stat = seen(
        () => SysvSemaphoreSet.fromId(id),
        (set) => set.stat(),
      )
      return stat ? { operateTime: stat.operateTime, values: stat.semaphores } : {}
    }
    case 'sysv-memory': {
      const stat = seen(
        () => SharedMemory.fromSysvId(id, { readOnly: true }),
        (memory) => memory.stat(),
      )
      // That look attaches it, too, and changes who was last.
      return stat ? { creatorPid: stat.creatorPid } : {}
    }
    case 'posix-queue': {
      const sizes = seen(
        () => PosixMessageQueue.open(name, { access: 'r' }),
        (queue) => {
          const { maxMessages, maxMessageSize } = /** @type {import('../../../index.js').PosixMessageQueue} */ (
            /** @type {unknown} */ (queue)
          )
          return { maxMessages, maxMessageSize }
        },
      )
      return sizes ?? {}
    }
    case 'posix-semaphore': {
      const value = seen(
        () => PosixSemaphore.open(name, { anyOwner: true }),
        (semaphore) => semaphore.value,
      )
      return value === undefined ? {} : { value }
    }
    default:
      return {}
  }
}

/**
 * @param {IpcObject} object
 * @param {Record<string, any>} more
 * @param {string | undefined} use
 * @param {import('../terminal.js').Terminal} out
 */
function page(object, more, use, out) {
  const { values, ...facts } = more
  const waits = object.listening ? 'connections that wait' : 'messages'
  /** @type {Array<[string, string | undefined]>} */
  const lines = [
    ['kind', object.kind === 'socket' ? `${shortKind(object)} socket` : object.kind],
    ['key', object.key === undefined ? undefined : `${object.name} (${object.key})`],
    ['owner', `${userName(object.uid)} (${object.uid})`],
    ['mode', object.kind === 'socket' && object.mode === 0 ? undefined : permissions(object.mode)],
    ['bytes', object.bytes === undefined ? undefined : `${object.bytes} (${bytes(object.bytes)})`],
    [waits, object.messages === undefined ? undefined : String(object.messages)],
    ['attached', object.attached === undefined ? undefined : String(object.attached)],
    ['made', object.created === undefined ? undefined : date(object.created)],
    ...Object.entries(facts).map(
      ([name, value]) => /** @type {[string, string]} */ ([words(name), shown(name, value)]),
    ),
    ...semaphores(values),
    ['used by', object.holders && (object.holders.map(called).join(', ') || 'nobody that is to be seen')],
    ['in use', use ?? 'no'],
  ]
  const known = lines.filter((line) => line[1] !== undefined)
  const left = Math.max(...known.map(([name]) => name.length)) + 2
  return [
    out.bold(shownCall(object)),
    ...known.flatMap(([name, value = '']) =>
      wrap(value, out.room - left - 2).map((line, index) => `  ${(index === 0 ? name : '').padEnd(left)}${line}`),
    ),
    '',
  ].join('\n')
}

/** @param {Array<{ value: number, lastPid: number, waiting: number, waitingForZero: number }>} [values] */
function semaphores(values = []) {
  return values.map(({ value, lastPid, waiting, waitingForZero }, index) => {
    const waits = [waiting > 0 && `${waiting} waiting`, waitingForZero > 0 && `${waitingForZero} waiting for zero`]
    const parts = [`value ${value}`, ...waits.filter(Boolean), lastPid > 0 ? `last changed by ${called(lastPid)}` : '']
    return /** @type {[string, string]} */ ([`semaphore ${index}`, parts.filter(Boolean).join(', ')])
  })
}

/** @param {string} name @param {any} value */
function shown(name, value) {
  if (value === null) return 'never'
  if (value instanceof Date) return date(value.getTime())
  if (name.endsWith('Pid')) return value === 0 ? 'nobody' : called(value)
  return String(value)
}

/** @param {number} time */
function date(time) {
  return new Date(time)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC')
}

/** `maxBytes` is `max bytes` for people. @param {string} name */
function words(name) {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
