/** `os-ipc ls`, `stat`, `rm`, `cleanup`, `limits`, `doctor`: what a person sees, and what a script gets. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  Fifo,
  list,
  Mutex,
  PosixMessageQueue,
  PosixSemaphore,
  SharedMemory,
  SysvMessageQueue,
  Topic,
  UnixListener,
} from '../index.js'
import { visible } from '../lib/cli/escape.js'
import { table } from '../lib/cli/table.js'
import { terminal } from '../lib/cli/terminal.js'
import { widthOf } from '../lib/cli/width.js'
import { run, script } from './fixtures/command-line.js'
import { fixture, start } from './support/child.js'
import { needs } from './support/extras.js'
import { setOf } from './support/locks.js'

const options = { timeout: 60_000 }
const folder = mkdtempSync(join(tmpdir(), 'os-ipc-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const word = `os-ipc-spec-${process.pid}`
/** @type {Array<() => void>} */
const undo = []
after(() => {
  for (const step of undo.splice(0).reverse()) {
    try {
      step()
    } catch {
      // A test has removed it, as it should.
    }
  }
})

/** Memory that nobody has open. @param {string} name @param {object} [more] */
function memory(name, more) {
  SharedMemory.open(name, { create: true, size: 4096, ...more }).close()
  undo.push(() => SharedMemory.unlink(name))
  return name
}

/** @param {string} name */
const standing = (name) =>
  list({ kinds: ['posix-memory', 'posix-queue', 'fifo'] }).some((object) => object.name === name)

