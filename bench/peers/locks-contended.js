/** Where the words of a contended lock's processes are. */
export const PLACES = 16
export const [ROUND, OVER, DONE, LAST, BEGUN] = [0, 1, 2, 3, 4]
/** How often each has had it, and how often somebody else before. */
export const TAKEN = 16
export const HANDED_OVER = TAKEN + PLACES
export const SIZE = 4 * (HANDED_OVER + PLACES)
