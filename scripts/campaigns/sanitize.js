/** Whether memory is used as it should be, and by one thread at a time: the checkers that there are, on the core and the addon. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildSanitized } from '../support/addon.js'
import { Complaint, root } from '../support/run.js'
import { builtTests, passedIn, watched } from '../support/sanitize/tests.js'

export const about =
  'memory checkers: AddressSanitizer, LeakSanitizer and valgrind on the core, AddressSanitizer on the addon'

/** @typedef {import('../support/trust/rows.js').Row} Row */
/** @typedef {{ result: string, runs: number, rounds: number, figures: Record<string, number>, error?: string, seed?: number }} Came */
/** @typedef {{ class: string, name: string, promise: string, run: (ms: number, seed: number) => Promise<Came> | Came }} Check */

const HOST = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`
const SUPPRESSIONS = join(root, 'scripts/support/sanitize')

/**
 * Tests that a checker cannot run, and why.
 * @type {Record<string, Record<string, string>>}
 */
const UNFIT = {
  valgrind: {
    cancel_steps: 'it goes through a call instruction by instruction by ptrace, which are others under valgrind',
    cancel: 'the handler moves a thread by the addresses of instructions, which are others under valgrind',
    signal: 'valgrind keeps signals for itself',
    os_ipc_core: 'one of its tests does not end under valgrind',
  },
}

/** @type {Check[]} */
const CHECKS = [
  {
    class: 'core',
    name: 'address-and-leak-sanitizer',
    promise: 'the tests of the core use no memory that is not theirs, and leave none',
    run: addressOfCore,
  },
  {
    class: 'core',
    name: 'memcheck',
    promise: 'the tests of the core hand no uninitialised byte to the kernel, and lose no memory',
    run: memcheck,
  },
  {
    class: 'core',
    name: 'thread-sanitizer',
    promise: 'no two threads of the core are at the same memory at once',
    run: () =>
      leftOut(
        'it needs a standard library built with it, so the sources of this very compiler (rust-src), which cannot be had here',
      ),
  },
  {
    class: 'core',
    name: 'miri',
    promise: 'what is unsafe in the core is defined',
    run: () => leftOut('the toolchain here has no miri'),
  },
  {
    class: 'addon',
    name: 'address-sanitizer',
    promise: 'whatever an enemy says, the addon uses no memory that is not its own',
    run: addressOfAddon,
  },
  {
    class: 'addon',
    name: 'leak-sanitizer',
    promise: 'the addon leaves no memory',
    run: () =>
      leftOut('Node itself leaves memory at its end, which cannot be told from ours; the campaign leak counts instead'),
  },
]

/** @param {import('../support/trust/campaigns.js').Asked} asked @returns {Promise<Row[]>} */
export async function run({ minutes, seed = 1, rest }) {
  const only = /^--only=(.+)$/.exec(rest[0] ?? '')?.[1].split(',')
  if (rest.length > 0 && only === undefined)
    throw new Complaint('sanitize takes --only=NAME,NAME beside --minutes and --seed')
  const chosen = CHECKS.filter(({ name }) => only === undefined || only.includes(name))
  if (chosen.length === 0) throw new Complaint(`There are: ${CHECKS.map(({ name }) => name).join(', ')}`)
  const ms = (minutes * 60_000) / 3
  /** @type {Row[]} */
  const rows = []
  for (const { run: check, ...what } of chosen) {
    console.error(`${what.class} ${what.name}`)
    const began = performance.now()
    const came = await check(ms, seed)
    if (came.error) console.error(`✗ ${what.name}: ${came.error}`)
    rows.push({ ...what, fault: 'M3', seconds: (performance.now() - began) / 1000, ...came })
  }
  return rows
}

/** @param {string} why @returns {Came} */
function leftOut(why) {
  return { result: `left out: ${why}`, runs: 0, rounds: 0, figures: {} }
}

/** @param {number} ms */
async function addressOfCore(ms) {
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=address' }
  const programs = builtTests({ env, args: ['--target', HOST, '--target-dir', 'target/sanitized-core'] })
  if (typeof programs === 'string') return leftOut(programs)
  // What others shorten is guarded by handlers of our own; what they catch is no fault.
  const options = 'detect_leaks=1:handle_segv=0:handle_sigbus=0:allow_user_segv_handler=1'
  const leaks = `suppressions=${join(SUPPRESSIONS, 'leaks.supp')}:print_suppressions=0`
  const checked = { ...process.env, ASAN_OPTIONS: options, LSAN_OPTIONS: leaks }
  return each(programs, ms, ({ file }, left) => watched(file, ['--test-threads=2'], { env: checked, ms: left }))
}

/** @param {number} ms */
async function memcheck(ms) {
  if (spawnSync('valgrind', ['--version']).status !== 0) return leftOut('valgrind is missing: apt-get install valgrind')
  const programs = builtTests({})
  if (typeof programs === 'string') return leftOut(programs)
  const fit = programs.filter(({ name }) => UNFIT.valgrind[name] === undefined)
  const options = [
    ...['--quiet', '--error-exitcode=99', '--fair-sched=yes', '--leak-check=full', '--show-leak-kinds=definite'],
    ...['--errors-for-leak-kinds=definite', `--suppressions=${join(SUPPRESSIONS, 'memcheck.supp')}`],
  ]
  const came = await each(fit, ms, ({ file }, left) =>
    watched('valgrind', [...options, file, '--test-threads=2'], { ms: left }),
  )
  return { ...came, figures: { ...came.figures, programsLeftOut: programs.length - fit.length } }
}

/**
 * One program after the other, for as long as there is time; each has some.
 * @param {{ name: string, file: string }[]} programs
 * @param {number} ms
 * @param {(program: { name: string, file: string }, left: number) => ReturnType<typeof watched>} check
 * @returns {Promise<Came>}
 */
async function each(programs, ms, check) {
  const end = performance.now() + ms
  const figures = { programs: 0, tests: 0, programsCutOff: 0 }
  for (const program of programs) {
    const left = end - performance.now()
    if (left < 1000) {
      figures.programsCutOff++
      continue
    }
    console.error(`  ${program.name}`)
    const { status, output, late } = await check(program, left)
    figures.tests += passedIn(output)
    if (late) figures.programsCutOff++
    else figures.programs++
    if (status !== 0 && !late) {
      return {
        result: 'failed',
        runs: 1,
        rounds: figures.programs,
        figures,
        error: `${program.name} ended with ${status}\n${told(output)}`,
      }
    }
  }
  return { result: 'passed', runs: 1, rounds: figures.programs, figures }
}

/** What a checker has said, without what it was said among. @param {string} output */
function told(output) {
  const from = output.search(/==\d+==|ERROR: |panicked at/)
  return output.slice(Math.max(0, from), Math.max(0, from) + 4000)
}

/** The targets of the fuzz campaign that are written in JavaScript, upon the addon that is watched. @param {number} ms @param {number} seed */
async function addressOfAddon(ms, seed) {
  buildSanitized()
  const { sanitizedBuild } = await import(new URL('../../__test__/support/builds.js', import.meta.url).href)
  const { targets } = await import(new URL('../../__test__/fuzz/targets.js', import.meta.url).href)
  const [, env, skip] = sanitizedBuild()
  if (skip || !existsSync(env.OS_IPC_NATIVE)) return leftOut(skip || 'the addon was not built')
  const names = Object.keys(targets)
  const figures = { programs: 0, executions: 0 }
  for (const name of names) {
    console.error(`  ${name}`)
    const args = [join(root, '__test__/fuzz/main.js'), name, String(seed), String(Math.ceil(ms / names.length))]
    const { status, output, late } = await watched(process.execPath, args, {
      env: { ...process.env, ...env },
      ms: ms + 60_000,
      cwd: root,
    })
    figures.programs++
    figures.executions += Number(/{"count":(\d+)}/.exec(output)?.[1] ?? 0)
    if (status !== 0) {
      const how = late ? 'does not end' : `ended with ${status}`
      return {
        result: 'failed',
        runs: 1,
        rounds: figures.executions,
        figures,
        seed,
        error: `${name} ${how}\n${told(output)}`,
      }
    }
  }
  return { result: 'passed', runs: 1, rounds: figures.executions, figures }
}
