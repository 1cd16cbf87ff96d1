/** One line on stderr that says what runs and how long it will take; nothing where stderr is no terminal but the group. */
export class Progress {
  /** @param {number} steps */
  constructor(steps) {
    this.steps = steps
    this.done = 0
    this.started = performance.now()
    this.group = ''
  }

  /** @param {string} what */
  step(what) {
    this.done += 1
    const elapsed = (performance.now() - this.started) / 1000
    const left = Math.ceil((elapsed / this.done) * (this.steps - this.done))
    const line = `${this.done}/${this.steps}, ${duration(left)} left: ${what}`
    const group = what.slice(0, what.indexOf(':'))
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`)
    else if (group !== this.group) process.stderr.write(`${line}\n`)
    this.group = group
  }

  clear() {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }
}

/** @param {number} seconds */
function duration(seconds) {
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}