describe('os-ipc ls', options, () => {
  /** @type {SysvMessageQueue} */
  let queue
  before(() => {
    memory(`/${word}-a\n\u001b[31mred\u202e`)
    queue = SysvMessageQueue.open('private')
    undo.push(() => queue.remove())
    queue.trySend('123')
    Fifo.create(join(folder, 'fifo'))
  })

  test('prints a table with the name that rm takes, and nothing that moves the cursor', async () => {
    const { code, stdout, stderr } = await run(['ls'])
    assert.equal(code, 0, stderr)
    const [head, ...lines] = stdout.trimEnd().split('\n')
    assert.match(head, /^KIND +NAME +OWNER +MODE/)
    assert.ok(!/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(stdout.replaceAll('\n', '')), 'only plain characters')
    assert.ok(lines.some((line) => line.includes(`shm:/${word}-a\\n\\x1b[31mred\\u{202e}`)))
    const row = lines.find((line) => line.includes(`sysv-queue:${queue.id}`)) ?? ''
    assert.match(row, /^sysv-queue +sysv-queue:\d+ +\S+ +600 +1 message, 3 B/)
  })

  test('prints one JSON document of the same', async () => {
    const { code, stdout } = await run(['ls', '--json', '--kind', 'sysv-queue', '-k', 'shm,fifo'])
    assert.equal(code, 0)
    const { objects } = JSON.parse(stdout)
    assert.ok(objects.every((/** @type {any} */ { kind }) => ['sysv-queue', 'posix-memory', 'fifo'].includes(kind)))
    const mine = objects.find((/** @type {any} */ { id }) => id === queue.id)
    assert.deepEqual([mine.call, mine.bytes, mine.messages], [`sysv-queue:${queue.id}`, 3, 1])
    assert.equal(typeof mine.owner, 'string')
    assert.ok(objects.some((/** @type {any} */ { name }) => name === `/${word}-a\n\u001b[31mred\u202e`))
  })

  test('lists only what is asked for', async () => {
    const [kind, mine, there] = await Promise.all([
      run(['ls', '-k', 'fifo']),
      run(['ls', '--mine', '--json']),
      run(['ls', folder, '-k', 'fifo']),
    ])
    assert.ok(
      kind.stdout
        .split('\n')
        .slice(1, -1)
        .every((line) => line.startsWith('fifo ')),
    )
    const { objects } = JSON.parse(mine.stdout)
    assert.ok(objects.length > 0 && objects.every((/** @type {any} */ { uid }) => uid === process.geteuid?.()))
    assert.ok(there.stdout.includes(join(folder, 'fifo')))
  })

  test('refuses an unknown kind and a folder that is none, in one line', async () => {
    for (const words of [['-k', 'pipe'], ['/no/such/folder'], [script]]) {
      const { code, stdout, stderr } = await run(['ls', ...words])
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^os-ipc ls: [^\n]+\n$/)
    }
  })

  test('keeps within a terminal of 40 columns, and of 80', async () => {
    for (const columns of [40, 80]) {
      const { stdout } = await run(['ls'], { env: { COLUMNS: String(columns) } })
      assert.ok(stdout.includes(word.slice(0, 30)))
      for (const line of stdout.split('\n')) assert.ok(widthOf(line) <= columns, line)
    }
  })

  test(
    'shows ten thousand objects of all kinds in under a second, and ends quietly when one line was enough',
    needs('unshare'),
    () => {
      const asRoot = spawnSync('unshare', ['-im', 'true']).status === 0
      // The time is that of the processor, of whatever else is at work on this machine.
      const inside = `mount -t tmpfs none /run && mount -t tmpfs none /dev/shm && "$0" "$1" || exit 3
      times >&2; "$0" "$2" ls > /run/listed || exit 4; times >&2
      { "$0" "$2" ls 2>&1; echo "code $?" >&2; } | head -n 1; cat /run/listed`
      const words = ['sh', '-c', inside, process.execPath, fixture('list-many.js'), script]
      const apart = spawnSync('unshare', [asRoot ? '-im' : '-Urim', ...words], { encoding: 'utf8', maxBuffer: 1 << 24 })
      assert.equal(apart.status, 0, apart.stderr)
      const [made, head, ...listed] = apart.stdout.trimEnd().split('\n')
      for (const [kind, count] of Object.entries(JSON.parse(made))) {
        assert.ok(listed.filter((line) => line.startsWith(`${kind} `)).length >= Number(count), kind)
      }
      assert.match(head, /^KIND /)
      assert.match(apart.stderr, /^code (0|141)$/m)
      const used = [...apart.stderr.matchAll(/^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/gm)].map((line) => {
        const [minutes, seconds, more, system] = line.slice(1).map(Number)
        return (minutes + more) * 60 + seconds + system
      })
      // The second line of each answer is of the children.
      assert.equal(used.length, 4, apart.stderr)
      assert.ok(used[3] - used[1] < 1, `${used[3] - used[1]} s`)
    },
  )

  test('without /proc shows the rest and says what is missing', needs('unshare'), () => {
    const asRoot = spawnSync('unshare', ['-m', 'true']).status === 0
    const words = ['sh', '-c', 'mount -t tmpfs none /proc && exec "$0" "$1" ls', process.execPath, script]
    const { status, stdout, stderr } = spawnSync('unshare', [asRoot ? '-m' : '-Urm', ...words], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.match(stderr, /^\/proc is not to be read[^\n]*\n/)
    assert.ok(stdout.includes(`shm:/${word}`))
  })
})

describe('os-ipc ls --orphans and cleanup', options, () => {
  test('tell and remove what dead processes made for themselves, and nothing that was named', async () => {
    const named = `/${word}-left`
    undo.push(() => SharedMemory.unlink(named))
    const child = start(fixture('list-left-behind.js'), [named])
    await child.says(']')
    const own = JSON.parse(child.stdout).map((/** @type {string} */ name) => name.slice(1))
    await child.kill()
    const orphans = await run(['ls', '--orphans'])
    for (const name of own) assert.ok(orphans.stdout.includes(name), orphans.stdout)
    assert.ok(!orphans.stdout.includes(named))
    const dry = await run(['cleanup', '--dry-run'])
    for (const name of own) assert.ok(dry.stdout.includes(name))
    const swept = await run(['cleanup'])
    assert.equal(swept.code, 0)
    assert.match((await run(['cleanup', '--dry-run'])).stderr, /^(there is nothing to remove\n)?$/)
    for (const name of own) assert.match(swept.stdout, new RegExp(`^removed (mq|sem|shm):/${name}$`, 'm'))
    const { stdout } = await run(['ls', '-k', 'mq,sem,shm'])
    for (const name of own) assert.ok(!stdout.includes(name))
    assert.ok(stdout.includes(named))
  })
})

