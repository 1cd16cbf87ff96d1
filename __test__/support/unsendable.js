/** What no codec has bytes for. */

/**
 * Messages that a channel or a topic with that codec refuses, each with what its error has to be: the cause is what the
 * message itself has thrown, if it has.
 * @param {'json' | 'structured'} codec
 */
export function unsendable(codec) {
  const thrown = new Error('sprung')
  const trap = {
    fine: 1,
    get broken() {
      throw thrown
    },
  }
  const cycle = /** @type {any} */ ({})
  cycle.cycle = cycle
  const messages = codec === 'json' ? [{ big: 1n }, cycle, trap] : [{ function() {} }, Symbol('x'), trap]
  return messages.map((message) => ({
    message,
    refused: (/** @type {any} */ { code, cause }) =>
      code === 'ERR_INVALID_ARG_VALUE' && cause instanceof Error && (message !== trap || cause === thrown),
  }))
}
