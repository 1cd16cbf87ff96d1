import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { allCommands } from '../bin/commands/index.js'
import { run, script, start } from './fixtures/command-line.js'

const commands = await allCommands()
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

describe('os-ipc on the command line', { timeout: 120_000 }, () => {
  for (const words of [['--help'], ['-h'], ['help'], []]) {
    it(`lists every command with its summary for "os-ipc ${words.join(' ')}"`, async () => {
      const { code, stdout, stderr } = await run(words)
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      assert.ok(commands.length > 0)
      for (const { name, summary } of commands)
        assert.match(stdout, new RegExp(`^  ${name} +${summary.split(',')[0]}`, 'm'))
    })
  }

  it('says its version', async () => {
    for (const word of ['--version', '-v']) {
      const { code, stdout, stderr } = await run([word])
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${version}\n`, stderr: '' })
    }
  })

  for (const { name, options = {} } of commands) {
    it(`explains every option of ${name}, within a terminal of 40 columns`, async () => {
      const { code, stdout } = await run([name, '--help'], { env: { COLUMNS: '40' } })
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`^Usage: os-ipc ${name} `))
      for (const option of [...Object.keys(options), 'help'])
        assert.match(stdout, new RegExp(`^  .*--${option}\\b`, 'm'))
      for (const line of stdout.split('\n')) assert.ok(line.length <= 40, line)
    })
  }

  it('explains a command three ways', async () => {
    const [first, ...others] = await Promise.all([run(['ls', '--help']), run(['ls', '-h']), run(['help', 'ls'])])
    assert.equal(first.code, 0)
    for (const other of others) assert.deepEqual(other, first)
  })

  it('refuses what it does not know in one line on stderr, with exit code 2', async () => {
    const wrong = [
      ['nonsense'],
      ['help', 'nonsense'],
      ['--nonsense'],
      ['-x'],
      ['tour', '--nonsense'],
      ['tour', '-x'],
      ['tour', 'one', 'two'],
      ['tour', '--only'],
      ['tour', '--json=yes'],
      ['toString'],
      ['tour', '--constructor'],
    ]
    // Not all at once: processes are started for them.
    const outcomes = []
    for (let at = 0; at < wrong.length; at += 4) {
      outcomes.push(...(await Promise.all(wrong.slice(at, at + 4).map((words) => run(words)))))
    }
    for (const [index, { code, stdout, stderr }] of outcomes.entries()) {
      const words = wrong[index]
      assert.deepEqual({ words, code, stdout }, { words, code: 2, stdout: '' })
      assert.match(stderr, /^os-ipc[^\n]+\n$/)
    }
  })

  it('keeps the list of commands within a terminal of 40 columns', async () => {
    const { stdout } = await run(['--help'], { env: { COLUMNS: '40' } })
    for (const line of stdout.split('\n')) assert.ok(line.length <= 40, line)
  })

  it('ends quietly when nobody reads its output any more', async () => {
    const child = start(['--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout?.destroy()
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      complaint += text
    })
    const [code, signal] = await once(child, 'close')
    assert.deepEqual({ code, signal, complaint }, { code: 0, signal: null, complaint: '' })
    const piped = execFileSync('sh', ['-c', '"$0" "$1" --help 2>&1 | head -n 1', process.execPath, script], {
      encoding: 'utf8',
    })
    assert.match(piped, /^Usage: [^\n]+\n$/)
  })

  it('says in one line that its output cannot be written, with exit code 1', async () => {
    const full = openSync('/dev/full', 'w')
    for (const words of [['--help'], ['tour', script, '--only', 'net.Socket']]) {
      const { code, stderr } = await run(words, { stdio: ['ignore', full, 'pipe'] })
      assert.deepEqual({ code, stderr }, { code: 1, stderr: 'os-ipc: cannot write the output: ENOSPC\n' })
    }
    closeSync(full)
  })

  it('writes no escape sequence where stdout is not a terminal', async () => {
    const { stdout } = await run(['--help'], { env: { FORCE_COLOR: '1' } })
    assert.ok(!stdout.includes('\x1b'))
  })
})
