/** `os-ipc watch`, `send`, `recv`, `completion`, and what only a terminal shows. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { allCommands } from '../bin/commands/index.js'
import { PosixMessageQueue, SharedMemory, SysvMessageQueue, Topic } from '../index.js'
import { countRecords } from '../lib/cli/watch/ring.js'
import { run, script, start as startCommand } from './fixtures/command-line.js'
import { fixture, start } from './support/child.js'
import { needs } from './support/extras.js'
import { closeTerminalsAfter, openTerminal } from './support/tmux.js'

const commands = await allCommands()
const options = { timeout: 90_000 }
const folder = mkdtempSync(join(tmpdir(), 'os-ipc-live-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const word = `os-ipc-spec-${process.pid}`
closeTerminalsAfter()

describe('os-ipc send and recv', options, () => {
  test('go through a POSIX queue, with its priorities', async () => {
    const address = `mq:/${word}`
    try {
      assert.equal((await run(['send', '-c', address, 'one', 'two'])).code, 0)
      assert.equal((await run(['send', '-p', '7', address, 'urgent'])).code, 0)
      const { code, stdout } = await run(['recv', '-n', '2', '--json', address])
      assert.equal(code, 0)
      assert.deepEqual(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
        [
          { data: 'urgent', priority: 7 },
          { data: 'one', priority: 0 },
        ],
      )
      assert.deepEqual((await run(['recv', address])).stdout, 'two\n')
      const late = await run(['recv', '-t', '20', address])
      assert.deepEqual([late.code, late.stdout], [1, ''])
      assert.match(late.stderr, /^os-ipc recv: ETIMEDOUT[^\n]*\n$/)
    } finally {
      PosixMessageQueue.unlink(`/${word}`)
    }
  })

  test('go through a System V queue by its id, lines of stdin and bytes that are no text', async () => {
    const queue = SysvMessageQueue.open('private')
    try {
      const sender = startCommand(['send', '--type', '3', `sysv-queue:${queue.id}`], {
        stdio: ['pipe', 'inherit', 'inherit'],
      })
      sender.stdin?.end('first\nsecond\n')
      assert.deepEqual(await once(sender, 'close'), [0, null])
      queue.trySend(Buffer.from([0xff, 0]), { type: 5 })
      const { stdout } = await run(['recv', '--json', '-n', '3', `sysv-queue:${queue.id}`])
      assert.deepEqual(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
        [
          { data: 'first', type: 3 },
          { data: 'second', type: 3 },
          { base64: '/wA=', type: 5 },
        ],
      )
    } finally {
      queue.remove()
      queue.close()
    }
  })

  for (const transport of ['stream', 'seqpacket', 'channel', 'datagram', 'fifo']) {
    test(`go through a ${transport}`, async () => {
      const path = join(folder, transport)
      const flag = transport === 'fifo' ? ['-c'] : transport === 'datagram' ? [] : ['-l']
      const receiver = startCommand(['recv', ...flag, '-t', '20000', `${transport}:${path}`])
      const heard = text(/** @type {import('node:stream').Readable} */ (receiver.stdout))
      const closed = once(receiver, 'close')
      while (!existsSync(path)) await new Promise((settle) => setTimeout(settle, 10))
      const { code, stderr } = await run(['send', '-t', '20000', `${transport}:${path}`, 'a message'])
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      assert.deepEqual([await heard, await closed], ['a message\n', [0, null]])
      assert.equal(existsSync(path), transport === 'fifo', 'a socket of its own goes with it')
    })
  }

  test('go through a channel of values as JSON', async () => {
    const path = join(folder, 'values')
    const words = ['--codec', 'json', '-t', '20000', `channel:${path}`]
    const receiver = startCommand(['recv', '-l', '--json', '-f', ...words])
    const heard = text(/** @type {import('node:stream').Readable} */ (receiver.stdout))
    while (!existsSync(path)) await new Promise((settle) => setTimeout(settle, 10))
    const bytes = await run(['send', '-t', '20000', `channel:${path}`, 'x'])
    assert.equal(bytes.code, 1)
    assert.match(bytes.stderr, /^os-ipc send: [^\n]*codec[^\n]*\n$/)
    const sent = await run(['send', ...words, '{"a":[1]}', '"b"'])
    assert.deepEqual(sent, { ...sent, code: 0, stderr: '' })
    assert.equal(await heard, '{"value":{"a":[1]}}\n{"value":"b"}\n')
  })

  test('go through a topic: what is published from then on, or some of what was before, as its codec has it', async () => {
    const address = `@${word}`
    const missing = await run(['send', `topic:${address}`, 'x'])
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /^os-ipc send: ENOENT: there is no topic [^\n]+\n$/)
    try {
      assert.equal((await run(['send', '-c', `topic:${address}`, 'one', 'two', 'three'])).code, 0)
      assert.equal((await run(['recv', '-n', '2', '--history', '2', `topic:${address}`])).stdout, 'two\nthree\n')
      const late = await run(['recv', '-t', '20', `topic:${address}`])
      assert.deepEqual([late.code, late.stdout], [1, ''])
    } finally {
      Topic.unlink(address)
    }
    const path = join(folder, 'topic')
    const topic = Topic.open(path, { codec: 'json' })
    try {
      await topic.publish({ a: 1 })
      assert.equal((await run(['send', path, '[2]'])).code, 0)
      const refused = await run(['send', path, 'no JSON'])
      assert.equal(refused.code, 2)
      assert.match(refused.stderr, /codec is 'json'/)
      const words = ['recv', '-n', '2', '--history', '9']
      assert.equal((await run([...words, path])).stdout, '{"a":1}\n[2]\n')
      assert.equal((await run([...words, '--json', path])).stdout, '{"value":{"a":1}}\n{"value":[2]}\n')
    } finally {
      topic.close()
      Topic.unlink(path)
    }
  })

  test('say after a moment what they wait for, and at once that there is nobody', async () => {
    const waiting = startCommand(['send', `pid:${process.pid}`, 'hello'])
    assert.equal(
      await new Promise((settle) => waiting.stderr?.setEncoding('utf8').once('data', settle)),
      'waiting for the process to open an endpoint, or to receive (--timeout MS gives up)\n',
    )
    waiting.kill('SIGKILL')
    const none = await run(['send', '-t', '0', `pid:${process.pid}`, 'hello'])
    assert.deepEqual([none.code, none.stdout], [1, ''])
    assert.match(none.stderr, /^os-ipc send: ESRCH: process \d+ has no endpoint \([^\n]+\)\n$/)
    const path = join(folder, 'nobody')
    const alone = startCommand(['recv', '-l', '-t', '1500', `stream:${path}`])
    const said = text(/** @type {import('node:stream').Readable} */ (alone.stderr))
    assert.deepEqual(await once(alone, 'close'), [1, null])
    assert.match(await said, /^waiting for somebody to connect\nos-ipc recv: ETIMEDOUT[^\n]*\n$/)
  })

  test('refuse numbers and codecs that cannot be, before anything happens', async () => {
    const commands = [
      ['send', '--priority', '32768', 'mq:/x', 'y'],
      ['send', '--codec', 'text', 'channel:/x', 'y'],
      ['recv', '--timeout', '-5', 'mq:/x'],
      ['recv', '--count', '-1', 'mq:/x'],
      ['recv', '--history', '-1', 'topic:@x'],
    ]
    for (const { code, stdout, stderr } of await Promise.all(commands.map((words) => run(words)))) {
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^os-ipc (send|recv): --\w+ takes [^\n]+\n$/)
    }
  })

  test('refuse what is no address, in one line', async () => {
    for (const words of [[], ['nonsense'], ['/no/such/path'], [script], ['sysv-queue:x'], ['-t', 'soon', 'mq:/x']]) {
      for (const { code, stdout, stderr } of await Promise.all([run(['send', ...words]), run(['recv', ...words])])) {
        assert.deepEqual([words, code, stdout], [words, 2, ''])
        assert.match(stderr, /^os-ipc (send|recv): [^\n]+\n$/)
      }
    }
  })
})

