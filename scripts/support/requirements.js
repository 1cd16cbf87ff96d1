/** What must be on the machine before anything can be built, and the command that brings it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, root } from './run.js'

const rustup = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
const compilers = {
  'apt-get': 'apt-get install -y gcc libc6-dev',
  apk: 'apk add build-base',
  dnf: 'dnf install -y gcc',
  pacman: 'pacman -S --noconfirm gcc',
  zypper: 'zypper install -y gcc',
}

/** Ends the process with one line if something is missing. */
export function requireTools() {
  const missing = [node(), rust(), compiler()].filter((problem) => problem !== undefined)
  if (missing.length === 0) return
  console.error(`os-ipc cannot be built here: ${missing.join('; ')}`)
  process.exit(1)
}

function node() {
  const wanted = /** @type {string} */ (manifest().engines.node).replace('>=', '')
  const here = process.versions.node
  if (!older(here, wanted)) return
  return `Node ${wanted} or later is needed and this is ${here} (\`npx --yes node@22 scripts/start.js\`, or install it from nodejs.org)`
}

function rust() {
  const cargo = ask('cargo', ['--version'])
  const rustc = ask('rustc', ['--version'])
  if (!cargo || !rustc) {
    const name = cargo ? 'rustc' : rustc ? 'cargo' : 'Rust (cargo and rustc)'
    return `${name} is missing (\`${ask('rustup', ['--version']) ? 'rustup default stable' : rustup}\`)`
  }
  const wanted = readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^rust-version = "(.*)"/m)?.[1] ?? '0'
  const here = rustc.split(' ')[1]
  if (older(here, wanted)) {
    return `Rust ${wanted} or later is needed and this is ${here} (\`${ask('rustup', ['--version']) ? 'rustup update stable' : rustup}\`)`
  }
}

function compiler() {
  if (ask('cc', ['--version']) !== undefined) return
  const manager = Object.entries(compilers).find(([name]) => ask(name, ['--version']) !== undefined)
  return `a C compiler (cc) is missing (\`${manager?.[1] ?? compilers['apt-get']}\`)`
}

function manifest() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/**
 * @param {string} here
 * @param {string} wanted
 */
function older(here, wanted) {
  const [a, b] = [here, wanted].map((version) => version.split('.').map((part) => Number.parseInt(part, 10)))
  const at = [0, 1, 2].find((index) => (a[index] ?? 0) !== (b[index] ?? 0))
  return at !== undefined && (a[at] ?? 0) < (b[at] ?? 0)
}
