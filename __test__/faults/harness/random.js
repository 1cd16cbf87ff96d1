/** Chance that can be repeated: everything random in a campaign comes from the seed that it prints. */

export class Random {
  #state

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0
  }

  /** From 0, below 1. (Mulberry32: one addition, then mixing, so every seed gives the full period.) */
  float() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** A whole number from `least` to `most`. */
  integer(least, most) {
    return least + Math.floor(this.float() * (most - least + 1))
  }

  chance(probability) {
    return this.float() < probability
  }

  pick(choices) {
    return choices[this.integer(0, choices.length - 1)]
  }

  /** In place. */
  shuffle(list) {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.integer(0, last)
      ;[list[last], list[other]] = [list[other], list[last]]
    }
    return list
  }

  /** The seed of somebody who draws for himself. */
  seed() {
    return this.integer(0, 0xffff_ffff)
  }
}
