/** Children with handles: what they are given, what Node's own options still do, and what stays where it was. */
import assert from 'node:assert/strict'
import * as childProcess from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import {
  Channel,
  inherited,
  Mutex,
  PosixSemaphore,
  pipe,
  SharedMemory,
  SysvMessageQueue,
  spawn,
  UnixSocket,
} from '../index.js'
import { fixture } from './support/child.js'
import { needs, python } from './support/extras.js'
import { inside } from './support/inside.js'
import { childrenOf, link } from './support/state.js'

const { taken } = inside['spawn/environment.js']

const limit = { timeout: 30_000 }
const report = fixture('inherit-report.js')
const guarded = { timeout: 20_000, killSignal: /** @type {const} */ ('SIGKILL') }

/** What a child says until it ends well. @param {import('node:child_process').ChildProcess} child */
async function said(child) {
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
  ])
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  return stdout
}

/** Starts the script that tells what it was given. @param {string[]} names @param {Record<string, any>} [options] */
async function reported(names, options) {
  return JSON.parse(await said(spawn(process.execPath, [report, ...names], { ...guarded, ...options })))
}

/** A pipe whose reader is given away, and a word on its way. @param {string} [word] */
function spoken(word = 'from here') {
  const { reader, writer } = pipe()
  writer.sendSync(word)
  writer.close()
  return reader
}

let folder = ''
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'os-ipc-spec-')))
})
after(() => rmSync(folder, { recursive: true }))