describe('os-ipc watch', options, () => {
  /** @type {ReturnType<typeof start>} */
  let slow
  /** @type {ReturnType<typeof start>} */
  let fast
  before(async () => {
    slow = start(fixture('channel-traffic.js'), [200], { stdin: 'pipe', patience: 0 })
    fast = start(fixture('channel-traffic.js'), [100_000], { stdin: 'pipe', patience: 0 })
    await Promise.all([slow.says('sending'), fast.says('sending')])
  })
  after(() => Promise.all([slow.kill(), fast.kill()]))

  test('prints lines where there is no terminal, and counts what goes through channels', async () => {
    const { code, stdout } = await run(['watch', '-n', '3', '-i', '1'])
    assert.equal(code, 0)
    assert.ok(!stdout.includes('\x1b'))
    /** @param {number} pid @returns {[number, number]} the rates that were told of it last */
    const rates = (pid) => {
      const told =
        [...stdout.matchAll(new RegExp(`^.*/0 .* (~?[\\d,]+) msgs/s +([\\d.]+) (\\w+)/s +${pid} `, 'gm'))].at(-1) ?? []
      const unit = /** @type {Record<string, number>} */ ({ B: 1, KiB: 1024, MiB: 1024 ** 2 })[told[3]]
      return [Number(told[1]?.replace(/[~,]/g, '')), Number(told[2]) * unit]
    }
    const [messages, bytes] = rates(slow.pid)
    assert.ok(messages > 100 && messages < 400, stdout)
    assert.ok(bytes > 100 * 100 && bytes < 400 * 100, stdout)
    const [many, large] = rates(fast.pid)
    assert.ok(many > 20_000 && many < 200_000 && Math.abs(large / many - 100) < 10, stdout)
  })

  test('tells what goes through topics, wherever they stand, and who is behind', async () => {
    const [own, path] = [`@${word}-watched`, join(folder, 'watched')]
    const topics = [own, path].map((address) => Topic.open(address))
    const subscription = await topics[0].subscribe()
    const publishing = setInterval(() => topics[0].tryPublish(Buffer.alloc(56)), 10)
    try {
      const { stdout } = await run(['watch', '-n', '2', '-i', '1'])
      const shown = new RegExp(
        `topic:${own} .*1 subscriber, [\\d.]+ (Ki)?B behind  (\\d+) msgs/s .* ${process.pid} `,
        'g',
      )
      const rate = Number([...stdout.matchAll(shown)].at(-1)?.[2])
      assert.ok(rate > 5 && rate <= 110, stdout)
      assert.match(stdout, new RegExp(`topic:${path}  0 subscribers  0 msgs/s`))
    } finally {
      clearInterval(publishing)
      for (const handle of [subscription, ...topics]) handle.close()
      for (const address of [own, path]) Topic.unlink(address)
    }
  })

  test('ends when nobody reads it any more', async () => {
    const child = startCommand(['watch', '-i', '0.1'])
    const closed = once(child, 'close')
    await once(/** @type {import('node:stream').Readable} */ (child.stdout), 'data')
    child.stdout?.destroy()
    const [code, signal] = await closed
    assert.equal(signal, null)
    assert.ok(code === 0 || code === 141)
  })

  test('refuses an interval and a count that are none', async () => {
    for (const words of [
      ['-i', '0'],
      ['-i', 'x'],
      ['-n', '0'],
      ['-n', '1.5'],
    ]) {
      assert.equal((await run(['watch', ...words])).code, 2)
    }
  })

  test('counts whole records, and nothing of what makes no sense', () => {
    const record = (/** @type {number} */ kind, /** @type {number[]} */ words) => {
      const bytes = Buffer.alloc(8 + Math.ceil(words.length / 2) * 8)
      bytes.writeUInt32LE((kind << 28) | (words.length * 4))
      for (const [index, value] of words.entries()) bytes.writeUInt32LE(value, 8 + index * 4)
      return bytes
    }
    const sound = [record(0, [1, 2, 3]), record(1, [5000, 0]), record(2, [0]), record(3, []), record(4, [1, 1])]
    assert.deepEqual(countRecords(Buffer.concat(sound)), { messages: 2, bytes: 12 + 5000 })
    assert.equal(countRecords(Buffer.concat([...sound, record(5, [])])), undefined)
    assert.equal(countRecords(Buffer.concat([...sound, Buffer.alloc(4)])), undefined)
    assert.equal(countRecords(record(0, [1, 2]).subarray(0, 12)), undefined)
    for (let round = 0; round < 2000; round++) {
      const rubbish = Buffer.from(Array.from({ length: 64 }, () => (Math.random() < 0.6 ? 0 : Math.random() * 256)))
      const counted = countRecords(rubbish)
      assert.ok(counted === undefined || counted.messages <= 8)
    }
  })

  test(
    'is a screen on a terminal: its keys sort and quit, it follows the size, and what was there comes back',
    needs('tmux'),
    async () => {
      const terminal = openTerminal([process.execPath, script, 'watch', '-i', '0.3'], { columns: 110, lines: 40 })
      await terminal.shows(/sort: rate[\s\S]*^channel +channel:\d+\/0 .* \d+ node/m)
      terminal.press('s')
      await terminal.shows(/sort: kind/)
      terminal.press('r')
      await terminal.shows(/sort: kind reversed/)
      terminal.resize(40, 20)
      const narrow = await terminal.shows(/^ +kind: /m)
      assert.ok(narrow.split('\n').every((line) => line.length <= 40))
      terminal.press('q')
      const left = await terminal.shows(/\[code 0\]/)
      assert.ok(!left.includes('sort:'))
      const other = openTerminal([process.execPath, script, 'watch'], { columns: 80, lines: 24 })
      await other.shows(/sort: rate/)
      other.press('C-c')
      await other.shows(/\[code 0\]/)
    },
  )
})

