/** What TypeScript makes of signals: compiled by `npm run lint`, never run. */
import { signals } from 'os-ipc'

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

export function refused() {
  // @ts-expect-error
  signals.send(1, 'SIGNONE')
  // @ts-expect-error
  signals.send(1, 'SIGRTMIN+x')
  // @ts-expect-error
  signals.send(1, 'SIGTERM', { value: 'x' })
  // @ts-expect-error
  signals.min = 5
}
