// Starts /bin/true and sees it out, by Node's spawn or by ours; `descriptors` of them are given to it.
import { spawn as nodeSpawn } from 'node:child_process'
import { once } from 'node:events'
import { SharedMemory, spawn } from '../../index.js'
import { serve } from '../lib/near.js'

const [who, descriptors] = process.argv.slice(2)
const memories = Array.from({ length: Number(descriptors) }, () => SharedMemory.create(4096))
const stdio = /** @type {any[]} */ (['ignore', 'ignore', 'ignore'])
const handles = Object.fromEntries(memories.map((memory, index) => [`memory${index}`, memory]))
const fds = memories.map(({ fd }) => fd)

await serve(async () => {
  const child =
    who === 'ours'
      ? spawn('/bin/true', [], { stdio, handles })
      : nodeSpawn('/bin/true', [], { stdio: [...stdio, ...fds] })
  await once(child, 'exit')
})
