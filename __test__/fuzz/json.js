/** JSON that an enemy would send: most of it nearly right, some of it a trap for whoever believes it. */

/** @typedef {import('../faults/harness/random.js').Random} Random */

/** What is no number, no word, and no list, though it may be asked for one. */
const TRAPS = [
  { valueOf: 1, toString: 1 },
  { toString: null },
  { length: -1 },
  { length: 2 ** 32 },
  JSON.parse('{"then":1}'),
  { toJSON: 'x' },
  { constructor: { prototype: 1 } },
  [[]],
  [null],
]

const NUMBERS = [
  0,
  1,
  -1,
  2,
  7,
  8,
  63,
  64,
  1.5,
  -0,
  255,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e308,
]
const WORDS = [
  '',
  ' ',
  '0',
  '1',
  'x',
  '__proto__',
  'constructor',
  'then',
  'toString',
  'é',
  '\u0000',
  '\ud800',
  '$/more',
  '2.0',
]

/** Any value. @param {Random} random @param {number} [depth] @returns {any} */
export function anything(random, depth = 0) {
  switch (random.integer(0, depth > 3 ? 5 : 8)) {
    case 0:
      return null
    case 1:
      return random.chance(0.5)
    case 2:
    case 3:
      return random.pick(NUMBERS)
    case 4:
      return random.pick(WORDS)
    case 5:
      return random.pick(TRAPS)
    case 6:
      return 'x'.repeat(2 ** random.integer(0, 14))
    case 7:
      return Array.from({ length: random.integer(0, 4) }, () => anything(random, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.integer(0, 4) }, () => [random.pick(WORDS), anything(random, depth + 1)]),
      )
  }
}

/** A copy of `value` in which something is otherwise. @param {any} value @param {Random} random @returns {any} */
export function mutated(value, random) {
  if (value === null || typeof value !== 'object' || random.chance(0.05)) return anything(random)
  const copy = Array.isArray(value) ? [...value] : { ...value }
  const keys = Object.keys(copy)
  const key = keys.length === 0 || random.chance(0.1) ? random.pick(WORDS) : random.pick(keys)
  if (random.chance(0.15)) delete copy[key]
  else
    Object.defineProperty(copy, key, {
      value: mutated(copy[key], random),
      enumerable: true,
      writable: true,
      configurable: true,
    })
  return copy
}

/** As text, of which now and then a part is missing, or there twice, or is nested without end. @param {any} value @param {Random} random @returns {string} */
export function written(value, random) {
  const text = JSON.stringify(value) ?? 'null'
  if (!random.chance(0.2)) return text
  const [from, to] = [random.integer(0, text.length), random.integer(0, text.length)].sort((a, b) => a - b)
  const part = text.slice(from, to)
  switch (random.integer(0, 5)) {
    case 0:
      return text.slice(0, from) + text.slice(to)
    case 1:
      return text.slice(0, to) + text.slice(from)
    case 2: {
      const depth = 2 ** random.integer(4, 14)
      return text.slice(0, from) + '['.repeat(depth) + (random.chance(0.7) ? ']'.repeat(depth) : '') + text.slice(to)
    }
    case 3:
      return (
        text.slice(0, from) +
        random.pick(['\\', '"', ',', ':', '{', '}', '\u0000', '\ufeff', '1e999', '\\ud800']) +
        text.slice(to)
      )
    case 4:
      return text.replace(/\d+/, () => String(random.pick(NUMBERS)))
    default:
      return part
  }
}
