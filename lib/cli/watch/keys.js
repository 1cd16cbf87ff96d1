/** Keys as they are pressed, for as long as somebody listens. */

/** @param {(key: string) => void} listener @returns {() => void} ends it */
export function listenToKeys(listener) {
  const { stdin } = process
  if (!stdin.isTTY) return () => {}
  /** @param {Buffer} bytes */
  const hear = (bytes) => {
    for (const key of bytes.toString('latin1')) listener(key)
  }
  stdin.setRawMode(true)
  stdin.on('data', hear)
  stdin.resume()
  return () => {
    stdin.off('data', hear)
    stdin.setRawMode(false)
    stdin.pause()
  }
}