describe('on a terminal', options, () => {
  test('rm asks, and takes only yes for it', needs('tmux'), async () => {
    const name = `/${word}-asked`
    SharedMemory.open(name, { create: true, size: 1 }).close()
    try {
      const first = openTerminal([process.execPath, script, 'rm', `shm:${name}`], { columns: 80, lines: 24 })
      await first.shows(/Remove 1 object\? \[y\/N\]/)
      first.press('n', 'Enter')
      await first.shows(/nothing was removed\s+\[code 1\]/)
      const second = openTerminal([process.execPath, script, 'rm', `shm:${name}`], { columns: 40, lines: 24 })
      await second.shows(/\[y\/N\]/)
      second.press('C-d')
      await second.shows(/\[code 1\]/)
      const third = openTerminal([process.execPath, script, 'rm', `shm:${name}`], { columns: 40, lines: 24 })
      await third.shows(/\[y\/N\]/)
      third.press('y', 'Enter')
      await third.shows(/removed shm:[\s\S]*\[code 0\]/)
      assert.ok(!existsSync(`/dev/shm${name}`))
    } finally {
      rmSync(`/dev/shm${name}`, { force: true })
    }
  })

  test('ls fits itself into 40 columns', needs('tmux'), async () => {
    const name = `/${word}-narrow`
    SharedMemory.open(name, { create: true, size: 1 }).close()
    try {
      const terminal = openTerminal([process.execPath, script, 'ls', '-k', 'shm'], { columns: 40, lines: 500 })
      const shown = await terminal.shows(/\[code 0\]/)
      assert.ok(shown.includes(`shm:${name}`))
    } finally {
      SharedMemory.unlink(name)
    }
  })
})

