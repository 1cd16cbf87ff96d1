/** Whether memory is used as it should be, and by one thread at a time: the checkers that there are, on the core and the addon. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, root } from '../support/run.js'
import { builtTests, passedIn } from '../support/rust-tests.js'
import { addonUnderSanitizer } from '../support/sanitize/addon.js'
import { only } from '../support/trust/only.js'
import { watched } from '../support/watched.js'

export const about =
  'memory checkers: sanitizers of addresses, leaks and threads, and valgrind; --only NAME,NAME: these'

/** @typedef {import('../support/trust/rows.js').Row} Row */
/** @typedef {{ result: string, runs: number, rounds: number, figures: Record<string, number | string>, error?: string, seed?: number }} Came */
/** @typedef {(ms: number, seed: number) => Promise<Came>} Ready */
/** @typedef {{ name: string, file: string }} Program */

const HOST = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`
const SUPPRESSIONS = join(root, 'scripts/support/sanitize')

const apart = {
  freed_memory_is_used_again: 'the checker keeps freed memory apart for a while, so that none is used again',
}

/**
 * Programs of tests, and tests, that a checker cannot run, and why.
 * @type {Record<string, { programs: Record<string, string>, tests: Record<string, string> }>}
 */
const UNFIT = {
  address: { programs: {}, tests: apart },
  memcheck: {
    programs: {
      cancel_steps: 'it goes through a call instruction by instruction by ptrace, which are others under valgrind',
      cancel: 'the handler moves a thread by the addresses of instructions, which are others under valgrind',
      waiter: 'it calls waits off by that handler, too',
      signal: 'valgrind keeps signals for itself',
      process: 'valgrind 3.19 does not know pidfd_open(2)',
      splice: 'valgrind 3.19 aborts in it',
      os_ipc_core: 'one of its tests does not end under valgrind',
    },
    tests: {
      parts_of_files_that_no_address_can_stand_for: 'valgrind has an answer of its own for such an mmap(2)',
      descriptors_of_another_kind: 'valgrind 3.19 does not know pidfd_send_signal(2)',
      processes_and_signals_that_are_none: 'valgrind 3.19 does not know pidfd_open(2)',
    },
  },
  thread: { programs: {}, tests: apart },
}

/** @type {{ class: string, name: string, promise: string, ready: () => Ready | string }[]} */
const CHECKS = [
  {
    class: 'core',
    name: 'address-and-leak-sanitizer',
    promise: 'the tests of the core use no memory that is not theirs, and leave none',
    ready: addressOfCore,
  },
  {
    class: 'core',
    name: 'memcheck',
    promise: 'the tests of the core hand no uninitialised byte to the kernel, and lose no memory',
    ready: memcheck,
  },
  {
    class: 'core',
    name: 'thread-sanitizer',
    promise: 'no two threads of the core are at the same memory at once',
    ready: threadsOfCore,
  },
  {
    class: 'core',
    name: 'miri',
    promise: 'what is unsafe in the core is defined',
    ready: () =>
      spawnSync('cargo', ['miri', '--version']).status === 0
        ? 'nearly all that is unsafe here is system calls, which miri has no model of'
        : 'the toolchain here has no miri, and nearly all that is unsafe is system calls, which miri has no model of',
  },
  {
    class: 'addon',
    name: 'address-sanitizer',
    promise: 'whatever is done to the addon, and whatever an enemy says, it uses no memory that is not its own',
    ready: () => addonUnderSanitizer('address'),
  },
  {
    class: 'addon',
    name: 'leak-sanitizer',
    promise: 'whatever is done to it, the addon has left no memory when its process ends',
    ready: () => addonUnderSanitizer('leak'),
  },
]

/** @param {import('../support/trust/campaigns.js').Asked} asked @returns {Promise<Row[]>} */
export async function run({ minutes, seed = 1, rest }) {
  const names = only(
    'sanitize',
    rest,
    CHECKS.map(({ name }) => name),
  )
  const chosen = CHECKS.filter(({ name }) => names.includes(name))
  // What is built is built before the clock runs.
  const ready = chosen.map((check) => ({ check, can: check.ready() }))
  const end = performance.now() + minutes * 60_000
  /** @type {Row[]} */
  const rows = []
  for (const [index, { check, can }] of ready.entries()) {
    const { ready: _, ...what } = check
    console.error(`${what.class} ${what.name}${typeof can === 'string' ? `, left out: ${can}` : ''}`)
    const began = performance.now()
    const after = ready.slice(index).filter((other) => typeof other.can !== 'string').length
    const came = typeof can === 'string' ? leftOut(can) : await can(Math.max(5000, (end - began) / after), seed)
    if (came.error) console.error(`✗ ${what.name}: ${came.error}`)
    const seconds = (performance.now() - began) / 1000
    rows.push({ ...what, fault: 'M3', again: `--only ${what.name}`, seconds, ...came })
  }
  return rows
}

/** @param {string} why @returns {Came} */
function leftOut(why) {
  return { result: `left out: ${why}`, runs: 0, rounds: 0, figures: {} }
}

/** @returns {Ready | string} */
function addressOfCore() {
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=address' }
  const programs = builtTests({ env, args: ['--target', HOST, '--target-dir', 'target/sanitized-core'] })
  if (typeof programs === 'string') return programs
  // What others shorten is guarded by handlers of our own; what they catch is no fault.
  const options = 'detect_leaks=1:handle_segv=0:handle_sigbus=0:allow_user_segv_handler=1'
  const leaks = `suppressions=${join(SUPPRESSIONS, 'leaks.supp')}:print_suppressions=0`
  const checked = { ...process.env, ASAN_OPTIONS: options, LSAN_OPTIONS: leaks }
  return (ms) => each('address', programs, ms, 'leaks.supp', checked)
}

/** @returns {Ready | string} */
function memcheck() {
  if (spawnSync('valgrind', ['--version']).status !== 0) return 'valgrind is missing: apt-get install valgrind'
  const programs = builtTests({})
  if (typeof programs === 'string') return programs
  const options = [
    ...['--quiet', '--error-exitcode=99', '--fair-sched=yes', '--leak-check=full', '--show-leak-kinds=definite'],
    ...['--errors-for-leak-kinds=definite', `--suppressions=${join(SUPPRESSIONS, 'memcheck.supp')}`],
  ]
  return (ms) => each('memcheck', programs, ms, 'memcheck.supp', process.env, ['valgrind', ...options])
}

/** @returns {Ready | string} */
function threadsOfCore() {
  const sources = join(ask('rustc', ['--print', 'sysroot']) ?? '', 'lib/rustlib/src/rust/library')
  if (!existsSync(sources))
    return 'it needs a standard library built with it, so the sources of this compiler: `rustup component add rust-src`'
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=thread' }
  const args = ['-Zbuild-std', '--target', HOST, '--target-dir', 'target/sanitized-thread']
  const programs = builtTests({ env, args })
  if (typeof programs === 'string') return programs
  const suppressed = `suppressions=${join(SUPPRESSIONS, 'threads.supp')}:print_suppressions=0`
  // SIGBUS is ours.
  const options = `${suppressed}:halt_on_error=0:handle_segv=0:handle_sigbus=0:allow_user_segv_handler=1`
  return (ms) => each('thread', programs, ms, 'threads.supp', { ...process.env, TSAN_OPTIONS: options })
}

/**
 * One program after the other. Each has its share of the time; who was cut off begins anew with what the others have left.
 * @param {'address' | 'memcheck' | 'thread'} checker
 * @param {Program[]} all
 * @param {number} ms
 * @param {string} suppressions the name of their file
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} prefix
 * @returns {Promise<Came>}
 */
async function each(checker, all, ms, suppressions, env, prefix = []) {
  const end = performance.now() + ms
  const { programs: unfit, tests } = UNFIT[checker]
  const programs = all.filter(({ name }) => unfit[name] === undefined)
  const options = ['--test-threads=2', ...Object.keys(tests).flatMap((name) => ['--skip', name])]
  const passed = new Map(programs.map(({ name }) => [name, 0]))
  let queue = programs
  for (const isLast of [false, true]) {
    /** @type {Program[]} */
    const cutOff = []
    for (const [index, program] of queue.entries()) {
      const left = end - performance.now()
      const share = isLast ? left : left / (queue.length - index)
      if (share < 1000) {
        cutOff.push(program)
        continue
      }
      console.error(`  ${program.name}`)
      const [file, ...args] = [...prefix, program.file, ...options]
      const { status, output, late } = await watched(file, args, { env, ms: share, cwd: join(root, 'core') })
      passed.set(program.name, Math.max(passed.get(program.name) ?? 0, passedIn(output)))
      if (late) cutOff.push(program)
      else if (status !== 0)
        return { ...told('failed'), error: `${program.name} ended with ${status}\n${heart(output)}` }
    }
    queue = cutOff
  }
  return told('passed')

  /** @param {string} result @returns {Came} */
  function told(result) {
    const count = [...passed.values()].reduce((sum, value) => sum + value, 0)
    const figures = {
      programs: `${programs.length - queue.length} of ${all.length}`,
      tests: count,
      ...(queue.length === 0 ? {} : { cutOff: queue.map(({ name }) => name).join(' ') }),
      ...listed('programsUnfit', Object.keys(unfit)),
      testsUnfit: String(Object.keys(tests).length),
      suppressions: String(suppressionsIn(suppressions)),
    }
    return { result, runs: 1, rounds: count, figures }
  }
}

/** @param {string} name @param {string[]} list @returns {Record<string, string>} */
function listed(name, list) {
  return list.length === 0 ? {} : { [name]: `${list.length} (${list.join(' ')}):` }
}

/** @param {string} file */
function suppressionsIn(file) {
  const lines = readFileSync(join(SUPPRESSIONS, file), 'utf8').split('\n')
  return lines.filter((line) => /^(\w+:|\{)/.test(line)).length
}

/** What a checker has said, without what it was said among. @param {string} output */
function heart(output) {
  const from = output.search(/==\d+==|ERROR: |WARNING: ThreadSanitizer|panicked at/)
  return output.slice(Math.max(0, from), Math.max(0, from) + 4000)
}
