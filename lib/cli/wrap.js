/**
 * @param {string} text
 * @param {number} columns
 */
export function wrap(text, columns) {
  const lines = ['']
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1
    if (lines[last] === '') lines[last] = word
    else if (lines[last].length + 1 + word.length <= columns) lines[last] += ` ${word}`
    else lines.push(word)
  }
  return lines
}