describe('os-ipc completion', options, () => {
  test('completes commands, options and names in bash', async () => {
    const { stdout: source } = await run(['completion', 'bash'])
    /** @param {string[]} words */
    const complete = (...words) => {
      const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`
      const shell = `os-ipc() { "${process.execPath}" "${script}" "$@"; }; ${source}\n${set}; _os_ipc; printf '%s\\n' "\${COMPREPLY[@]}"`
      return execFileSync('bash', ['--norc', '-c', shell], { encoding: 'utf8' }).trim().split('\n')
    }
    assert.deepEqual(complete('os-ipc', 'li'), ['limits'])
    assert.deepEqual(
      new Set(complete('os-ipc', '')),
      new Set([...commands.map(({ name }) => name), 'help', '--help', '--version']),
    )
    assert.deepEqual(complete('os-ipc', 'ls', '--o'), ['--orphans'])
    const name = `/${word}-complete`
    SharedMemory.open(name, { create: true, size: 1 }).close()
    try {
      assert.deepEqual(complete('os-ipc', 'rm', `shm:${name.slice(0, -4)}`), [`shm:${name}`])
    } finally {
      SharedMemory.unlink(name)
    }
  })

  test('completes them in a real zsh, and says what each is', needs('zsh', 'tmux'), async () => {
    const startup = join(folder, 'zshrc')
    const command = `os-ipc() { '${process.execPath}' '${script}' "$@" }`
    const lines = [command, 'autoload -U compinit; compinit -u -D', 'source <(os-ipc completion zsh)', "PS1='ready> '"]
    writeFileSync(startup, lines.join('\n'))
    const name = `/${word}-zsh`
    SharedMemory.open(name, { create: true, size: 1 }).close()
    try {
      const shell = openTerminal(['zsh', '-f', '-i'], { columns: 110, lines: 40 })
      await shell.shows(/[#%$]/)
      shell.press(`. ${startup}`, 'Enter')
      await shell.shows(/^ready>/m)
      /** @param {string} typed @param {RegExp} wanted */
      const completes = async (typed, wanted) => {
        shell.press('C-u')
        shell.press('-l', typed)
        shell.press('Tab')
        await shell.shows(wanted)
      }
      await completes('os-ipc li', /^ready> os-ipc limits *$/m)
      await completes('os-ipc ls --o', /^ready> os-ipc ls --orphans *$/m)
      await completes('os-ipc ls --', /^--orphans +-- What os-ipc made .* died: see cleanup *$/m)
      await completes(`os-ipc rm shm:${name.slice(0, -2)}`, new RegExp(`^ready> os-ipc rm shm:${name} *$`, 'm'))
    } finally {
      SharedMemory.unlink(name)
    }
  })

  test('has every command and option for zsh, and refuses other shells', async () => {
    const { code, stdout } = await run(['completion', 'zsh'])
    assert.equal(code, 0)
    for (const { name, options: own = {} } of commands) {
      assert.match(stdout, new RegExp(`^ +'${name}:`, 'm'))
      for (const option of Object.keys(own)) assert.ok(stdout.includes(`--${option}`), option)
    }
    for (const words of [[], ['fish']]) assert.equal((await run(['completion', ...words])).code, 2)
  })
})
