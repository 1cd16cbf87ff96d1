import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { transports } from '../bin/tour/transports/index.js'
import { run, script, start } from './fixtures/command-line.js'

const names = transports.map(({ name }) => name)

describe('os-ipc tour', { timeout: 240_000 }, () => {
  /** @type {string} */
  let folder
  /** Where the tours put their temporary files, so that what they leave is seen. */
  let scratch = ''
  let file = ''
  const content = randomBytes(1_500_007)

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    file = join(folder, 'file')
    writeFileSync(file, content)
  })
  after(() => rmSync(folder, { recursive: true }))
  beforeEach(() => {
    scratch = mkdtempSync(join(folder, 'scratch-'))
  })

  /** @param {string[]} words @param {NodeJS.ProcessEnv} [env] */
  const tour = (words, env) => run(['tour', ...words], { env: { ...process.env, TMPDIR: scratch, ...env } })

  /** @param {string[]} words @param {NodeJS.ProcessEnv} [env] */
  async function tourJson(words, env) {
    const { code, stdout, stderr } = await tour([...words, '--json'], env)
    assert.equal(stderr, '')
    return { code, ...JSON.parse(stdout) }
  }

  /** @param {Buffer} data */
  const sha256 = (data) => createHash('sha256').update(data).digest('hex')

  it('has a line in the guide for each transport', () => {
    const guide = readFileSync(new URL('../docs/cli.md', import.meta.url), 'utf8')
    const table = guide.split('\n## tour\n')[1].split('\n**What is timed')[0]
    const told = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
    assert.deepEqual(told, names)
  })

  it('sends a file whole by every transport and says so in one JSON document', async () => {
    const { code, file: sent, rows, equal, versions } = await tourJson([file])
    assert.equal(code, 0)
    assert.equal(equal, true)
    assert.equal(versions.node, process.version)
    assert.deepEqual(sent, { path: file, bytes: content.length, sha256: sha256(content) })
    assert.deepEqual(
      rows.map((/** @type {any} */ row) => row.transport),
      names,
    )
    for (const row of rows) {
      assert.equal(row.error, undefined)
      assert.deepEqual([row.bytes, row.sha256, row.equal], [content.length, sha256(content), true])
      assert.ok(row.seconds > 0 && row.messages >= 1)
      assert.ok(Math.abs(row.megabytesPerSecond * row.seconds * 1e6 - row.bytes) < 1)
      assert.ok(Math.abs(row.messagesPerSecond * row.seconds - row.messages) < 1e-3)
    }
    assert.deepEqual(readdirSync(scratch), [])
  })

  for (const size of [0, 1]) {
    it(`sends a file of ${size} bytes by every transport`, async () => {
      const small = join(folder, `file-${size}`)
      writeFileSync(small, content.subarray(0, size))
      const { code, rows } = await tourJson([small])
      assert.equal(code, 0)
      assert.equal(rows.length, names.length)
      for (const row of rows) {
        assert.deepEqual([row.transport, row.bytes, row.equal], [row.transport, size, true])
        assert.equal(row.sha256, sha256(content.subarray(0, size)))
      }
    })
  }

  it('sends a file too large for memory, read and hashed on the way', async () => {
    const large = join(folder, 'large')
    writeFileSync(large, content)
    truncateSync(large, 536_870_913)
    const { code, rows } = await tourJson([large, '--only', 'pipe-into', '--only', 'net.Socket'])
    rmSync(large)
    assert.equal(code, 0)
    for (const row of rows) assert.deepEqual([row.bytes, row.equal], [536_870_913, true])
  })

  it('sends the running node binary when no file is named', async () => {
    const { code, file: sent } = await tourJson(['--only', 'net.Socket'])
    assert.equal(code, 0)
    assert.equal(sent.path, process.execPath)
    assert.equal(sent.sha256, sha256(readFileSync(process.execPath)))
  })

  it('runs only the rows that are asked for', async () => {
    const { rows } = await tourJson([file, '--only', 'pipe', '--only', 'net.Socket'])
    assert.deepEqual(
      rows.map((/** @type {any} */ row) => row.transport),
      ['pipe', 'net.Socket'],
    )
  })

  it('refuses an unknown row, a missing file, a directory and a FIFO in one line, with exit code 2', async () => {
    const fifo = join(folder, 'fifo')
    execFileSync('mkfifo', [fifo])
    for (const [words, text] of /** @type {Array<[string[], string]>} */ ([
      [['--only', 'nonsense'], names.join(', ')],
      [[join(folder, 'missing')], 'ENOENT'],
      [[folder], 'is a directory'],
      [[fifo], 'is not a regular file'],
      [['/dev/zero'], 'is not a regular file'],
    ])) {
      const { code, stdout, stderr } = await tour(words)
      assert.deepEqual({ words, code, stdout }, { words, code: 2, stdout: '' })
      assert.match(stderr, /^os-ipc tour: [^\n]+\n$/)
      assert.ok(stderr.includes(text), stderr)
    }
  })

  it('refuses a file that it may not read in one line, with exit code 2', {
    skip: unreadableAs() === undefined,
  }, () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'x')
    chmodSync(secret, 0)
    chmodSync(folder, 0o755)
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'tour', secret], {
      ...unreadableAs(),
      encoding: 'utf8',
    })
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' })
    assert.match(stderr, /^os-ipc tour: cannot read [^\n]+: EACCES\n$/)
  })

  it('reports a copy that differs and exits with 1', async () => {
    // Its content is another each time it is opened, and cat opens it again.
    const { code, rows, equal } = await tourJson([
      '/proc/sys/kernel/random/uuid',
      '--only',
      'pipeline',
      '--only',
      'pipe',
    ])
    assert.deepEqual([code, equal], [1, false])
    assert.deepEqual(
      rows.map((/** @type {any} */ row) => [row.transport, row.equal, row.error]),
      [
        ['pipe', true, undefined],
        ['pipeline', false, undefined],
      ],
    )
    const { stdout } = await tour(['/proc/sys/kernel/random/uuid', '--only', 'pipeline'])
    assert.match(stdout, /DIFFERS/)
  })

  it('reports a transport that fails with its code, runs the others and exits with 1', async () => {
    const path = { PATH: scratch }
    const { code, rows } = await tourJson([file, '--only', 'pipeline', '--only', 'net.Socket'], path)
    assert.equal(code, 1)
    assert.deepEqual(
      rows.map((/** @type {any} */ row) => [row.transport, row.equal, row.error?.code]),
      [
        ['pipeline', false, 'ENOENT'],
        ['net.Socket', true, undefined],
      ],
    )
    const { stdout } = await tour([file, '--only', 'pipeline'], path)
    assert.match(stdout, /failed, ENOENT/)
  })

  it('writes plain lines and a table where stdout is not a terminal, whatever FORCE_COLOR says', async () => {
    const { code, stdout, stderr } = await tour([file], { FORCE_COLOR: '1' })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.ok(!/[\x1b\r]/.test(stdout))
    for (const { title } of transports) {
      assert.match(stdout, new RegExp(`^${title}: 1.50 MB in .* SHA-256 equal$`, 'm'))
      assert.match(stdout, new RegExp(`^${title} +1.50 MB .* equal$`, 'm'))
    }
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
  })

  it('keeps its table within 40 columns', async () => {
    const { stdout } = await tour([file], { COLUMNS: '40' })
    const table = stdout.slice(stdout.lastIndexOf('\n\n', stdout.indexOf('messages/s')))
    for (const line of table.split('\n')) assert.ok(line.length <= 40, line)
    for (const { title } of transports) assert.ok(table.includes(`${title}: equal`))
  })

  for (const [columns, colour] of /** @type {Array<[number, boolean]>} */ ([
    [100, true],
    [40, true],
    [100, false],
  ])) {
    it(`rewrites its progress in place in a terminal of ${columns} columns, ${colour ? 'in colour' : 'without colours when NO_COLOR is set'}`, {
      skip: skipWithout('script'),
    }, () => {
      const command = `stty cols ${columns}; exec '${process.execPath}' '${script}' tour '${file}'`
      const env = { ...process.env, TMPDIR: scratch, TERM: 'xterm', NO_COLOR: colour ? undefined : '1' }
      const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
        env,
        encoding: 'utf8',
        timeout: 60_000,
      })
      assert.equal(status, 0)
      for (const { title } of transports) assert.ok(stdout.includes(`\r\x1b[K${title}`), title)
      assert.equal(/\x1b\[\d+m/.test(stdout), colour)
      const shown = stdout.replaceAll('\r\n', '\n').replaceAll(/\x1b\[\d+m/g, '')
      for (const line of shown.split(/\n|\r\x1b\[K/)) {
        if (line !== file) assert.ok(line.length <= columns, line)
      }
    })
  }

  it('shows a progress line on stderr for --json in a terminal and only the document on stdout', {
    skip: skipWithout('script'),
  }, () => {
    const target = join(folder, 'json')
    const command = `exec '${process.execPath}' '${script}' tour '${file}' --json --only net.Socket > '${target}'`
    const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, TMPDIR: scratch, TERM: 'xterm' },
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0)
    assert.match(stdout, /\r\x1b\[Knet\.Socket/)
    assert.equal(JSON.parse(readFileSync(target, 'utf8')).equal, true)
  })

  for (const name of names) {
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
      it(`ends its children, leaves no file and dies by the signal when ${signal} comes during ${name}`, async () => {
        let ended
        // On a busy machine all has been received, now and then, before anybody sees who receives.
        for (let tries = 0; tries < 5 && ended?.code !== null; tries++) {
          const child = start(['tour', file, '--only', name], { env: { ...process.env, TMPDIR: scratch } })
          child.stdout?.resume()
          // Stopped, it takes nothing, and what is on its way is more than any buffer holds.
          const receiver = await descendant(child.pid, 'receiver.js')
          process.kill(receiver, 'SIGSTOP')
          const children = childrenOf(child.pid)
          child.kill(signal)
          const [code, killer] = await once(child, 'exit')
          ended = { code, killer }
          for (const pid of children) resume(pid)
          for (const pid of children) await untilGone(pid)
        }
        assert.deepEqual(ended, { code: null, killer: signal })
        assert.deepEqual(readdirSync(scratch), [])
      })
    }
  }
})