describe('a child of Node', limit, () => {
  test('has each handle by its name, the same object each time, and nothing of it in its environment', async () => {
    const [, far] = Channel.pair()
    const memory = SharedMemory.create(64)
    const { handles, variables } = await reported(['channel', 'memory', 'other'], { handles: { channel: far, memory } })
    assert.deepEqual(handles, { channel: 'Channel', memory: 'SharedMemory', other: 'ERR_IPC_NO_SUCH_HANDLE' })
    assert.deepEqual(variables, [])
    assert.deepEqual([far.closed, memory.closed], [true, false])
    memory.close()
  })

  test('is told the names that were given when it asks for another one', async () => {
    const reader = spoken()
    const source = `import { inherited } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)}
      try { inherited('typo') } catch ({ message }) { process.stdout.write(message) }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      ...guarded,
      handles: { log: reader },
    })
    assert.equal(await said(child), 'This process was given no handle named "typo". It was given these: "log"')
    assert.throws(() => inherited('typo'), { code: 'ERR_IPC_NO_SUCH_HANDLE', message: /no handles at all$/ })
    assert.throws(() => inherited(/** @type {any} */ (3)), { code: 'ERR_INVALID_ARG_TYPE' })
  })

  test('may be given many, whatever their names are', async () => {
    const odd = ['', ' ', '__proto__', 'a=b', 'a"b\\', 'line\nline', 'snow ☃ 𝒳', 'nul\0', 'constructor']
    const memory = SharedMemory.create(64)
    /** @type {Record<string, any>} */
    const handles = Object.fromEntries(odd.map((name) => [name, memory]))
    // More than one variable of the environment holds.
    for (let i = 0; i < 900; i++) handles[`a name that is as long as names seldom are, number ${i}`] = memory
    const asked = odd.filter((name) => !name.includes('\0'))
    const told = await reported([...asked, 'a name that is as long as names seldom are, number 899'], { handles })
    assert.deepEqual(Object.values(told.handles), new Array(asked.length + 1).fill('SharedMemory'))
    assert.deepEqual(told.variables, [])
    memory.close()
  })

  test('asks in its main thread: a worker is told so, and takes nothing from it', async () => {
    const child = spawn(process.execPath, [fixture('inherit-in-worker.js')], { ...guarded, handles: { it: spoken() } })
    const refusal = 'ERR_INVALID_STATE Handles are inherited by the main thread of a process, and this is a worker'
    assert.deepEqual(JSON.parse(await said(child)), [refusal, refusal, 'PipeReader'])
  })

  test('gives its own children neither the descriptors nor the variables, asked for or not', async () => {
    const check = async (/** @type {string} */ how) => {
      const reader = spoken()
      const given = link('self', reader.fd)
      const words = [fixture('inherit-and-start.js'), how]
      const child = spawn(process.execPath, words, { ...guarded, handles: { it: reader } })
      const told = JSON.parse(await said(child))
      assert.deepEqual(told.handles, { it: 'ERR_IPC_NO_SUCH_HANDLE' }, how)
      assert.deepEqual(told.variables, [], how)
      assert.ok(!Object.values(told.descriptors).includes(given), how)
    }
    await Promise.all(['loads', 'loads not'].map(check))
  })

  test('whose variables make no sense was given nothing', async () => {
    const foreign = '{"it":{"kind":"pipe-reader","fds":[3],"files":["0:0"],"meta":{}}}'
    const env = { ...process.env, OS_IPC_HANDLES: foreign, OS_IPC_FD_it: '3' }
    const { handles, variables } = await reported(['it'], { env })
    assert.deepEqual({ handles, variables }, { handles: { it: 'ERR_IPC_NO_SUCH_HANDLE' }, variables: [] })
    const each = { kind: 'pipe-reader', fds: [3], files: ['0:0'], meta: {} }
    const bad = [{ fds: [0] }, { fds: [4e9] }, { fds: ['3'] }, { fds: [] }, { files: [] }, { kind: 3 }, { meta: 1 }]
    const texts = ['', '{', 'null', '[]', '7', '{"it":null}', '{"it":[]}', '{"it":{}}']
    texts.push(...bad.map((fields) => JSON.stringify({ it: { ...each, ...fields } })))
    for (const text of texts) {
      const environment = { OS_IPC_HANDLES: text, OS_IPC_HANDLES_2: undefined, OTHER: 'x' }
      assert.equal(taken(environment).size, 0, text)
      assert.equal(environment.OS_IPC_HANDLES, undefined)
    }
  })
})

describe('a program in another language', limit, () => {
  let program = ''
  before(() => {
    program = join(folder, 'inherit')
    execFileSync('cc', ['-O1', '-o', program, new URL('./interop/inherit.c', import.meta.url).pathname])
  })

  test('in C finds descriptors and ids in variables of their names, behind whatever stdio holds', async () => {
    const memory = SharedMemory.create(4096)
    memory.write('memory from Node')
    const queue = SysvMessageQueue.open('private')
    try {
      queue.sendSync('queue from Node')
      const handles = { log: spoken('pipe from Node'), memory, queue, 'not an identifier': memory }
      const words = ['log', 'memory', 'queue', 'not an identifier', 'other']
      const child = spawn(program, words, { ...guarded, stdio: ['ignore', 'pipe', 'pipe', 'ignore', 0], handles })
      const lines = ['log: pipe from Node', 'memory: memory from Node', 'queue: queue from Node']
      assert.equal(await said(child), [...lines, 'not an identifier: nothing', 'other: nothing', ''].join('\n'))
      assert.equal(String(memory.read(0, 6)), 'Cemory')
    } finally {
      queue.remove()
      queue.close()
      memory.close()
    }
  })

  test('in Python finds all there is to know in one variable', needs('python'), async () => {
    const memory = SharedMemory.create(4096)
    memory.write('bytes')
    const [near, far] = UnixSocket.pair('seqpacket')
    near.sendSync('from Node')
    const mutex = Mutex.open(`spec-${process.pid}-spawn`)
    try {
      const [, channel] = Channel.pair()
      const script = new URL('./interop/inherit.py', import.meta.url).pathname
      const names = ['memory', 'socket ☃', 'mutex', 'channel', 'other']
      const handles = { memory, 'socket ☃': far, mutex, channel }
      const lines = (await said(spawn(python, [script, ...names], { ...guarded, handles }))).split('\n')
      assert.deepEqual(lines.slice(0, 2), ['memory: bytes', 'socket ☃: from Node'])
      assert.match(lines[2], new RegExp(`^mutex: mutex 0 .*'spec-${process.pid}-spawn'`))
      assert.match(lines[3], /^channel: channel 4 /)
      assert.equal(lines[4], 'other: nothing, of 4')
      assert.equal(String(memory.read(0, 5)), 'Pytes')
      assert.equal(String((await near.recv())?.data), 'from Python')
    } finally {
      Mutex.unlink(`spec-${process.pid}-spawn`)
      for (const handle of [mutex, memory, near, far]) handle.close()
    }
  })

  test('may be a shell, and what that starts', async () => {
    const options = { ...guarded, shell: true, handles: { log: spoken('through a shell\n') } }
    assert.equal(await said(spawn('cat <&$OS_IPC_FD_log', options)), 'through a shell\n')
    const script = `exec 9<&1; "${process.execPath}" "${report}" log`
    const told = JSON.parse(await said(spawn(script, { ...guarded, shell: '/bin/sh', handles: { log: spoken() } })))
    assert.deepEqual(told.handles, { log: 'PipeReader' })
  })

  test('has 0, 1, 2 and what it was given open, whatever this process has', async () => {
    const hoard = Array.from({ length: 60 }, () => [pipe(), Channel.pair(), UnixSocket.pair()])
    const memory = SharedMemory.create(64)
    try {
      /** @param {import('node:child_process').ChildProcess} child */
      const open = async (child) => (await said(child)).trim().split('\n').map(Number)
      const words = ['/proc/self/fd']
      // The last one is the folder that it reads; what this process itself has inherited so goes on as ever.
      const bare = await open(childProcess.spawn('ls', words, { stdio: ['ignore', 'pipe', 'ignore'] }))
      assert.deepEqual(bare.slice(0, 3), [0, 1, 2])
      assert.deepEqual(await open(spawn('ls', words, { ...guarded, stdio: ['ignore', 'pipe', 'ignore'] })), bare)
      const child = spawn('ls', words, { ...guarded, handles: { log: spoken(), memory } })
      assert.deepEqual(new Set(await open(child)), new Set([...bare, 4, 5]))
    } finally {
      memory.close()
      for (const [{ reader, writer }, channels, sockets] of /** @type {any[]} */ (hoard)) {
        for (const handle of [reader, writer, ...channels, ...sockets]) handle.close()
      }
    }
  })
})

describe("Node's own options", limit, () => {
  test('of stdio come first, in whatever form, and are left as they were', async () => {
    const log = openSync(join(folder, 'log'), 'w+')
    const forms = [
      undefined,
      null,
      'pipe',
      'overlapped',
      ['pipe', 'pipe'],
      ['ignore', 'pipe', 'pipe'],
      [undefined, null, 'pipe', 'ignore', 'ignore'],
      ['pipe', 'pipe', 'pipe', log, 'pipe'],
      ['pipe', 'pipe', 'pipe', 'ipc'],
      Object.freeze(['pipe', 'pipe', 'inherit']),
    ]
    for (const stdio of forms) {
      const shown = JSON.stringify(stdio)
      const options = { ...guarded, stdio: /** @type {any} */ (stdio), handles: { it: spoken(shown ?? 'none') } }
      const child = spawn('sh', ['-c', 'cat <&$OS_IPC_FD_it'], options)
      child.on('message', () => {})
      assert.equal(await said(child), shown ?? 'none')
      assert.equal(JSON.stringify(stdio), shown)
    }
    for (const stdio of ['ignore', 'inherit', ['ignore', log, 'ignore']]) {
      const { reader, writer } = pipe()
      const child = spawn('sh', ['-c', 'printf x >&3'], {
        ...guarded,
        stdio: /** @type {any} */ (stdio),
        handles: { writer },
      })
      const ended = said(child)
      assert.equal(String(await reader.recv()), 'x')
      assert.equal(await ended, '')
      reader.close()
    }
  })

  test("of stdio with Node's own channel works beside ours", async () => {
    const child = spawn(process.execPath, [report, 'it'], {
      ...guarded,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      handles: { it: spoken() },
    })
    const heard = once(child, 'message')
    assert.deepEqual(JSON.parse(await said(child)).handles, { it: 'PipeReader' })
    assert.equal((await heard)[0], 'and so it does by its own channel')
  })

  test('of environment and folder are what the child gets, and are left as they were', async () => {
    const env = Object.assign(Object.create({ INHERITED: 'too' }), {
      PATH: process.env.PATH,
      OWN: 'yes',
      NOT: undefined,
    })
    const before = { ...env }
    const it = spoken()
    const out = await said(
      spawn('sh', ['-c', 'echo $OWN $INHERITED $NOT $OS_IPC_FD_it; pwd'], {
        ...guarded,
        env,
        cwd: folder,
        handles: { it },
      }),
    )
    assert.equal(out, `yes too 3\n${folder}\n`)
    assert.deepEqual({ ...env }, before)
    assert.ok(Object.keys(process.env).every((name) => !name.startsWith('OS_IPC_FD')))
  })

  test('that end a child end it: timeout, signal, kill', async () => {
    const abort = new AbortController()
    const forms = [{ timeout: 50 }, { signal: abort.signal, killSignal: 'SIGKILL' }]
    const children = forms.map((options) =>
      spawn('sleep', ['60'], { .../** @type {any} */ (options), stdio: 'ignore', handles: { it: spoken() } }),
    )
    children[1].on('error', ({ name }) => assert.equal(name, 'AbortError'))
    abort.abort()
    const ends = await Promise.all(children.map((child) => once(child, 'exit')))
    assert.deepEqual(ends, [
      [null, 'SIGTERM'],
      [null, 'SIGKILL'],
    ])
  })

  test('without handles are all there is: it is the call of Node', async () => {
    const bare = [spawn('env'), spawn('env', []), spawn('env', {}), spawn('env', [], { handles: {} })]
    const outs = await Promise.all(bare.map(said))
    for (const out of outs) assert.doesNotMatch(out, /OS_IPC_(HANDLES|FD|ID)/)
    for (const words of [
      [],
      [3],
      [''],
      ['x', 3],
      ['x', [], 3],
      ['x', [], null],
      ['x', {}, 3],
      ['a\0b'],
      ['x', ['\0']],
    ]) {
      /** @param {any} start @returns {unknown} */
      const refusal = (start) => {
        try {
          const child = start(...words)
          child.on('error', () => {})
          return undefined
        } catch (error) {
          return /** @type {any} */ (error).code
        }
      }
      assert.equal(refusal(spawn), refusal(childProcess.spawn), JSON.stringify(words))
    }
  })
})

describe('where nothing is started', limit, () => {
  /** What is given in each case, and whether all of it is as it was. */
  function given() {
    const [near, far] = Channel.pair()
    const { reader, writer } = pipe()
    const memory = SharedMemory.create(64)
    const handles = { far, reader, memory }
    const files = () => [reader.fd, memory.fd].map((fd) => link('self', fd))
    const before = files()
    return {
      handles,
      async unharmed() {
        assert.deepEqual(files(), before)
        assert.deepEqual([far.closed, reader.closed, memory.closed], [false, false, false])
        near.sendSync('still')
        await writer.send('here')
        assert.deepEqual([String(await far.recv()), String(await reader.recv())], ['still', 'here'])
        far.close()
        assert.equal(await near.recv(), null)
        for (const handle of [near, reader, writer, memory]) handle.close()
      },
    }
  }

  test('everything stays as it was, and the error of Node comes as ever', async () => {
    const script = join(folder, 'script')
    writeFileSync(script, '#!/nowhere/at-all\n', { mode: 0o755 })
    const plain = join(folder, 'plain')
    writeFileSync(plain, '', { mode: 0o644 })
    /** @type {Array<[string, string, string[], any]>} */
    const events = [
      ['ENOENT', '/nowhere/at-all', [], {}],
      ['ENOENT', 'true', [], { cwd: '/nowhere/at-all' }],
      ['ENOENT', script, [], {}],
      ['EACCES', plain, [], {}],
    ]
    for (const [code, command, words, options] of events) {
      const { handles, unharmed } = given()
      const child = spawn(command, words, { stdio: 'ignore', ...options, handles })
      assert.equal(child.pid, undefined)
      const [error] = await once(child, 'error')
      assert.equal(error.code, code)
      await unharmed()
    }
    /** @type {Array<[string, any, any]>} */
    const thrown = [
      ['E2BIG', ['x'.repeat(1 << 18)], {}],
      ['ERR_INVALID_ARG_VALUE', [], { stdio: 'nonsense' }],
      ['ERR_INVALID_ARG_VALUE', [], { stdio: 7 }],
      ['ERR_INVALID_ARG_TYPE', [], { cwd: 7 }],
      ['ERR_INVALID_ARG_TYPE', [], { uid: 'root' }],
      ['ERR_INVALID_ARG_TYPE', [], { signal: 7 }],
      ['ERR_OUT_OF_RANGE', [], { timeout: -1 }],
      ['ERR_INVALID_ARG_TYPE', 7, {}],
    ]
    for (const [code, words, options] of thrown) {
      const { handles, unharmed } = given()
      assert.throws(() => spawn('true', words, { ...options, handles }), { code }, JSON.stringify(options))
      await unharmed()
    }
    assert.deepEqual(childrenOf(process.pid), [])
  })

  test('for want of descriptors or processes, likewise', needs('prlimit'), async () => {
    const words = ['--nofile=256', process.execPath, fixture('spawn-beyond-limits.js')]
    assert.equal(
      await said(childProcess.spawn('prlimit', [...words, 'descriptors'], guarded)),
      'EMFILE true still here',
    )
    if (process.getuid?.() !== 0) return
    words[0] = '--nproc=1'
    assert.equal(await said(childProcess.spawn('prlimit', [...words, 'processes'], guarded)), 'EAGAIN true still here')
  })

  test('since a handle cannot go, none of the others has gone', async () => {
    const memory = SharedMemory.create(PosixSemaphore.byteLength)
    const semaphore = PosixSemaphore.inMemory(memory, 0, { initialize: 1 })
    const [, closed] = Channel.pair()
    closed.close()
    const [busy, other] = Channel.pair()
    const waiting = busy.recv()
    const { reader, writer } = pipe()
    const lent = writer.writable()
    /** @type {Array<[string, unknown]>} */
    const bad = [
      ['ERR_IPC_NOT_SUPPORTED', semaphore],
      ['ERR_IPC_CLOSED', closed],
      ['ERR_INVALID_STATE', busy],
      ['ERR_INVALID_STATE', writer],
      ...[undefined, null, 3, 'reader', {}, [], process.stdout].map(
        (value) => /** @type {[string, unknown]} */ (['ERR_INVALID_ARG_TYPE', value]),
      ),
    ]
    for (const [code, it] of bad) {
      const { handles, unharmed } = given()
      assert.throws(() => spawn('true', { handles: /** @type {any} */ ({ ...handles, it }) }), { code }, code)
      await unharmed()
    }
    const { handles, unharmed } = given()
    for (const name of /** @type {const} */ (['far', 'reader'])) {
      assert.throws(() => spawn('true', { handles: { ...handles, again: handles[name] } }), {
        code: 'ERR_INVALID_ARG_VALUE',
        message: /options\.handles\.again.*twice/,
      })
    }
    await unharmed()
    for (const value of [null, 3, 'x', [], () => {}]) {
      assert.throws(() => spawn('true', { handles: /** @type {any} */ (value) }), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    assert.deepEqual(childrenOf(process.pid), [])
    lent.destroy()
    busy.close()
    await assert.rejects(waiting, { code: 'ERR_IPC_CLOSED' })
    for (const handle of [reader, semaphore, memory, other]) handle.close()
  })
})

describe('a channel that is given to a child', limit, () => {
  test('both of whose ends go, to one child or to two, connects them', async () => {
    const url = JSON.stringify(new URL('../index.js', import.meta.url).href)
    const talk = `import { inherited } from ${url}
      const ends = ['a', 'b'].flatMap((name) => { try { return [inherited(name)] } catch { return [] } })
      await ends[0].send(String(ends.length))
      if (ends.length === 2) process.stdout.write('heard ' + await ends[1].recv())
      else process.stdout.write('heard ' + await ends[0].recv())
      for (const end of ends) await end.end()`
    const words = ['--input-type=module', '-e', talk]
    const [a, b] = Channel.pair()
    assert.equal(await said(spawn(process.execPath, words, { ...guarded, handles: { a, b } })), 'heard 2')
    const [c, d] = Channel.pair()
    const children = [spawn(process.execPath, words, { ...guarded, handles: { a: c } })]
    children.push(spawn(process.execPath, words, { ...guarded, handles: { b: d } }))
    assert.deepEqual(await Promise.all(children.map(said)), ['heard 1', 'heard 1'])
  })

  test('tells of its death, and of its end, also before it has asked for it', async () => {
    const [near, far] = Channel.pair()
    const child = spawn('sleep', ['60'], { ...guarded, stdio: 'ignore', handles: { far } })
    const receiving = near.recv()
    child.kill('SIGKILL')
    await assert.rejects(receiving, { code: 'ERR_IPC_PEER_DIED' })
    near.close()
  })
})
