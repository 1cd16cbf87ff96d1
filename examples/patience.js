// What a waiting recv does when patience ends: a timeout, an abort, a close. Nothing is ever lost by them.
//   node examples/patience.js
import { pipe } from 'os-ipc'

const { reader, writer } = pipe()
const tell = (what) => (error) => console.log(`${what}: ${error.code ?? error.name}, ${error.message}`)

await reader.recv({ timeout: 50 }).catch(tell('timeout'))
await reader.recv({ signal: AbortSignal.timeout(50) }).catch(tell('abort'))

await writer.send('still here')
console.log(`after both: ${await reader.recv()}`)

const waiting = reader.recv().catch(tell('close'))
reader.close()
await waiting

await writer.send('to nobody').catch(tell('no reader'))
writer.close()
