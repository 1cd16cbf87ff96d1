// An image in shared memory, inverted in place by four processes, each its own rows: nothing is copied.
//   node examples/shared-image.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SharedMemory } from 'os-ipc'

const [width, height, workers] = [640, 400, 4]
const rows = height / workers

if (process.argv[2] === 'worker') invert(Number(process.argv[3]))
else await main()

async function main() {
  const memory = SharedMemory.create(width * height)
  const image = new Uint8Array(memory.buffer)
  image.forEach((_, index) => {
    image[index] = index % 251
  })
  const children = Array.from({ length: workers }, (_, number) =>
    spawn(process.execPath, [fileURLToPath(import.meta.url), 'worker', String(number)], {
      stdio: ['ignore', 'inherit', 'inherit', memory.fd],
    }),
  )
  await Promise.all(children.map((child) => once(child, 'exit')))
  const wrong = image.findIndex((pixel, index) => pixel !== 255 - (index % 251))
  console.log(wrong < 0 ? `${image.length} pixels are inverted` : `pixel ${wrong} is not`)
  memory.close()
}

/** @param {number} number */
function invert(number) {
  const memory = SharedMemory.fromFd(3)
  const part = new Uint8Array(memory.buffer, number * rows * width, rows * width)
  part.forEach((pixel, index) => {
    part[index] = 255 - pixel
  })
  memory.close()
}
