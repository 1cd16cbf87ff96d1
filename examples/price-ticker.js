// A price ticker: one process publishes prices, three others subscribe. One is slow and misses prices, which is counted;
// one comes late and sees the last five first. Each is a process of its own.
import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Topic } from 'os-ipc'

const PRICES = 2000
const [role, address = `@price-ticker-${process.pid}`] = process.argv.slice(2)
const open = () => Topic.open(address, { codec: 'json', overflow: 'drop-oldest', capacity: 8192 })

if (role === undefined) {
  const ticker = open()
  const start = (role, ...words) => {
    const child = fork(fileURLToPath(import.meta.url), [role, address, ...words])
    return {
      ready: new Promise((resolve) => child.once('message', resolve)),
      ended: new Promise((resolve) => child.once('exit', resolve)),
    }
  }
  const [fast, slow] = [start('fast'), start('slow')]
  await Promise.all([fast.ready, slow.ready])
  for (let number = 1; number <= PRICES; number++) {
    await ticker.publish({ symbol: 'ABC', price: 100 + number / 100, number })
    // As they come in: some at once, then none for a while.
    if (number % 50 === 0) await sleep(1)
  }
  const late = start('late')
  await late.ready
  // The end for all of them, once they have received what is there.
  Topic.unlink(address)
  await Promise.all([fast.ended, slow.ended, late.ended])
  ticker.close()
} else {
  const topic = open()
  const prices = await topic.subscribe({ history: role === 'late' ? 5 : 0 })
  process.send('ready')
  let received = 0
  let last = 0
  for await (const { number } of prices) {
    received++
    last = number
    if (role === 'slow') await sleep(2)
  }
  const all = received + prices.missed === (role === 'late' ? 5 : PRICES)
  console.log(
    `${role}: the last price was number ${last}; ${all ? 'each was received or counted as missed' : 'some got lost'}`,
  )
  prices.close()
  topic.close()
  process.disconnect()
}
