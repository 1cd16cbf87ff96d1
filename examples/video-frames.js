// Video through three processes, no frame of it copied: the camera paints each frame into memory that it shares with the
// filter, the filter reads it there and writes its edges into memory that it shares with the screen, which only looks at them.
// Who is too fast waits for room. Run it with: node examples/video-frames.js
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Channel } from 'os-ipc'

const WIDTH = 640
const HEIGHT = 360
const FRAMES = 60
/** Before the pixels of a frame: its number. */
const HEADER = 4
const COLOUR = HEADER + WIDTH * HEIGHT * 4
const GREY = HEADER + WIDTH * HEIGHT
/** Four frames may be under way between two processes. */
const capacity = 4 * 2 ** 20

/** A picture that moves: red, green, blue and how much it covers, for each pixel. */
function paint(/** @type {Uint8Array} */ bytes, /** @type {number} */ number) {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, number)
  const pixels = new Uint32Array(bytes.buffer, bytes.byteOffset + HEADER, WIDTH * HEIGHT)
  for (let y = 0, i = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, i++) {
      const inside = (x - 4 * number) ** 2 + (y - HEIGHT / 2) ** 2 < 10_000
      pixels[i] = inside ? 0xff00ffff : 0xff000000 | (((x + number) & 255) << 16) | ((y & 255) << 8)
    }
  }
}

/** How much the picture changes at each pixel (Sobel's operator, on its green). */
function findEdges(/** @type {Uint8Array} */ from, /** @type {Uint8Array} */ to) {
  to.set(from.subarray(0, HEADER))
  to.fill(0, HEADER)
  const row = WIDTH * 4
  for (let y = 1; y < HEIGHT - 1; y++) {
    for (let x = 1; x < WIDTH - 1; x++) {
      const i = HEADER + (y * WIDTH + x) * 4 + 1
      const [nw, n, ne] = [from[i - row - 4], from[i - row], from[i - row + 4]]
      const [sw, s, se] = [from[i + row - 4], from[i + row], from[i + row + 4]]
      const across = ne + 2 * from[i + 4] + se - nw - 2 * from[i - 4] - sw
      const down = sw + 2 * s + se - nw - 2 * n - ne
      to[HEADER + y * WIDTH + x] = Math.min(255, Math.abs(across) + Math.abs(down))
    }
  }
}

/** @param {Uint8Array} bytes */
const checksum = (bytes) => createHash('sha256').update(bytes).digest('hex')

async function filter() {
  const [camera, screen] = [Channel.fromFd(3), Channel.fromFd(4)]
  for (let frame = await camera.borrow(); frame !== null; frame = await camera.borrow()) {
    const room = await screen.reserve(GREY)
    findEdges(frame.bytes, room.bytes)
    frame.release()
    room.commit()
  }
  await screen.end()
  camera.close()
}

async function screen() {
  const [frames, reports] = [Channel.fromFd(3), Channel.fromFd(4, { codec: 'json' })]
  for (let frame = await frames.borrow(); frame !== null; frame = await frames.borrow()) {
    const number = new DataView(frame.bytes.buffer, frame.bytes.byteOffset).getUint32(0)
    await reports.send({ number, checksum: checksum(frame.bytes) })
    frame.release()
  }
  await reports.end()
  frames.close()
}

/** The other processes, each with an end of two channels. @param {string} role @param {Channel<any>[]} ends */
function start(role, ...ends) {
  const stdio = /** @type {const} */ (['ignore', 'inherit', 'inherit'])
  spawn(process.execPath, [fileURLToPath(import.meta.url), role], { stdio: [...stdio, ...ends.map(({ fd }) => fd)] })
}

async function camera() {
  const [toFilter, fromCamera] = Channel.pair({ capacity })
  const [toScreen, fromFilter] = Channel.pair({ capacity })
  const [reports, toCamera] = Channel.pair({ codec: 'json' })
  start('filter', fromCamera, toScreen)
  start('screen', fromFilter, toCamera)
  for (const end of [fromCamera, toScreen, fromFilter, toCamera]) end.close()

  /** @type {string[]} */
  const expected = []
  const recording = (async () => {
    const edges = new Uint8Array(GREY)
    for (let number = 0; number < FRAMES; number++) {
      const room = await toFilter.reserve(COLOUR)
      paint(room.bytes, number)
      // Only to know what the screen should see.
      findEdges(room.bytes, edges)
      expected.push(checksum(edges))
      room.commit()
    }
    await toFilter.end()
  })()

  let right = 0
  for await (const report of reports) {
    const { number, checksum: seen } = /** @type {any} */ (report)
    if (seen === expected[number]) right++
  }
  await recording
  reports.close()
  console.log(`${right} of ${FRAMES} frames arrived as they should, ${FRAMES * (COLOUR + GREY)} bytes of them`)
}

const roles = { camera, filter, screen }
await roles[/** @type {keyof typeof roles} */ (process.argv[2] ?? 'camera')]()
