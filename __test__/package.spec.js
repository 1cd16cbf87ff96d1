/** The package as it is published: packed, installed offline where there is no Rust, and used from there. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { here } from '../scripts/support/platforms.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const run = promisify(execFile)
const platform = here()

const scratch = mkdtempSync(join(tmpdir(), 'os-ipc-package-'))
const packed = join(scratch, 'packed')
const tarballs = {
  root: join(packed, `os-ipc-${version}.tgz`),
  addon: join(packed, `os-ipc-${platform}-${version}.tgz`),
}

/** A user's environment: nothing of the npm run that we are in, no network, an empty cache, no Rust. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|CARGO|RUST|OS_IPC)/i.test(name))),
  npm_config_cache: join(scratch, 'cache'),
  npm_config_offline: 'true',
  PATH: process.env.PATH?.split(delimiter)
    .filter((folder) => !existsSync(join(folder, 'cargo')) && !existsSync(join(folder, 'rustc')))
    .join(delimiter),
}

/**
 * A project of its own with these tarballs installed.
 * @param {string} name
 * @param {...string} files
 */
async function install(name, ...files) {
  const cwd = join(scratch, name)
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), '{ "private": true, "type": "module" }')
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...files], { cwd, env })
  return cwd
}

/**
 * @param {string} cwd
 * @param {...string} args
 */
function node(cwd, ...args) {
  return run(process.execPath, args, { cwd, env, timeout: 60_000 })
}

