/** Input that an enemy would send, in numbers: libFuzzer on what the core reads, and our own mutations on what JavaScript does. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { run as command, root } from '../support/run.js'
import { only } from '../support/trust/only.js'
import { watched } from '../support/watched.js'

export const about =
  'mutated input for everything that reads bytes (libFuzzer) or frames and options (our own mutations); --only TARGET,TARGET'

const INSTALL = 'cargo install cargo-fuzz --locked'
const DRIVER = 'core/fuzz/driver'
const FOLDER = 'target/fuzz'
const HOST = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`
const LONGEST = 2048
/** Milliseconds after its time that a target may need for its end. */
const PATIENCE = 60_000

/** What the targets of the core read. */
const CORE = {
  ring: 'both halves of a ring, whose words and bytes change at any moment',
  channel: 'a channel in real memory, whose other end writes, rings and speaks as it likes',
  handshake: 'set-up frames with descriptors of any kind',
  frame: 'frames of the control line',
  ancillary: 'control data of messages',
  messages: 'messages with descriptors and whatever else the kernel adds',
  topic: 'the header of a topic, and what is joined',
  names: 'names and addresses',
  registry: 'entries of the registry, and a sweep over them',
  locks: 'the file of a lock',
  kernel: 'a process’s status, and the socket diagnosis',
}

/** @typedef {import('../support/trust/rows.js').Row} Row */
/** @typedef {{ name: string, in: 'Rust' | 'JavaScript', about: string, run: (ms: number, seed: number) => Promise<Ran> }} Target */
/** @typedef {{ executions: number, figures?: Record<string, number>, error?: string, seed?: number }} Ran */

export const goals = [
  {
    goal: 'executions of mutated input',
    target: 1e9,
    reached: (/** @type {Row[]} */ rows) => rows.reduce((sum, { figures }) => sum + (figures.executions ?? 0), 0),
  },
]

/** @param {import('../support/trust/campaigns.js').Asked} asked @returns {Promise<Row[]>} */
export async function run({ minutes, seed = Math.floor(Math.random() * 2 ** 32), rest }) {
  const { targets: ofJavaScript } = await import(new URL('../../__test__/fuzz/targets.js', import.meta.url).href)
  /** @type {Target[]} */
  const all = [
    ...Object.entries(CORE).map(([name, what]) => ({
      name,
      in: /** @type {const} */ ('Rust'),
      about: what,
      run: inRust(name),
    })),
    ...Object.entries(ofJavaScript).map(([name, { about: what }]) => ({
      name,
      in: /** @type {const} */ ('JavaScript'),
      about: what,
      run: inJavaScript(name),
    })),
  ]
  const names = only(
    'fuzz',
    rest,
    all.map(({ name }) => name),
  )
  const chosen = all.filter(({ name }) => names.includes(name))
  const missing = chosen.some((target) => target.in === 'Rust') ? missingTool() : undefined
  if (missing !== undefined) console.error(`campaign: ${missing}`)
  else if (chosen.some((target) => target.in === 'Rust')) build()
  const able = chosen.filter((target) => missing === undefined || target.in === 'JavaScript')
  const workers = Math.min(availableParallelism(), able.length)
  const ms = Math.max(2000, (minutes * 60_000 * workers) / able.length)
  /** @type {Map<Target, Row>} */
  const rows = new Map()
  const queue = [...able]
  const work = async () => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
      console.error(`${target.in} ${target.name}, ${Math.round(ms / 1000)} s`)
      const began = performance.now()
      rows.set(target, rowOf(target, await target.run(ms, seed), performance.now() - began))
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return chosen.map((target) => rows.get(target) ?? leftOut(target, missing ?? ''))
}

/** @returns {string | undefined} */
function missingTool() {
  const { status } = spawnSync('cargo', ['fuzz', '--version'], { stdio: 'ignore' })
  return status === 0 ? undefined : `cargo-fuzz is missing, without which nothing of the core is fuzzed: ${INSTALL}`
}

