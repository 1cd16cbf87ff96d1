import { readFileSync } from 'node:fs'
import { receiverCommand } from '../receiver-process.js'
import { receiveInto } from './receive-into.js'

const name = 'pipeline'

/** @type {import('./index.js').Transport} */
export const catPipeline = {
  name,
  title: 'pipeline, cat FILE',
  ours: true,

  async run(file, { progress, signal }) {
    const { pipeline } = await import('../../../index.js')
    const commands = [['cat', file.path], receiverCommand(name, file)]
    const line = pipeline(commands, { stdin: 'ignore', signal })
    const watch = setInterval(followReads(line.processes[0].pid, progress), 100)
    try {
      const words = []
      for await (const piece of /** @type {import('../../../index.js').PipeReader} */ (line.stdout)) words.push(piece)
      const statuses = await line.status({ signal })
      const bad = statuses.findIndex(({ code }) => code !== 0)
      if (bad >= 0) throw new Error(`${commands[bad][0]} ended (${statuses[bad].signal ?? statuses[bad].code})`)
      const { began, ended, ...received } = JSON.parse(Buffer.concat(words).toString())
      // Its processes start together, so the clock is the receiver's, from when it asked for the first byte.
      return { ...received, seconds: Number(BigInt(ended) - BigInt(began)) / 1e9 }
    } finally {
      clearInterval(watch)
      line.stdout?.close()
    }
  },

  receive: (sink) => receiveInto(sink, 0),
}

/**
 * None of the bytes pass through here, so how far it is has to be asked of the kernel.
 * @param {number | undefined} pid
 * @param {(bytes: number) => void} progress
 */
function followReads(pid, progress) {
  let before = 0
  return () => {
    try {
      const read = Number(/^rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1])
      if (read > before) progress(read - before)
      before = read
    } catch {
      // It has ended, or this kernel does not count.
    }
  }
}
