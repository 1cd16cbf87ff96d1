/**
 * An image service: another process draws, and its results come in shared memory. Nothing of a picture is copied or encoded,
 * however large it is.
 *
 *     node examples/image-service.js
 */
import { fileURLToPath } from 'node:url'
import { Channel, inherited, rpc, SharedMemory, spawn } from 'os-ipc'

if (process.argv[2] === 'service') {
  rpc.serve(inherited('calls'), {
    /** A gradient from black to white, one byte for each pixel. */
    gradient({ width, height }, context) {
      // The caller gets the memory; this process's part of it goes once the answer is sent.
      const memory = context.use(SharedMemory.create(width * height))
      const pixels = new Uint8Array(memory.buffer)
      for (let x = 0; x < width; x++) pixels[x] = Math.round((x * 255) / (width - 1))
      for (let y = 1; y < height; y++) pixels.copyWithin(y * width, 0, width)
      return { width, height, pixels }
    },

    /** In place: the picture is the caller's own memory. */
    invert({ pixels }) {
      for (let i = 0; i < pixels.length; i++) pixels[i] = 255 - pixels[i]
      return pixels.length
    },

    /** Strip by strip, for a caller that shows what is there already. */
    async *strips({ width, height, rows }, { signal }) {
      for (let y = 0; y < height && !signal.aborted; y += rows) {
        yield { y, strip: new Uint8Array(width * Math.min(rows, height - y)).fill(y % 256) }
      }
    },
  })
} else {
  const [ours, theirs] = Channel.pair({ codec: 'structured' })
  const script = fileURLToPath(import.meta.url)
  const service = spawn(process.execPath, [script, 'service'], { stdio: 'inherit', handles: { calls: theirs } })
  const client = await rpc.connect(ours)

  const { width, height, pixels } = await client.call('gradient', { width: 4096, height: 2160 })
  console.log(`a picture of ${width} by ${height}: from ${pixels[0]} to ${pixels[width - 1]}`)

  const inverted = await client.call('invert', { pixels })
  console.log(`${inverted} pixels are inverted where they are: from ${pixels[0]} to ${pixels[width - 1]}`)

  let seen = 0
  for await (const { strip } of client.stream('strips', { width: 640, height: 480, rows: 48 })) {
    seen += strip.length
    if (seen >= 640 * 240) break
  }
  console.log(`half of another one came in ${seen / (640 * 48)} strips, and the rest was never drawn`)

  client.close()
  service.kill()
}
