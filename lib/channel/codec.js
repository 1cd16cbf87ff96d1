/**
 * What a message is for users, and as bytes: one for each codec.
 */
import { Buffer } from 'node:buffer'
import { deserialize, serialize } from 'node:v8'
import { bytesOf, jsonOf } from '../data.js'
import { invalidType, invalidValue, unsendable } from '../errors.js'
import { corrupt } from './ring.js'

/**
 * @typedef {object} Codec
 * @property {(message: unknown) => Uint8Array} encode
 * @property {boolean} fresh whether what `encode` gives is nobody else's
 * @property {import('./incoming.js').Read} read
 * @property {(message: Buffer) => unknown} decode
 */

/** @type {Codec} */
const bytes = {
  encode: (message) => bytesOf(message, 'message'),
  fresh: false,
  read: (incoming, from, length) => incoming.copy(from, length),
  decode: (message) => message,
}

/** @type {Codec} */
const json = {
  encode(message) {
    refuseNothing(message)
    const text = jsonOf(message, 'message')
    // What becomes null there (NaN, an invalid Date) would be taken for a corrupt message.
    if (text === 'null') throw invalidType('message', 'a value that JSON has', message)
    return Buffer.from(text)
  },
  fresh: true,
  read: (incoming, from, length) => parse(incoming.text(from, length)),
  decode: (message) => parse(message.toString()),
}

/** @type {Codec} */
const structured = {
  encode(message) {
    refuseNothing(message)
    try {
      return serialize(message)
    } catch (error) {
      throw unsendable('message', 'a structured clone', error)
    }
  },
  fresh: true,
  read: (incoming, from, length) => restore(incoming.copy(from, length)),
  decode: (message) => restore(message),
}

export const codecs = { bytes, json, structured }

/** Null means the end of the stream. @param {unknown} message */
function refuseNothing(message) {
  if (message === null || message === undefined) throw invalidValue('message', message, 'must not be null or undefined')
}

/** @param {string} text */
function parse(text) {
  try {
    return present(JSON.parse(text))
  } catch {
    throw corrupt('a message that is not JSON')
  }
}

/** @param {Buffer} message */
function restore(message) {
  try {
    return present(deserialize(message))
  } catch {
    throw corrupt('a message that is no structured clone')
  }
}

/** @param {unknown} value */
function present(value) {
  if (value === null || value === undefined) throw corrupt('a message that is nothing')
  return value
}
