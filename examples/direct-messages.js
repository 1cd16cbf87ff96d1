// Processes that know nothing of each other but a number: one that squares what it is sent, whoever has sent it, and any number of
// others that ask it to.
//   node examples/direct-messages.js serve         says its pid; until it has been told to stop
//   node examples/direct-messages.js ask PID N...
//   node examples/direct-messages.js stop PID
import { Endpoint } from 'os-ipc'

const [what, ...words] = process.argv.slice(2)
const [pid, ...numbers] = words.map(Number)
const endpoint = Endpoint.open()

if (what === 'serve') {
  console.log(`serving as ${endpoint.pid}`)
  for await (const { from, data } of endpoint) {
    if (String(data) === 'stop') break
    // Whoever has gone meanwhile wants no answer.
    await endpoint.send(from, `${Number(data) ** 2}`, { timeout: 1000 }).catch(() => {})
  }
} else if (what === 'ask' && pid > 0) {
  for (const number of numbers) {
    await endpoint.send(pid, `${number}`, { timeout: 1000 })
    const { data } = await endpoint.recv({ from: pid, timeout: 1000 })
    console.log(`${number} squared is ${data}`)
  }
} else if (what === 'stop' && pid > 0) {
  await endpoint.send(pid, 'stop', { timeout: 1000 })
} else {
  console.error('usage: node examples/direct-messages.js serve | ask PID N... | stop PID')
  process.exitCode = 2
}
endpoint.close()
