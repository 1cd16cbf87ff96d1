/** What TypeScript makes of list, limits and cleanup: compiled by `npm run lint`, never run. */
import { cleanup, type IpcKind, type IpcObject, limits, list } from 'os-ipc'

/** Compiles only where both types are one and the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

const all = list()
same<typeof all, IpcObject[]>()
list({ kinds: ['fifo', 'posix-queue'], folders: ['/srv', new URL('file:///srv')] })
// @ts-expect-error no such kind
list({ kinds: ['pipe'] })

const [object] = list()
same<typeof object.kind, IpcKind>()
same<typeof object.holders, number[] | undefined>()

const swept = cleanup({ dryRun: true })
same<typeof swept, IpcObject[]>()
// @ts-expect-error it is a boolean
cleanup({ dryRun: 'yes' })

const most = limits()
same<typeof most, Record<string, number>>()
