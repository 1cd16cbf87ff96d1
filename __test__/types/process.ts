/** What TypeScript makes of processes: compiled by `npm run lint`, never run. */
import { type ExitStatus, type Handle, ProcessHandle, type SignalName } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const { signal } = new AbortController()
const handle = ProcessHandle.open(1)

export async function ends() {
  const status = await handle.exited({ timeout: 5, signal })
  same<typeof status, ExitStatus | null>()
  const blocked = handle.exitedSync({ timeout: 5 })
  same<typeof blocked, ExitStatus | null>()
  // @ts-expect-error what blocks cannot be aborted
  handle.exitedSync({ signal })
}

export function facts() {
  const base: Handle = handle
  same<typeof handle.pid, number>()
  same<typeof handle.parentPid, number>()
  same<typeof handle.startTime, Date>()
  same<typeof handle.alive, boolean>()
  const copy = handle.dup()
  same<typeof copy, ProcessHandle>()
  // @ts-expect-error constants cannot be written
  handle.pid = 2
  // @ts-expect-error made by open alone
  new ProcessHandle()
  return base
}

export function signals(name: SignalName) {
  const sent = handle.send('SIGTERM')
  same<typeof sent, void>()
  handle.send('SIGRTMIN+1', { value: -1 })
  handle.send('SIGRTMAX-2')
  handle.send(0)
  handle.send(name)
  // @ts-expect-error no signal
  handle.send('SIGNOTHING')
  // @ts-expect-error a value is a number
  handle.send('SIGUSR1', { value: 'x' })
  // @ts-expect-error a process is opened by its number
  ProcessHandle.open('1')
}
