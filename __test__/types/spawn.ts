/** What TypeScript makes of children with handles: compiled by `npm run lint`, never run. */
import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process'
import { Channel, type Handle, inherited, Mutex, type SharedMemory, spawn } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const [, far] = Channel.pair()

export function forms() {
  const bare = spawn('true')
  same<typeof bare, ChildProcessWithoutNullStreams>()
  const words = spawn('true', ['x'])
  same<typeof words, ChildProcessWithoutNullStreams>()
  const given = spawn('true', { handles: { far, lock: Mutex.open('x') } })
  same<typeof given, ChildProcessWithoutNullStreams>()
  const piped = spawn('true', ['x'], { handles: { far }, cwd: '/' })
  same<typeof piped, ChildProcessWithoutNullStreams>()
  const inheriting = spawn('true', ['x'], { handles: { far }, stdio: 'inherit' })
  same<typeof inheriting, ChildProcess>()
  const all = spawn('true', ['x'] as const, {
    handles: { far },
    stdio: ['pipe', 'inherit', 2, 'ipc'],
    cwd: '/',
    env: { A: 'b' },
    detached: true,
    shell: true,
    uid: 1,
    signal: new AbortController().signal,
    timeout: 5,
  })
  same<typeof all, ChildProcess>()
  // @ts-expect-error no handle
  spawn('true', { handles: { far: 3 } })
  // @ts-expect-error by name, not in a list
  spawn('true', { handles: [far] })
  // @ts-expect-error the command is a string
  spawn(3)
}

export function asked() {
  const any = inherited('far')
  same<typeof any, Handle>()
  const memory = inherited<SharedMemory>('memory')
  same<typeof memory.size, number>()
  // @ts-expect-error names are strings
  inherited(3)
  // @ts-expect-error no class of handles
  inherited<string>('far')
}
