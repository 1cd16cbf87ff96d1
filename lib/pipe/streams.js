/**
 * Node streams over the ends of a pipe. Each owns its end: destroying it closes.
 */
import { Readable, Writable } from 'node:stream'
import { invalidState } from '../errors.js'
import { abortSignal, FOR_EVER, integer, objectOf } from '../validate.js'

/** @typedef {import('./end.js').PipeCore} PipeCore */
/** @typedef {import('../wait/direction.js').Operation} Operation */
/** @typedef {{ highWaterMark?: number, signal?: AbortSignal }} Options */

/**
 * @param {PipeCore} core
 * @param {Options | undefined} options
 * @param {(maxBytes: number) => Operation} receive
 */
export function readable(core, options, receive) {
  const { packet, capacity } = core
  const { highWaterMark = packet ? undefined : capacity, signal } = optionsOf(options)
  checkFree(core)
  const maxBytes = packet ? capacity : Math.max(highWaterMark ?? 0, 1)
  const stream = new Readable({
    // A stream of bytes would put packets together.
    objectMode: packet,
    highWaterMark,
    signal,
    read() {
      try {
        core.direction.submit(receive(maxBytes), FOR_EVER).then(
          (data) => this.push(data),
          (error) => this.destroy(error),
        )
      } catch (error) {
        this.destroy(/** @type {Error} */ (error))
      }
    },
    destroy(error, done) {
      core.close()
      done(error)
    },
  })
  own(core, stream)
  return stream
}

/**
 * @param {PipeCore} core
 * @param {Options | undefined} options
 * @param {(data: Uint8Array) => Operation} send throws what cannot be sent
 */
export function writable(core, options, send) {
  const { highWaterMark = core.capacity, signal } = optionsOf(options)
  checkFree(core)
  const stream = new Writable({
    highWaterMark,
    signal,
    write(chunk, _encoding, done) {
      try {
        core.direction.submit(send(chunk), FOR_EVER).then(() => done(), done)
      } catch (error) {
        done(/** @type {Error} */ (error))
      }
    },
    final(done) {
      // Closed by the stream itself, in its turn: it is not to be destroyed for that, or it would never finish.
      disown()
      core.close()
      done()
    },
    destroy(error, done) {
      core.close()
      done(error)
    },
  })
  const disown = own(core, stream)
  return stream
}

/** @param {Options | undefined} options */
function optionsOf(options) {
  const { highWaterMark, signal } = objectOf(options)
  return {
    highWaterMark: highWaterMark === undefined ? undefined : integer('options.highWaterMark', highWaterMark),
    signal: abortSignal('options.signal', signal),
  }
}

/** @param {PipeCore} core */
function checkFree(core) {
  core.check()
  if (core.waiting > 0) throw invalidState('Operations wait on the handle')
}

/**
 * The end is the stream's from now on, which is destroyed when it is closed under it.
 * @param {PipeCore} core
 * @param {Readable | Writable} stream
 * @returns {() => void} calls that off
 */
function own(core, stream) {
  core.lentTo = 'a stream'
  const onClose = () => {
    stream.destroy()
  }
  core.closing.add(onClose)
  return () => core.closing.delete(onClose)
}
