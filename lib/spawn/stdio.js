/** What Node takes in place of a list, for all three. */
const WORDS = ['pipe', 'overlapped', 'ignore', 'inherit']

/**
 * The descriptors of a child, a slot each, as a list of its own that can be added to.
 * @param {any} stdio as child_process.spawn takes it
 * @returns {any[] | undefined} undefined for what it does not take
 */
export function slotsOf(stdio) {
  if (Array.isArray(stdio)) {
    const slots = Array.from(stdio)
    // What is missing is Node's to fill in, but it has to be there to be counted.
    while (slots.length < 3) slots.push(undefined)
    return slots
  }
  const word = stdio || 'pipe'
  return WORDS.includes(word) ? [word, word, word] : undefined
}
