/** How many columns text takes on a terminal. */

const PLAIN = /^[\x20-\x7e]*$/
/** Ideographs, Hangul, full-width forms and emoji take two. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u
const COMBINING = /\p{M}/u

/** @param {string} text without escape sequences */
export function widthOf(text) {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

/** @param {string} text @param {number} columns */
export function cut(text, columns) {
  if (widthOf(text) <= columns) return text
  let short = ''
  let width = 1
  for (const character of text) {
    width += widthOf(character)
    if (width > columns) break
    short += character
  }
  return columns > 0 ? `${short}…` : ''
}
