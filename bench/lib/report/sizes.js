/** Sizes as groups name them, and figures that can be compared between sizes. */

const UNITS = /** @type {Record<string, number>} */ ({ B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 })

/** @param {string} size such as `64 KiB` @returns {number | undefined} bytes */
export function bytesOf(size) {
  const [, count, unit] = /^(\d+(?:\.\d+)?) (B|KiB|MiB|GiB)$/.exec(size) ?? []
  return unit === undefined ? undefined : Number(count) * UNITS[unit]
}

/** @param {number} bytes */
export function sizeText(bytes) {
  for (const [unit, size] of Object.entries(UNITS).reverse()) if (bytes >= size) return `${bytes / size} ${unit}`
  return `${bytes} B`
}

/** A throughput as bytes a second, whichever unit it is in. @param {number} value @param {string} unit @param {number} bytes */
export function perSecond(value, unit, bytes) {
  if (unit === 'messages/s') return value * bytes
  return unit === 'GB/s' ? value * 1e9 : undefined
}
