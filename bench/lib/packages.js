/**
 * The npm packages to compare with. They have a manifest of their own (bench/package.json) and are installed here,
 * the first time that a page asks for one, so that installing and testing os-ipc never pulls them in.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('../', import.meta.url))

/** @type {Map<string, string>} why a package cannot be used, '' where it can */
const states = new Map()

/** Throws, with the reason, where the package cannot be used. @param {string} name @param {{ install: boolean }} options */
export function requirePackage(name, { install }) {
  const reason = states.get(name) ?? prepare(name, install)
  states.set(name, reason)
  if (reason !== '') throw new Error(reason)
}

/** @param {string} name @param {boolean} install */
function prepare(name, install) {
  if (!installed(name)) {
    if (!install) return 'not installed, and --quick installs nothing'
    // Scripts stay off here, so that one package that does not build cannot take the others with it. Not `npm ci`: that
    // also fails where a registry lacks a binary for some other platform.
    const failure = npm(['install', '--no-save', '--ignore-scripts'])
    if (failure) return `cannot be installed: ${failure}`
  }
  if (loads(name)) return ''
  if (!install) return 'not built, and --quick builds nothing'
  const failure = npm(['rebuild', name, '--foreground-scripts'])
  if (failure) return `cannot be built: ${failure}`
  return loads(name) ? '' : 'was built and still does not load'
}

/** The folder is not enough: an older install may hold another version. @param {string} name */
function installed(name) {
  const manifest = join(home, 'node_modules', name, 'package.json')
  if (!existsSync(manifest)) return false
  const wanted = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).dependencies[name]
  return JSON.parse(readFileSync(manifest, 'utf8')).version === wanted
}

/** In another process: a broken addon may end the process that loads it. @param {string} name */
function loads(name) {
  return spawnSync(process.execPath, ['-e', `require('${name}')`], { cwd: home, stdio: 'ignore' }).status === 0
}

/** @param {string[]} args @returns {string} '' or what went wrong */
function npm(args) {
  process.stderr.write(`npm ${args.join(' ')} in bench/ ...\n`)
  const { error, status, stdout, stderr } = spawnSync('npm', [...args, '--no-audit', '--no-fund'], {
    cwd: home,
    encoding: 'utf8',
    env: { ...process.env, ...headers() },
  })
  if (error) return error.message
  if (status === 0) return ''
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => /^npm error \S|\berror:/.test(line))
  return lines.length > 0 ? lines.slice(0, 3).join(' ').trim() : `npm ended with ${status}`
}

/** Node's headers, where they lie beside the binary: node-gyp downloads them otherwise. */
function headers() {
  const prefix = dirname(dirname(process.execPath))
  const known = process.env.npm_config_nodedir !== undefined || !existsSync(join(prefix, 'include/node/node.h'))
  return known ? {} : { npm_config_nodedir: prefix }
}
