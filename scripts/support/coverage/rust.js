/** What of the Rust was run: an addon and tests with counters (-Cinstrument-coverage), read by LLVM's own tools. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../invariants.js'
import { ask, Complaint, root, run } from '../run.js'

// Counters live in a mapping of the file, so a process that is killed has counted too.
const FLAGS = '-Cinstrument-coverage -Cllvm-args=-runtime-counter-relocation'

/**
 * A line with something that no test reaches.
 * @typedef {{ path: string, line: number, code: string }} Missed
 */

export class Rust {
  #raw
  #addon
  #profile
  #build
  /** @type {any} */
  #exported

  /** @param {string} folder */
  constructor(folder) {
    this.#raw = join(folder, 'raw')
    this.#addon = join(folder, 'addon')
    this.#build = join(folder, 'build')
    this.#profile = join(folder, 'rust.profdata')
    mkdirSync(this.#raw, { recursive: true })
    // Some specs have children that are other users.
    chmodSync(this.#raw, 0o777)
  }

  /** For whatever is to load the addon with counters. */
  get env() {
    const [name] = readdirSync(this.#addon).filter((entry) => entry.endsWith('.node'))
    return {
      OS_IPC_NATIVE: join(this.#addon, name),
      OS_IPC_FAULT_FOLDER: 'target/coverage/addon',
      LLVM_PROFILE_FILE: this.#counters,
    }
  }

  get #counters() {
    // Four files for each binary, which processes share.
    return join(this.#raw, '%4m%c.profraw')
  }

  get #cargo() {
    return { ...process.env, RUSTFLAGS: FLAGS, LLVM_PROFILE_FILE: '/dev/null' }
  }

  build() {
    tool('llvm-cov')
    const options = ['--platform', '--release', '--no-js', '--features', 'fault-inject', '--dts', 'native.d.ts']
    const places = ['--output-dir', 'target/coverage/addon', '--target-dir', this.#build]
    run('node_modules/.bin/napi', ['build', ...options, ...places], { env: this.#cargo })
  }

  /** The core's own tests. */
  test() {
    const env = { ...this.#cargo, LLVM_PROFILE_FILE: this.#counters }
    run('cargo', ['test', '--package', 'os-ipc-core', '--no-fail-fast', '--target-dir', this.#build], { env })
  }

  /** The tests' binaries, as cargo knows them. */
  #tests() {
    const args = ['test', '--package', 'os-ipc-core', '--no-run', '--message-format=json', '--target-dir', this.#build]
    const { stdout } = spawnSync('cargo', args, { cwd: root, env: this.#cargo, encoding: 'utf8', maxBuffer: 1 << 28 })
    return [...stdout.matchAll(/"executable":"([^"]+)"/g)].map(([, path]) => path)
  }

  #export() {
    if (this.#exported) return this.#exported
    const raw = readdirSync(this.#raw).map((name) => join(this.#raw, name))
    if (raw.length === 0) throw new Complaint('Nothing has been run with counters yet')
    rmSync(this.#profile, { force: true })
    run(tool('llvm-profdata'), ['merge', '-sparse', '--failure-mode=all', ...raw, '-o', this.#profile])
    const objects = [this.env.OS_IPC_NATIVE, ...this.#tests()].flatMap((path) => ['-object', path])
    const args = [
      'export',
      `-instr-profile=${this.#profile}`,
      '-ignore-filename-regex=(registry|rustc|library)/',
      ...objects,
    ]
    const { status, stdout } = spawnSync(tool('llvm-cov'), args, { encoding: 'utf8', maxBuffer: 1 << 30 })
    if (status !== 0) throw new Complaint('llvm-cov failed')
    this.#exported = JSON.parse(stdout).data[0]
    return this.#exported
  }

  /** @returns {import('./table.js').Reached[]} */
  report() {
    /** @type {{ filename: string, summary: Record<string, { count: number, covered: number }> }[]} */
    const all = this.#export().files
    const share = (/** @type {{ count: number, covered: number }} */ { count, covered }) => ({
      reached: covered,
      all: count,
    })
    return all
      .map(({ filename, summary: { lines, functions } }) => ({ path: below(filename), lines, functions }))
      .filter(({ path }) => /^(core\/)?src\//.test(path))
      .map(({ path, lines, functions }) => ({ path, lines: share(lines), functions: share(functions) }))
  }

  /** Lines with a way through the code beside unsafe blocks that nothing took; tests that stand there do not count. */
  missedBesideUnsafe() {
    /** @type {{ filenames: string[], regions: number[][] }[]} */
    const functions = this.#export().functions
    /** How often each region was entered, however many copies of it there are. @type {Map<string, number>} */
    const entered = new Map()
    for (const { filenames, regions } of functions) {
      for (const [line, column, endLine, endColumn, count, file, , kind] of regions) {
        const path = below(filenames[file])
        if (kind !== 0 || !/^(core\/)?src\//.test(path) || !sourceOf(path).isUnsafe) continue
        const key = [path, line, column, endLine, endColumn].join('|')
        entered.set(key, Math.max(entered.get(key) ?? 0, count))
      }
    }
    /** @type {Map<string, Missed>} */
    const missed = new Map()
    for (const [key, count] of entered) {
      if (count > 0) continue
      const [path, ...place] = key.split('|')
      const [line, column, endLine, endColumn] = place.map(Number)
      const { lines, end } = sourceOf(path)
      // What is only the way past a block is no code of its own.
      const text = line === endLine ? lines[line - 1].slice(column - 1, endColumn - 1) : ''
      if (line < end && text !== '}') missed.set(`${path}:${line}`, { path, line, code: lines[line - 1].trim() })
    }
    return [...missed.values()].sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1))
  }
}

/** @type {Map<string, { lines: string[], end: number, isUnsafe: boolean }>} */
const sources = new Map()

/** Its lines, where its tests begin, and whether there is unsafe code in it. @param {string} path */
function sourceOf(path) {
  let known = sources.get(path)
  if (!known) {
    const text = readFileSync(join(root, path), 'utf8')
    const lines = text.split('\n')
    const tests = lines.findIndex((line) => line.startsWith('#[cfg(test)]'))
    const isUnsafe = /\bunsafe\b/.test(codeOf(text))
    known = { lines, end: tests < 0 ? Number.POSITIVE_INFINITY : tests + 1, isUnsafe }
    sources.set(path, known)
  }
  return known
}

/** @param {string} path */
function below(path) {
  return path.startsWith(root) ? path.slice(root.length) : path
}

/** One of LLVM's tools, of the version that rustc was built with. @param {string} name */
function tool(name) {
  const chosen = process.env[name === 'llvm-cov' ? 'LLVM_COV' : 'LLVM_PROFDATA']
  if (chosen) return chosen
  const [, version] = /^LLVM version: (\d+)/m.exec(ask('rustc', ['-vV']) ?? '') ?? []
  const inToolchain = join(ask('rustc', ['--print', 'target-libdir']) ?? '', '../bin', name)
  const found = [inToolchain, `/usr/lib/llvm-${version}/bin/${name}`].find((path) => existsSync(path))
  if (found) return found
  throw new Complaint(
    `${name} of LLVM ${version} is missing: \`rustup component add llvm-tools\` or \`apt-get install llvm-${version}\` ` +
      'brings it; LLVM_COV and LLVM_PROFDATA say where they are',
  )
}
