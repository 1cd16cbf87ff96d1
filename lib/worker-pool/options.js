/**
 * What a pool is started with.
 */
import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { coded, invalidType, invalidValue } from '../errors.js'
import { Handle } from '../handle.js'
import { parcelOf } from '../handover.js'
import { boolean, integer, objectOf, path, waitOf } from '../validate.js'

/** @typedef {{ url: string, size: number, handles: Record<string, Handle>, execArgv: string[], env: any }} Terms */

/** What Node was started with for its own first script alone. */
const OWN = /^--?(e|p|pe|eval|print|input-type|test|watch|inspect|check|c|interactive|i)\b/

/** @param {unknown} modulePath @param {unknown} options @returns {Terms} */
export function termsOf(modulePath, options) {
  const file = resolve(path('modulePath', modulePath))
  const given = objectOf(options)
  const { size, handles, execArgv, env } = given
  const terms = {
    url: pathToFileURL(file).href,
    size: size === undefined ? availableParallelism() : integer('options.size', size, 1, 4096),
    handles: handlesOf(handles),
    execArgv: wordsOf(execArgv),
    env: env === undefined ? undefined : { ...objectOf(env, 'options.env') },
  }
  // Rather now than from each of the workers.
  if (!statSync(file).isFile())
    throw coded(Error, 'EISDIR', `EISDIR: the module is no file, open '${file}'`, { path: file })
  return terms
}

/** @param {unknown} handles @returns {Record<string, Handle>} */
function handlesOf(handles) {
  if (handles === undefined) return {}
  const all = Object.entries(objectOf(handles, 'options.handles'))
  for (const [name, handle] of all) {
    const label = `options.handles.${name}`
    if (parcelOf(handle, label).moves) {
      throw invalidValue(label, handle, 'moves, and many processes are to have it: give each task its own')
    }
  }
  return Object.fromEntries(all)
}

/** @param {unknown} execArgv @returns {string[]} */
function wordsOf(execArgv) {
  if (execArgv === undefined) return inheritedWords()
  if (!Array.isArray(execArgv)) throw invalidType('options.execArgv', 'an array of strings', execArgv)
  return Array.from(execArgv, (word, index) => {
    if (typeof word !== 'string') throw invalidType(`options.execArgv[${index}]`, 'of type string', word)
    if (word.includes('\0'))
      throw invalidValue(`options.execArgv[${index}]`, word, 'must be a string without null bytes')
    return word
  })
}

/** As child_process.fork has it. */
function inheritedWords() {
  const words = []
  const { execArgv } = process
  for (let i = 0; i < execArgv.length; i++) {
    if (!OWN.test(execArgv[i])) words.push(execArgv[i])
    // Its text comes behind it.
    else if (/^-(e|p|pe|-eval|-print)$/.test(execArgv[i])) i++
  }
  return words
}

/** @param {unknown} options */
export function runOptionsOf(options) {
  const given = objectOf(options)
  const { handles, retry } = given
  const wait = waitOf(given)
  const again = boolean('options.retry', retry, false)
  if (handles === undefined) return { wait, retry: again, handles: [] }
  if (!Array.isArray(handles)) throw invalidType('options.handles', 'an array', handles)
  /** @type {Handle[]} */
  const all = Array.from(handles, (handle, index) => {
    const label = `options.handles[${index}]`
    if (parcelOf(handle, label).moves && again) {
      throw invalidValue(label, handle, 'moves to the first worker, so a task with it cannot be retried')
    }
    return handle
  })
  return { wait, retry: again, handles: all }
}
