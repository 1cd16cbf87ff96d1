/** What an SPDX expression comes to, given what is allowed. */

/**
 * Whether a licence that is allowed can be chosen.
 * @param {string} expression As in manifests; a slash is an old way of writing OR.
 * @param {Set<string>} allowed
 */
export function allows(expression, allowed) {
  const words = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? []
  const result = either(words, allowed)
  return words.length === 0 && result
}

/** @param {string[]} words @param {Set<string>} allowed @returns {boolean} */
function either(words, allowed) {
  const one = both(words, allowed)
  if (words[0] !== 'OR') return one
  words.shift()
  return either(words, allowed) || one
}

/** @param {string[]} words @param {Set<string>} allowed @returns {boolean} */
function both(words, allowed) {
  const one = term(words, allowed)
  if (words[0] !== 'AND') return one
  words.shift()
  return both(words, allowed) && one
}

/** @param {string[]} words @param {Set<string>} allowed @returns {boolean} */
function term(words, allowed) {
  const word = words.shift() ?? ''
  if (word === '(') {
    const inner = either(words, allowed)
    return words.shift() === ')' && inner
  }
  // An exception only allows more.
  if (words[0] === 'WITH') words.splice(0, 2)
  return allowed.has(word)
}
