/** What is tried as every argument. */
export const mine = new Error('thrown by the value itself')
export const thrower = () => {
  throw mine
}
export const detached = new ArrayBuffer(8)
export const detachedView = new Uint8Array(detached)
structuredClone(detached, { transfer: [detached] })
export const revoked = Proxy.revocable({}, {})
revoked.revoke()

export const throwing = new Proxy({}, { get: thrower, has: thrower, getPrototypeOf: thrower })
/** Objects of which nothing can be asked. */
export const hostile = new Set([throwing, revoked.proxy])

/** @type {Record<string, any>} */
export const values = {
  undefined: undefined,
  null: null,
  true: true,
  false: false,
  0: 0,
  '-0': -0,
  1: 1,
  '-1': -1,
  1.5: 1.5,
  '-0.5': -0.5,
  4095.5: 4095.5,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '2 ** 31': 2 ** 31,
  '-(2 ** 31)': -(2 ** 31),
  '2 ** 32': 2 ** 32,
  '2 ** 32 + 1': 2 ** 32 + 1,
  '2 ** 53': 2 ** 53,
  '-(2 ** 53)': -(2 ** 53),
  MAX_VALUE: Number.MAX_VALUE,
  MIN_VALUE: Number.MIN_VALUE,
  '0n': 0n,
  '1n': 1n,
  '2n ** 64n': 2n ** 64n,
  'empty string': '',
  'a string': 'x',
  'a number as a string': '1',
  'a string with a null byte': 'a\0b',
  'a symbol': Symbol('mine'),
  'an empty object': {},
  'an object without a prototype': Object.create(null),
  'a frozen object': Object.freeze({}),
  'an empty array': [],
  'an array': [1],
  'a function': () => {},
  'a class': class {},
  'a date': new Date(0),
  'a regular expression': /x/,
  'a map': new Map(),
  'a promise': Promise.resolve(),
  'an error': new Error('value'),
  'a Number object': Object(1),
  'a String object': Object('x'),
  'a Boolean object': Object(false),
  'valueOf that gives a number': { valueOf: () => 1 },
  'valueOf that throws': { valueOf: thrower },
  'toString that throws': { toString: thrower },
  'toPrimitive that throws': { [Symbol.toPrimitive]: thrower },
  'an object that looks like a signal': { aborted: false },
  'a detached ArrayBuffer': detached,
  'a view of a detached ArrayBuffer': detachedView,
  'an empty view': new Uint8Array(0),
  'an ArrayBuffer': new ArrayBuffer(8),
  'a SharedArrayBuffer': new SharedArrayBuffer(8),
  'a Buffer': Buffer.alloc(8),
  'an AbortController': new AbortController(),
  'a proxy of nothing': new Proxy({}, {}),
  'a proxy that throws': throwing,
  'a revoked proxy': revoked.proxy,
}
