/**
 * What some specs need and neither npm nor cargo brings. A spec that needs one is left out where it is missing, and
 * `npm test` names it at its end with the command that brings it. With CI=true nothing may be left out.
 *
 *     import { needs } from './support/extras.js'
 *     test('a signal in mid-call is invisible', needs('strace'), () => { … })
 *     test('…', { ...needs('python'), timeout: 10_000 }, () => { … })
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { missingRuntimes } from '../../scripts/support/runtimes.js'

/** The interpreter that has posix_ipc and sysv_ipc, for the specs that need `python`. */
export const python = fileURLToPath(new URL('../../target/venv/bin/python', import.meta.url))

/**
 * @typedef {object} Extra
 * @property {string} name
 * @property {() => boolean} probe Is it there?
 * @property {string} install The command that brings it.
 */

/** @type {Extra[]} */
export const extras = [
  {
    name: 'python',
    probe: () => runs(python, '-c', 'import posix_ipc, sysv_ipc'),
    install: 'python3 -m venv target/venv && target/venv/bin/pip install posix_ipc sysv_ipc',
  },
  { name: 'strace', probe: () => runs('strace', '-o', '/dev/null', 'true'), install: 'apt-get install strace' },
  {
    name: 'unshare',
    probe: () => runs('unshare', '-Urim', 'true') || runs('unshare', '-im', 'true'),
    install: 'apt-get install util-linux',
  },
  { name: 'taskset', probe: () => runs('taskset', '-c', '0', 'true'), install: 'apt-get install util-linux' },
  { name: 'prlimit', probe: () => runs('prlimit', '--version'), install: 'apt-get install util-linux' },
  { name: 'ss', probe: () => runs('ss', '-V'), install: 'apt-get install iproute2' },
  { name: 'zsh', probe: () => runs('zsh', '--version'), install: 'apt-get install zsh' },
  { name: 'tmux', probe: () => runs('tmux', '-V'), install: 'apt-get install tmux' },
  { name: 'dbus-daemon', probe: () => runs('dbus-daemon', '--version'), install: 'apt-get install dbus-daemon' },
  { name: 'systemd-notify', probe: () => runs('systemd-notify', '--version'), install: 'apt-get install systemd' },
  { name: 'runtimes', probe: () => missingRuntimes().length === 0, install: 'node scripts/runtimes.js' },
]

/** How a left-out test's reason begins: `npm test` looks for it. */
const LEFT_OUT = 'left out: needs '

/** @type {Map<string, boolean>} */
const found = new Map()

/**
 * The options of a test that needs these extras.
 * @param {...string} names
 * @returns {{ skip: string | false }}
 */
export function needs(...names) {
  const missing = names.map(lookUp).filter((extra) => !present(extra))
  if (missing.length === 0) return { skip: false }
  return { skip: missing.map((extra) => `${LEFT_OUT}${extra.name}; ${extra.install}`).join(' && ') }
}

/** @param {string} name */
function lookUp(name) {
  const extra = extras.find((entry) => entry.name === name)
  if (!extra) throw new Error(`No such extra: ${name}`)
  return extra
}

/** @param {Extra} extra */
function present({ name, probe, install }) {
  let there = found.get(name)
  if (there === undefined) {
    there = probe()
    found.set(name, there)
    if (!there && process.env.CI === 'true') {
      test(`${name} is there (nothing may be left out in CI)`, () => assert.fail(`missing: ${install}`))
    }
  }
  return there
}

/**
 * @param {string} command
 * @param {...string} args
 */
function runs(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