/** The stable compiler can do it, but not for everybody. */
function build() {
  // One thread of link-time optimisation takes minutes, and the counters of libFuzzer suffer from it.
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1', CARGO_PROFILE_RELEASE_LTO: 'off' }
  command('cargo', ['fuzz', 'build', '--fuzz-dir', '.', '--target-dir', join(root, FOLDER), 'target'], {
    cwd: join(root, DRIVER),
    env,
  })
}

/** @param {string} name @returns {Target['run']} */
function inRust(name) {
  return async (ms, seed) => {
    const [fresh, found] = ['new', 'found'].map((folder) => join(root, FOLDER, folder, name))
    for (const folder of [fresh, found]) mkdirSync(folder, { recursive: true })
    const before = new Set(readdirSync(found))
    const binary = join(root, FOLDER, HOST, 'release/target')
    const options = [
      `-max_total_time=${Math.ceil(ms / 1000)}`,
      `-max_len=${LONGEST}`,
      `-seed=${(seed >>> 0) % 0x7fffffff || 1}`,
      '-timeout=25',
      '-rss_limit_mb=2048',
      '-print_final_stats=1',
      `-artifact_prefix=${found}/`,
    ]
    // Leaks are looked for by the campaign of sanitizers: here it would be after each input.
    const env = {
      ...process.env,
      OS_IPC_FUZZ: name,
      ASAN_OPTIONS: 'detect_leaks=0:detect_odr_violation=0',
      RUST_BACKTRACE: '0',
    }
    const args = [fresh, join(root, 'core/fuzz/corpus', name), ...options]
    const { status, output } = await watched(binary, args, { env, ms: ms + PATIENCE })
    const executions = Number(/number_of_executed_units:\s+(\d+)/.exec(output)?.[1] ?? 0)
    const edges = Number([...output.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? 0)
    const ran = { executions, figures: { edgesMost: edges } }
    if (status === 0) return ran
    const [artifact] = readdirSync(found).filter((file) => !before.has(file))
    const why = /panicked at .*\n.*|ERROR: .*/.exec(output)?.[0] ?? output.slice(-2000)
    return { ...ran, error: `${why}\n  ${artifact ? `OS_IPC_FUZZ=${name} ${binary} ${join(found, artifact)}` : ''}` }
  }
}

/** @param {string} name @returns {Target['run']} */
function inJavaScript(name) {
  return async (ms, seed) => {
    const folder = mkdtempSync(join(tmpdir(), 'os-ipc-fuzz-'))
    const log = join(folder, 'seed')
    try {
      const main = join(root, '__test__/fuzz/main.js')
      const env = { ...process.env, OS_IPC_FUZZ_LOG: log }
      const args = [main, name, String(seed), String(ms)]
      const { status, output } = await watched(process.execPath, args, { env, ms: ms + PATIENCE })
      const executions = Number(/{"count":(\d+)}/.exec(output)?.[1] ?? 0)
      if (status === 0) return { executions }
      const last = existsSync(log) ? Number(readFileSync(log, 'utf8')) : seed
      return {
        executions: last - seed,
        seed: last,
        error: `${output.slice(0, 2000)}\n  ${process.execPath} ${main} ${name} ${last} 60000 1`,
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

/** @param {Target} target @param {Ran} ran @param {number} ms @returns {Row} */
function rowOf(target, { executions, figures, error, seed }, ms) {
  if (error !== undefined) console.error(`✗ ${target.name}: ${error}`)
  return {
    ...base(target),
    runs: 1,
    rounds: executions,
    seconds: ms / 1000,
    figures: { executions, ...figures },
    result: error === undefined ? 'passed' : 'failed',
    ...(seed === undefined ? {} : { seed }),
    ...(error === undefined ? {} : { error }),
  }
}

/** @param {Target} target @param {string} why @returns {Row} */
function leftOut(target, why) {
  return { ...base(target), runs: 0, rounds: 0, seconds: 0, figures: {}, result: `left out: ${why}` }
}

/** @param {Target} target */
function base(target) {
  const promise = 'no input crashes, hangs, leaks a descriptor, or is taken for what it is not'
  return {
    class: target.in,
    fault: 'R4',
    name: target.name,
    promise: `${target.about}: ${promise}`,
    again: `--only ${target.name}`,
  }
}
