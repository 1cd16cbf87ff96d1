/** What TypeScript makes of signals: compiled by `npm run lint`, never run. */
import { type Handle, type Receiver, type SignalInfo, type SignalReceiver, signals } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

export function sending() {
  const sent = signals.send(1, 'SIGRTMIN+3', { value: 5 })
  same<typeof sent, void>()
  signals.send(1, 'SIGTERM', { thread: 1 })
  signals.send(1, 0)
  signals.sendToGroup(0, 'SIGRTMAX-1')
  const number = signals.number('SIGRTMAX')
  same<typeof number, number>()
  const name = signals.name(signals.min)
  same<typeof name, string>()
}

const { signal } = new AbortController()

export async function receiving() {
  const receiver = signals.receive(['SIGHUP', 'SIGRTMIN+1', 40])
  same<typeof receiver, SignalReceiver>()
  const received = await receiver.recv({ timeout: 5, signal })
  same<typeof received, SignalInfo>()
  const { pid, uid, value, code } = received
  same<typeof pid, number>()
  same<typeof uid, number>()
  same<typeof value, number | undefined>()
  const asked: boolean = code === 'queue'
  const tried = receiver.tryRecv()
  same<typeof tried, SignalInfo | undefined>()
  const blocked = receiver.recvSync({ timeout: 5 })
  same<typeof blocked, SignalInfo>()
  for await (const info of receiver) same<typeof info, SignalInfo>()
  for await (const info of receiver.iterate({ signal })) same<typeof info, SignalInfo>()
  const handle: Handle = receiver
  const general: Receiver<SignalInfo> = receiver
  const again: SignalReceiver = signals.receive('SIGUSR2').dup().ref().unref()
  same<typeof receiver.dropped, number>()
  return [handle, general, again, asked]
}

export function holding() {
  signals.block(['SIGUSR2', 'SIGRTMIN+2'])
  const names = signals.pending()
  same<typeof names, string[]>()
  signals.unblock('SIGUSR2')
  signals.ignore('SIGHUP')
  signals.restoreDefault('SIGHUP')
}

export function refused() {
  // @ts-expect-error
  signals.receive()
  // @ts-expect-error
  signals.receive('SIGUSR2').recvSync({ signal })

  // @ts-expect-error
  signals.send(1, 'SIGNONE')
  // @ts-expect-error
  signals.send(1, 'SIGRTMIN+x')
  // @ts-expect-error
  signals.send(1, 'SIGTERM', { value: 'x' })
  // @ts-expect-error
  signals.min = 5
}