describe('os-ipc stat', options, () => {
  test('shows what is in an object, by whichever name', async () => {
    const queue = PosixMessageQueue.open(`/${word}-stat`, { create: true, maxMessages: 2, maxMessageSize: 32 })
    undo.push(() => PosixMessageQueue.unlink(`/${word}-stat`))
    queue.trySend('12345')
    const semaphore = PosixSemaphore.open(`/${word}-sem`, { create: true, value: 7 })
    undo.push(() => PosixSemaphore.unlink(`/${word}-sem`))
    for (const name of [`mq:/${word}-stat`, `/${word}-stat`, `${word}-stat`]) {
      const { code, stdout, stderr } = await run(['stat', name])
      assert.equal(code, 0, stderr)
      for (const line of [/max messages +2$/m, /max message size +32$/m, /^ +messages +1$/m, /in use +open in \d+ /m]) {
        assert.match(stdout, line)
      }
    }
    const { stdout } = await run(['stat', '--json', `sem:/${word}-sem`])
    assert.equal(JSON.parse(stdout)[0].value, 7)
    queue.close()
    semaphore.close()
  })

  test('says what it has not found, and asks for a name', async () => {
    for (const words of [['stat'], ['stat', 'no-such-thing'], ['rm'], ['rm', 'no-such-thing']]) {
      const { code, stdout, stderr } = await run(words)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^os-ipc (stat|rm): [^\n]+\n$/)
    }
  })
})

