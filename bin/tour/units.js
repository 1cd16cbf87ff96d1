const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/**
 * @param {number} share 0 to 1
 * @param {number} width
 * @param {boolean} unicode
 */
export function bar(share, width, unicode) {
  if (!unicode) return '#'.repeat(Math.round(share * width))
  const units = Math.round(Math.min(share, 1) * width * 8)
  return '█'.repeat(Math.floor(units / 8)) + eighths[units % 8]
}

/**
 * Three figures that count, more where there are more before the point.
 * @param {number} value
 */
export function decimal(value) {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** @param {number} count */
export function bytes(count) {
  if (count < 1000) return `${count} B`
  if (count < 1e6) return `${decimal(count / 1e3)} kB`
  return count < 1e9 ? `${decimal(count / 1e6)} MB` : `${decimal(count / 1e9)} GB`
}

/** @param {number} duration In seconds; small files are told in more places. */
export function seconds(duration) {
  return duration.toFixed(duration < 0.01 ? 6 : 3)
}