/** @param {string} program */
function skipWithout(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? false : `there is no ${program} here`
}

/** Root may read everything; who else can run the command line here is asked, not assumed. */
function unreadableAs() {
  if (process.getuid?.() !== 0) return {}
  const nobody = { uid: 65_534, gid: 65_534 }
  return spawnSync(process.execPath, [script, '--version'], nobody).status === 0 ? nobody : undefined
}

/** @param {number | undefined} parent */
function childrenOf(parent) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statOf(pid)?.parent === parent)
}

/** @param {number} pid */
function statOf(pid) {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
    return { state, parent: Number(parent), words: readFileSync(`/proc/${pid}/cmdline`, 'latin1') }
  } catch {
    return undefined
  }
}

/**
 * Waits for the child of `parent` that runs `script`.
 * @param {number | undefined} parent
 * @param {string} script
 */
async function descendant(parent, script) {
  for (;;) {
    const found = childrenOf(parent).find((pid) => statOf(pid)?.words.includes(script))
    if (found !== undefined) return found
    await delay(1)
  }
}

/** @param {number} pid */
function resume(pid) {
  try {
    process.kill(pid, 'SIGCONT')
  } catch (error) {
    assert.equal(/** @type {NodeJS.ErrnoException} */ (error).code, 'ESRCH')
  }
}

/** @param {number} pid */
async function untilGone(pid) {
  for (let stat = statOf(pid); stat && stat.state !== 'Z'; stat = statOf(pid)) await delay(1)
}