describe('os-ipc rm', options, () => {
  test('removes what nobody uses, of every kind that has a name', async () => {
    const shm = memory(`/${word}-rm`)
    const mq = `/${word}-rm-mq`
    PosixMessageQueue.open(mq, { create: true, maxMessages: 1, maxMessageSize: 8 }).close()
    const fifo = join(folder, 'rm-fifo')
    Fifo.create(fifo)
    const socket = join(folder, 'rm-socket')
    UnixListener.listen(socket).close()
    const queue = SysvMessageQueue.open('private')
    const words = [`shm:${shm}`, `${word}-rm-mq`, fifo, socket, `sysv-queue:${queue.id}`]
    const { code, stdout, stderr } = await run(['rm', '--yes', ...words])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.equal(stdout.split('\n').length - 1, words.length)
    for (const name of [shm, mq, fifo]) assert.ok(!standing(name), name)
    assert.throws(() => queue.stat(), { code: /EINVAL|EIDRM/ })
    queue.close()
  })

  test('removes a lock with a name whole: its file and its set', async () => {
    const lock = Mutex.open(word)
    lock.close()
    const file = `/os-ipc-mutex.${word}`
    const id = setOf('mutex', word)
    const sets = () => list({ kinds: ['sysv-semaphores'] }).map((set) => set.id)
    assert.ok(sets().includes(id))
    const { code, stderr } = await run(['rm', '-y', `shm:${file}`])
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.ok(!standing(file) && !sets().includes(id))
  })

  test('ends a topic for those who have it, and takes what only looks like one', async () => {
    const topic = Topic.open(`@${word}`)
    const subscription = await topic.subscribe()
    topic.close()
    const refused = await run(['rm', '-y', `shm:/os-ipc-topic.${word}`])
    assert.match(refused.stderr, new RegExp(`is open in ${process.pid} `))
    assert.equal((await run(['rm', '-yf', `shm:/os-ipc-topic.${word}`])).code, 0)
    assert.equal(await subscription.recv({ timeout: 5_000 }), null)
    subscription.close()
    const name = memory(`/os-ipc-topic.${word}`)
    assert.equal((await run(['rm', '-y', `shm:${name}`])).code, 0)
    assert.ok(!standing(name))
  })

  test('takes a name as ls prints it, whatever is in it', async () => {
    const name = memory(`/${word}-rm-\n\\x\u001b`)
    const { code, stdout } = await run(['rm', '-y', `shm:${visible(name)}`])
    assert.deepEqual([code, stdout], [0, `removed shm:${visible(name)}\n`])
    assert.ok(!standing(name))
  })

  test('lists the candidates of a bare name that several have, and removes none', async () => {
    const name = memory(`/${word}-both`)
    const queue = PosixMessageQueue.open(name, { create: true, maxMessages: 1, maxMessageSize: 8 })
    queue.close()
    undo.push(() => PosixMessageQueue.unlink(name))
    const { code, stdout, stderr } = await run(['rm', '-y', name.slice(1)])
    assert.deepEqual([code, stdout], [2, ''])
    assert.ok(stderr.includes(`mq:${name}`) && stderr.includes(`shm:${name}`), stderr)
    assert.ok(standing(name))
  })

  test('touches nothing where one of what is named is in use, unless it is forced', async () => {
    const free = memory(`/${word}-free`)
    const used = memory(`/${word}-used`)
    const handle = SharedMemory.open(used)
    const { code, stdout, stderr } = await run(['rm', '-y', `shm:${free}`, `shm:${used}`])
    assert.deepEqual([code, stdout], [1, ''])
    assert.ok(stderr.includes(`shm:${used} is open in ${process.pid} `), stderr)
    assert.ok(standing(free) && standing(used))
    const queue = SysvMessageQueue.open('private')
    queue.trySend('x')
    const again = await run(['rm', '-y', `sysv-queue:${queue.id}`])
    assert.equal(again.code, 1)
    assert.match(again.stderr, new RegExp(`last used by ${process.pid} `))
    const forced = await run(['rm', '-yf', `shm:${free}`, `shm:${used}`, String(queue.id)])
    assert.equal(forced.code, 0, forced.stderr)
    assert.ok(!standing(free) && !standing(used))
    handle.close()
    queue.close()
  })

  test("refuses what is another user's", {
    skip: process.geteuid?.() !== 0 && 'only root can make something of somebody else’s',
  }, async () => {
    const file = `/dev/shm/${word}-his`
    writeFileSync(file, '')
    undo.push(() => unlinkSync(file))
    execFileSync('chown', ['65534', file])
    const { code, stderr } = await run(['rm', '-y', `shm:/${word}-his`])
    assert.equal(code, 1)
    assert.match(stderr, /is (nobody|65534)'s$/m)
    assert.equal((await run(['rm', '-y', '--force', `shm:/${word}-his`])).code, 0)
  })

  test('says that a socket without a file cannot be removed, and that without a terminal it cannot ask', async () => {
    const abstract = UnixListener.listen(`@${word}`)
    const one = await run(['rm', '-y', `@${word}`])
    assert.equal(one.code, 2)
    assert.match(one.stderr, /no file/)
    abstract.close()
    const name = memory(`/${word}-ask`)
    const other = await run(['rm', `shm:${name}`])
    assert.equal(other.code, 2)
    assert.match(other.stderr, /--yes/)
    assert.ok(standing(name))
  })
})

describe('os-ipc limits and doctor', options, () => {
  test('show each limit with the command that raises it', async () => {
    const { code, stdout } = await run(['limits'])
    assert.equal(code, 0)
    assert.match(stdout, /^fs\.mqueue\.msg_max +\d+ .* sysctl -w fs\.mqueue\.msg_max=N$/m)
    assert.match(stdout, /^RLIMIT_MSGQUEUE .* prlimit --pid \$\$ --msgqueue=N:N$/m)
    const json = JSON.parse((await run(['limits', '--json'])).stdout)
    assert.ok(json.every((/** @type {any} */ { name, raise, about }) => name && raise && about))
    const narrow = await run(['limits'], { env: { COLUMNS: '40' } })
    for (const line of narrow.stdout.split('\n')) assert.ok(line.length <= 40, line)
  })

  test('try everything and leave nothing behind', async () => {
    const objects = () =>
      list()
        .filter(({ kind, holders = [] }) => kind !== 'socket' && holders.length === 0)
        .map(({ kind, name, id }) => `${kind} ${name} ${id}`)
    const before = new Set(objects())
    const { code, stdout } = await run(['doctor', '--json'])
    const { works, findings } = JSON.parse(stdout)
    assert.deepEqual([code, works], [0, true])
    assert.ok(findings.length > 20)
    for (const { name, works: fine, error, needs: what } of findings) if (!fine) assert.ok(name && error && what)
    const left = objects().filter((object) => !before.has(object) && object.includes('os-ipc-'))
    assert.deepEqual(
      left.filter((object) => !object.includes('os-ipc-spec')),
      [],
    )
  })

  test('say what is missing, and exit with 1 where the package cannot work', async () => {
    const { code, stdout } = await run(['doctor'], { env: { OS_IPC_NATIVE: '/no/such/addon.node', COLUMNS: '40' } })
    assert.equal(code, 1)
    assert.match(stdout, /^no {3}The addon$/m)
    assert.match(stdout, /cannot work here/)
    for (const line of stdout.split('\n')) assert.ok(line.length <= 72, line)
    assert.ok(stdout.split('\n')[0].length <= 40, 'what stands at the head, too')
  })
})

describe('tables', () => {
  /** @param {number} columns */
  const screen = (columns) => terminal(/** @type {any} */ ({ columns, write() {} }), {})

  test('measure what takes two columns, and nothing', () => {
    assert.deepEqual(['abc', '日本', 'e\u0301', '', '☕', '🚀', '©'].map(widthOf), [3, 4, 1, 0, 2, 2, 1])
    const rows = [
      ['日本', 'x'],
      ['e\u0301', 'y'],
      ['☕', 'z'],
    ]
    const lines = table([{ title: 'A' }, { title: 'B' }], rows, screen(80))
      .trimEnd()
      .split('\n')
    assert.deepEqual(new Set(lines.map((line) => widthOf(line))), new Set([7]))
  })

  test('cut the last columns, never the key, and become records where that is not enough', () => {
    const columns = [{ title: 'A', key: true }, { title: 'LONGER' }]
    const rows = [['key of the row', 'something that is quite long']]
    assert.equal(table(columns, rows, screen(60)).split('\n')[1], 'key of the row  something that is quite long')
    assert.equal(table(columns, rows, screen(28)).split('\n')[1], 'key of the row  something t…')
    for (const width of [10, 15, 20]) {
      const lines = table(columns, rows, screen(width)).split('\n')
      assert.ok(
        lines.every((line) => widthOf(line) <= width),
        lines.join('\n'),
      )
    }
  })

  test('have colours on a terminal alone, and none where NO_COLOR says so', () => {
    /** @param {boolean} isTTY @param {NodeJS.ProcessEnv} env */
    const head = (isTTY, env) =>
      table([{ title: 'A' }], [['x']], terminal(/** @type {any} */ ({ isTTY, columns: 80, write() {} }), env)).split(
        '\n',
      )[0]
    assert.equal(head(true, { TERM: 'xterm' }), '\x1b[1mA\x1b[22m')
    for (const env of [{ TERM: 'xterm', NO_COLOR: '1' }, { TERM: 'dumb' }]) assert.equal(head(true, env), 'A')
    assert.equal(head(false, { TERM: 'xterm', FORCE_COLOR: '1' }), 'A')
  })

  test('show what others have chosen as plain text', () => {
    assert.equal(
      visible('a\tb\u0000\u007f\u0085\u200f\ud800 \\n é日'),
      'a\\tb\\x00\\x7f\\x85\\u{200f}\\u{d800} \\\\n é日',
    )
  })
})
