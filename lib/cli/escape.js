/**
 * Text that others have chosen, as it may be shown: nothing in it moves the cursor, begins a line or turns the writing
 * round.
 */

const SHORT = /** @type {Record<string, string>} */ ({ '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' })
/** Controls, what changes the direction or cannot be seen, halves of pairs, and the backslash that stands for all that. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\\]/gu

/** @param {string} text */
export function visible(text) {
  return text.replace(HIDDEN, (character) => {
    const code = /** @type {number} */ (character.codePointAt(0))
    return SHORT[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`)
  })
}
