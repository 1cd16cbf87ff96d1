/**
 * The addon that AddressSanitizer watches over, under Node: the targets of the campaign fuzz that are in JavaScript, and faults
 * of every class. Each process tells, in a file, of what it has done wrong, and of the memory that nobody knows at its end:
 * Node leaves a lot, so what counts has the addon in the stack of its allocation.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { buildSanitized } from '../addon.js'
import { root } from '../run.js'
import { watched } from '../watched.js'

/** @typedef {import('../../campaigns/sanitize.js').Came} Came */

const TESTS = new URL('../../../__test__/', import.meta.url)
const SUPPRESSIONS = join(root, 'scripts/support/sanitize/leaks-addon.supp')

/** The faults that all classes have, and measure neither time nor memory: a checker needs much of both. */
const FAULTS = ['G1', 'G2', 'G3', 'G4', 'G5', 'G8', 'G14', 'P8', 'R11', 'Q7']
/** Classes whose processes are to be gone at once, which the look for leaks at their end makes slow. */
const SLOW = ['worker-pool', 'spawn']
/** Milliseconds that each is tried for. */
const LOOK = 1500

/** @type {Promise<Record<'address' | 'leak', Came>> | undefined} */
let watching

/** @param {'address' | 'leak'} which of the two rows that one run gives */
export function addonUnderSanitizer(which) {
  buildSanitized()
  return async (/** @type {number} */ ms, /** @type {number} */ seed) => {
    watching ??= watch(ms, seed)
    return (await watching)[which]
  }
}

/** @param {number} ms @param {number} seed */
async function watch(ms, seed) {
  const { sanitizedBuild } = await import(new URL('support/builds.js', TESTS).href)
  const [, env, skip] = sanitizedBuild()
  if (skip || !existsSync(env.OS_IPC_NATIVE)) {
    const none = { result: `left out: ${skip || 'the addon was not built'}`, runs: 0, rounds: 0, figures: {} }
    return { address: none, leak: none }
  }
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-sanitize-'))
  Object.assign(env, {
    ASAN_OPTIONS: `${env.ASAN_OPTIONS}:detect_leaks=1:log_path=${join(folder, 'report')}`,
    LSAN_OPTIONS: `exitcode=0:print_suppressions=0:malloc_context_size=50:suppressions=${SUPPRESSIONS}`,
  })
  try {
    const fuzzed = await fuzz(env, ms / 3, seed)
    const tried = await faults(env, (ms * 2) / 3, seed)
    const reports = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    const wrong = reports.find((text) => /ERROR: AddressSanitizer/.test(text))
    const leaks = reports.flatMap((text) => leaksIn(text, basename(env.OS_IPC_NATIVE)))
    // One from each place: of many processes each has it.
    const places = new Map(leaks.map((leak) => [placeOf(leak, basename(env.OS_IPC_NATIVE)), leak]))
    const failed = [wrong?.slice(0, 4000), fuzzed.error, tried.error].filter((text) => text !== undefined).join('\n')
    const figures = { executions: fuzzed.executions, faults: tried.faults, roundsOfFaults: tried.rounds }
    return {
      address: cameOf(figures, failed, seed),
      leak: cameOf(
        { processes: reports.length, leaks: leaks.length, suppressions: '2' },
        [...places.values()].join('\n\n'),
        seed,
      ),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @param {Record<string, number | string>} figures @param {string} error @param {number} seed @returns {Came} */
function cameOf(figures, error, seed) {
  const rounds = Number(Object.values(figures)[0])
  if (error === '') return { result: 'passed', runs: 1, rounds, figures }
  return { result: 'failed', runs: 1, rounds, figures, seed, error }
}

/** What the addon has asked for itself, or a function of Node-API or libuv for it; V8's own pages are not its concern. @param {string} report @param {string} addon */
export function leaksIn(report, addon) {
  return report.split('\n\n').filter((part) => {
    if (!/^(Direct|Indirect) leak of/.test(part)) return false
    const { frames, own } = stackOf(part, addon)
    return own >= 0 && !frames.slice(0, own).some((frame) => frame.startsWith('v8::'))
  })
}

/** Who has asked for what was left, and of whom. @param {string} leak @param {string} addon */
function placeOf(leak, addon) {
  const { frames, own } = stackOf(leak, addon)
  return frames.slice(Math.max(0, own - 1), own + 1).join(' ')
}

/** @param {string} leak @param {string} addon */
function stackOf(leak, addon) {
  const frames = [...leak.matchAll(/^ +#\d+ \S+ +(?:in )?(.*)$/gm)].map(([, frame]) => frame)
  return { frames, own: frames.findIndex((frame) => frame.includes(addon)) }
}

/** @param {Record<string, string>} env @param {number} ms @param {number} seed */
async function fuzz(env, ms, seed) {
  const { targets } = await import(new URL('fuzz/targets.js', TESTS).href)
  const names = Object.keys(targets)
  let executions = 0
  for (const name of names) {
    console.error(`  fuzz ${name}`)
    const own = Math.ceil(ms / names.length)
    const args = [join(root, '__test__/fuzz/main.js'), name, String(seed), String(own)]
    const { status, stdout, output, late } = await watched(process.execPath, args, {
      env: { ...process.env, ...env },
      ms: own + 60_000,
    })
    executions += Number(/{"count":(\d+)}/.exec(stdout)?.[1] ?? 0)
    const how = late ? 'does not end' : `ended with ${status}`
    if (status !== 0) return { executions, error: `${name} ${how}\n${output.slice(0, 2000)}` }
  }
  return { executions, error: undefined }
}

/** @param {Record<string, string>} env @param {number} ms @param {number} seed */
async function faults(env, ms, seed) {
  const { loadRows } = await import(new URL('faults/harness/table.js', TESTS).href)
  const { runRow } = await import(new URL('faults/harness/run.js', TESTS).href)
  /** @type {any[]} */
  const rows = (await loadRows()).filter(
    (/** @type {any} */ { fault, kind }) =>
      FAULTS.includes(fault.id) && !SLOW.includes(kind.name) && !fault.faultInject && fault.needs === undefined,
  )
  const end = performance.now() + ms
  let [done, rounds] = [0, 0]
  /** @type {string | undefined} */
  let error
  const queue = mixed(rows, seed)
  const work = async () => {
    for (let row = queue.shift(); row !== undefined && error === undefined; row = queue.shift()) {
      if (performance.now() > end) return
      console.error(`  ${row.fault.id} ${row.name}, ${row.kind.name}`)
      const launch = { ...row.fault.launch, env: { ...row.fault.launch?.env, ...env } }
      const outcome = await runRow({ ...row, fault: { ...row.fault, launch } }, { ms: LOOK, seed })
      done++
      rounds += outcome.rounds
      if (!outcome.passed) error ??= `${row.name}, ${row.kind.name}: ${outcome.error}`
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return { faults: `${done} of ${rows.length}`, rounds, error }
}

/** In an order by which a short time tries some of everything. @template T @param {T[]} list @param {number} seed */
function mixed(list, seed) {
  const place = (/** @type {number} */ index) => Math.imul(index + seed, 2654435761) >>> 0
  return list
    .map((entry, index) => ({ entry, at: place(index) }))
    .sort((a, b) => a.at - b.at)
    .map(({ entry }) => entry)
}