describe('the package', { timeout: 240_000 }, () => {
  before(() => run(process.execPath, [join(root, 'scripts/pack.js'), '--to', packed], { cwd: root }))
  after(() => rmSync(scratch, { recursive: true, force: true }))

  describe('with the addon of this platform', () => {
    let cwd = ''
    before(async () => {
      cwd = await install('both', tarballs.root, tarballs.addon)
    })

    test('runs nothing at installation and brings no other package', () => {
      const manifest = JSON.parse(readFileSync(join(cwd, 'node_modules/os-ipc/package.json'), 'utf8'))
      assert.deepEqual(
        [manifest.scripts, manifest.dependencies, manifest.devDependencies],
        [undefined, undefined, undefined],
      )
      const names = readdirSync(join(cwd, 'node_modules')).filter((name) => !name.startsWith('.'))
      assert.deepEqual(names.sort(), ['os-ipc', `os-ipc-${platform}`])
      for (const pinned of Object.values(manifest.optionalDependencies)) assert.equal(pinned, version)
    })

    test('names what is in it: the crates that are linked into the addon, with their licences', () => {
      const folder = join(cwd, `node_modules/os-ipc-${platform}`)
      const bill = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8'))
      assert.deepEqual([bill.bomFormat, bill.metadata.component.version], ['CycloneDX', version])
      const names = bill.components.map(({ name }) => name)
      for (const name of ['napi', 'tokio', 'libc', 'os-ipc-core', 'std']) assert.ok(names.includes(name), name)
      for (const name of ['syn', 'loom', 'napi-build']) assert.ok(!names.includes(name), name)
      const notices = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
      for (const { name, version: of, purl, licenses } of bill.components) {
        assert.ok(licenses, name)
        if (purl) assert.match(notices, new RegExp(`^${name} ${of.replaceAll('.', '\\.')} `, 'm'))
      }
      const own = JSON.parse(readFileSync(join(cwd, 'node_modules/os-ipc/sbom.cdx.json'), 'utf8'))
      assert.ok(own.components.some(({ name }) => name === `os-ipc-${platform}`))
    })

    test('is imported and required as one and the same', async () => {
      const program = `
        import * as imported from 'os-ipc'
        import { createRequire } from 'node:module'
        const required = createRequire(import.meta.url)('os-ipc')
        console.log(typeof imported.pipe, imported.pipe === required.pipe)`
      const { stdout } = await node(cwd, '--no-warnings', '--input-type=module', '--eval', program)
      assert.equal(stdout, 'function true\n')
    })

    test('does what the first example of its README says', async () => {
      const readme = readFileSync(join(cwd, 'node_modules/os-ipc/README.md'), 'utf8')
      const example = readme.match(/^```js\n([\s\S]*?)^```$/m)?.[1] ?? ''
      const promised = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, said]) => said)
      assert.notEqual(promised.length, 0)
      writeFileSync(join(cwd, 'example.js'), example)
      const { stdout } = await node(cwd, 'example.js')
      assert.deepEqual(stdout.trimEnd().split('\n'), promised)
    })

    test('has whatever its README and guides link to', () => {
      const installed = join(cwd, 'node_modules/os-ipc')
      const guides = readdirSync(join(installed, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`)
      for (const page of ['README.md', ...guides]) {
        const source = readFileSync(join(installed, page), 'utf8')
        for (const [, target] of source.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
          assert.ok(existsSync(join(installed, page, '..', target)), `${page}: ${target}`)
        }
      }
    })

    test('has a command that tells its subcommands', async () => {
      const { stdout } = await run('npx', ['os-ipc', '--help'], { cwd, env, timeout: 60_000 })
      assert.match(stdout, /^ +tour\b/m)
    })

    test('sends a file by every transport, each copy equal', async () => {
      writeFileSync(join(cwd, 'file'), Buffer.alloc(300_001, 'os-ipc'))
      const { stdout } = await run('npx', ['os-ipc', 'tour', '--json', 'file'], { cwd, env, timeout: 120_000 })
      const { file, rows } = JSON.parse(stdout)
      assert.equal(file.bytes, 300_001)
      assert.ok(rows.some((/** @type {{ ours: boolean }} */ row) => row.ours))
      for (const { transport, equal } of rows) assert.ok(equal, transport)
    })
  })

  test('is what publint and arethetypeswrong ask of a package', async () => {
    const tool = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name)
    const linted = await run(tool('publint'), ['--strict', tarballs.root], { cwd: scratch, env })
    assert.match(linted.stdout, /All good!/)
    // Every Node that this package is for can require an ES module.
    const known = ['--ignore-rules', 'cjs-resolves-to-esm', '--format', 'json']
    const { stdout } = await run(tool('attw'), [tarballs.root, ...known], { cwd: scratch, env, maxBuffer: 2 ** 26 })
    const { analysis } = JSON.parse(stdout)
    assert.equal(analysis.packageName, 'os-ipc')
    const others = analysis.problems.filter((/** @type {{ kind: string }} */ { kind }) => kind !== 'CJSResolvesToESM')
    assert.deepEqual(others, [])
  })

  test('without an addon says on import which package brings it', async () => {
    const cwd = await install('alone', tarballs.root)
    const program = `import('os-ipc').catch(({ code, message, cause }) => console.log(JSON.stringify([code, message, !!cause])))`
    const { stdout } = await node(cwd, '--eval', program)
    const [code, message, hasCause] = JSON.parse(stdout)
    assert.equal(code, 'MODULE_NOT_FOUND')
    assert.ok(message.includes(platform), message)
    assert.ok(message.includes(`npm install os-ipc-${platform}@${version}`), message)
    assert.ok(hasCause)
  })

  test('with an addon that this C library cannot load says what the linker said', async () => {
    const cwd = await install('broken', tarballs.root, tarballs.addon)
    writeFileSync(join(cwd, `node_modules/os-ipc-${platform}/os-ipc.${platform}.node`), 'no ELF file at all')
    const program = `import('os-ipc').catch(({ code, message }) => console.log(JSON.stringify([code, message])))`
    const [code, message] = JSON.parse((await node(cwd, '--eval', program)).stdout)
    assert.equal(code, 'ERR_DLOPEN_FAILED')
    assert.match(message, /does not load: .*(invalid ELF header|file too short)/)
  })

  test('on another system says in one error where it works', async () => {
    const cwd = await install('elsewhere', tarballs.root)
    const program = `
      Object.defineProperty(process, 'platform', { value: 'darwin' })
      import('os-ipc').catch(({ code, message }) => console.log(JSON.stringify([code, message])))`
    const [code, message] = JSON.parse((await node(cwd, '--eval', program)).stdout)
    assert.equal(code, 'ERR_IPC_NOT_SUPPORTED')
    assert.match(message, /Linux x64 and arm64.*darwin/)
  })
})
