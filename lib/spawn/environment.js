/**
 * How a child is told which descriptors it was given, and under which names: variables of its environment, which programs
 * in any language can read. docs/processes.md is the contract.
 *
 *     OS_IPC_HANDLES     { name: { kind, fds, files, meta } } as JSON in ASCII; what is long goes on in OS_IPC_HANDLES_2, _3 …
 *     OS_IPC_FD_name     the (first) descriptor, for a name of letters, digits and underscores
 *     OS_IPC_ID_name     the id of what has no descriptor and is found by that
 */

/** @typedef {{ kind: string, fds: number[], files: string[], meta: Record<string, unknown> }} Given */
/** @typedef {Record<string, string | undefined>} Environment */

const HANDLES = 'OS_IPC_HANDLES'
const FD = 'OS_IPC_FD_'
const ID = 'OS_IPC_ID_'

/** The kernel takes no string of 128 KiB or more. */
const LONGEST = 100_000

/**
 * @param {Map<string, Given>} given
 * @returns {Record<string, string>}
 */
export function written(given) {
  /** @type {Record<string, string>} */
  const variables = {}
  for (const [name, { fds, meta }] of given) {
    if (!/^\w+$/.test(name)) continue
    if (fds.length > 0) variables[FD + name] = String(fds[0])
    else if (typeof meta.id === 'number') variables[ID + name] = String(meta.id)
  }
  const text = inAscii(JSON.stringify(Object.fromEntries(given)))
  for (let at = 0, part = 1; at < text.length; at += LONGEST, part++) {
    variables[partName(part)] = text.slice(at, at + LONGEST)
  }
  return variables
}

/**
 * Takes the variables out of an environment: they are for one process, and its children have not its descriptors.
 * @param {Environment} environment
 * @returns {Map<string, Given>} nothing where there is no sense in them
 */
export function taken(environment) {
  let text = ''
  for (let part = 1; ; part++) {
    const piece = environment[partName(part)]
    if (piece === undefined) break
    delete environment[partName(part)]
    text += piece
  }
  const given = parsed(text)
  for (const name of given.keys()) {
    delete environment[FD + name]
    delete environment[ID + name]
  }
  return given
}

/** @param {string} text @returns {Map<string, Given>} */
function parsed(text) {
  if (text === '') return new Map()
  try {
    return new Map(Object.entries(JSON.parse(text)).filter(([, each]) => isGiven(each)))
  } catch {
    // Whoever wrote that was not `spawn`.
    return new Map()
  }
}

/** @param {any} each */
function isGiven(each) {
  if (!isRecord(each) || typeof each.kind !== 'string' || !isRecord(each.meta)) return false
  const { fds, files } = each
  if (!Array.isArray(fds) || !Array.isArray(files) || fds.length !== files.length) return false
  return fds.every((fd) => Number.isInteger(fd) && fd >= 3 && fd <= 0x7fffffff)
}

/** @param {any} value */
function isRecord(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** @param {number} part */
function partName(part) {
  return part === 1 ? HANDLES : `${HANDLES}_${part}`
}

/** Whatever the child takes bytes for. @param {string} json */
function inAscii(json) {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
