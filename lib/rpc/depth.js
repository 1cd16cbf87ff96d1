/**
 * How deep JSON is nested, by its text: before anybody walks through what it stands for.
 */

/** Levels of arrays and objects in params or in a result; the frame around them is one more. */
export const DEEPEST = 64

const [QUOTE, BACKSLASH, BRACKET, BRACE] = ['"', '\\', '[', '{'].map((each) => each.charCodeAt(0))
const [END_OF_BRACKET, END_OF_BRACE] = [']', '}'].map((each) => each.charCodeAt(0))

/** @param {string} text of JSON @param {number} [deepest] */
export function nestsTooDeep(text, deepest = DEEPEST + 1) {
  // Each level takes two characters at least.
  if (text.length <= 2 * deepest) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === BRACKET || code === BRACE) {
      if (++depth > deepest) return true
    } else if (code === END_OF_BRACKET || code === END_OF_BRACE) depth--
  }
  return false
}

/** Where the quote stands that ends a string. @param {string} text @param {number} start */
function endOfString(text, start) {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((end - before) % 2 === 1) return end
  }
  return text.length
}
