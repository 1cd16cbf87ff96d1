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
  const { highWaterMark = core.capacity, signal } = optionsOf(options)
  lend(core)
  const maxBytes = Math.max(highWaterMark, core.packet ? core.capacity : 1)
  return owned(
    core,
    new Readable({
      highWaterMark,
      signal,
      read() {
        core.direction.submit(receive(maxBytes), FOR_EVER).then(
          (data) => this.push(data),
          (error) => this.destroy(error),
        )
      },
      destroy(error, done) {
        core.close()
        done(error)
      },
    }),
  )
}

/**
 * @param {PipeCore} core
 * @param {Options | undefined} options
 * @param {(data: Uint8Array) => Operation} send throws what cannot be sent
 */
export function writable(core, options, send) {
  const { highWaterMark = core.capacity, signal } = optionsOf(options)
  lend(core)
  return owned(
    core,
    new Writable({
      highWaterMark,
      signal,
      write(chunk, _encoding, done) {
        let operation
        try {
          operation = send(chunk)
        } catch (error) {
          done(/** @type {Error} */ (error))
          return
        }
        core.direction.submit(operation, FOR_EVER).then(() => done(), done)
      },
      final(done) {
        core.close()
        done()
      },
      destroy(error, done) {
        core.close()
        done(error)
      },
    }),
  )
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
function lend(core) {
  core.check()
  if (core.waiting > 0) throw invalidState('Operations wait on the handle')
  core.lentTo = 'a stream'
}

/**
 * @template {Readable | Writable} S
 * @param {PipeCore} core
 * @param {S} stream
 * @returns {S}
 */
function owned(core, stream) {
  core.closing.add(() => {
    const finished = 'writableFinished' in stream && stream.writableFinished
    // Closed by itself, in its turn, or by somebody else under it.
    if (!finished) stream.destroy()
  })
  return stream
}
