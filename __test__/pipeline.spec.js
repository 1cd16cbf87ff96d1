/** pipeline(): what a shell promises of `a | b | c`, without the shell. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { pipe, pipeline } from '../index.js'
import { fixture, output, run } from './support/child.js'
import { childrenOf, descriptors, flags, isAlive, link, links, until } from './support/state.js'

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const limit = { timeout: 20_000 }

/** @type {string} */
let folder
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
})
after(() => rmSync(folder, { recursive: true }))

/** @param {AsyncIterable<Buffer> | null} source */
async function text(source) {
  assert.ok(source)
  let got = ''
  for await (const data of source) got += data
  return got
}

/** The statuses as a shell would put them into PIPESTATUS. @param {ReturnType<typeof pipeline>} line */
async function statuses(line) {
  return (await line.status({ timeout: 15_000 })).map(({ code, signal }) => code ?? signal)
}

/** @param {string} script */
const sh = (script) => ['/bin/sh', '-c', script]

describe('a pipeline', () => {
  test('gives what the same line gives in a shell', limit, async () => {
    const line = pipeline(
      [
        ['ls', '-l', '/usr'],
        ['sort', '-r'],
        ['head', '-n', '3'],
      ],
      {
        env: { ...process.env, LC_ALL: 'C' },
      },
    )
    const shell = spawnSync('/bin/sh', ['-c', 'ls -l /usr | sort -r | head -n 3'], {
      env: { ...process.env, LC_ALL: 'C' },
      encoding: 'utf8',
    })
    line.stdin?.close()
    assert.equal(await text(line.stdout), shell.stdout)
    assert.equal((await statuses(line)).length, 3)
    line.stdout?.close()
  })

  test('takes what is written to its stdin and gives what comes out of its stdout', limit, async () => {
    const line = pipeline([['cat'], ['tr', 'a-z', 'A-Z']])
    assert.equal(line.processes.length, 2)
    assert.ok(line.processes.every(({ pid }) => typeof pid === 'number'))
    const got = text(line.stdout)
    await line.stdin?.send('hello')
    line.stdin?.close()
    assert.equal(await got, 'HELLO')
    assert.deepEqual(await line.status(), [
      { code: 0, signal: null },
      { code: 0, signal: null },
    ])
  })

  test('of one command is that command', limit, async () => {
    const line = pipeline([['echo', 'a  b', '*']], { stdin: 'ignore' })
    assert.equal(line.stdin, null)
    assert.equal(await text(line.stdout), 'a  b *\n')
    assert.deepEqual(await statuses(line), [0])
  })

  test('moves much more than pipes hold', limit, async () => {
    const line = pipeline([['head', '-c', '50000000', '/dev/zero'], ['cat'], ['cat'], ['wc', '-c']], {
      stdin: 'ignore',
    })
    assert.equal((await text(line.stdout)).trim(), '50000000')
    assert.deepEqual(await statuses(line), [0, 0, 0, 0])
  })

  test('gives the status of each command, as PIPESTATUS', limit, async () => {
    const line = pipeline([sh('exit 3'), sh('cat; exit 0'), sh('kill -TERM $$'), sh('exit 7')], { stdin: 'ignore' })
    await text(line.stdout)
    assert.deepEqual(await statuses(line), [3, 0, 'SIGTERM', 7])
    assert.deepEqual(await statuses(line), [3, 0, 'SIGTERM', 7])
  })

  test('a command whose reader ends early dies of SIGPIPE, as in a shell', limit, async () => {
    const line = pipeline([['yes'], ['head', '-n', '2']], { stdin: 'ignore' })
    assert.equal(await text(line.stdout), 'y\ny\n')
    assert.deepEqual(await statuses(line), ['SIGPIPE', 0])
  })

  test('a command whose writer ends early sees the end', limit, async () => {
    const line = pipeline([['true'], ['wc', '-c']], { stdin: 'ignore' })
    assert.equal((await text(line.stdout)).trim(), '0')
    assert.deepEqual(await statuses(line), [0, 0])
  })

  test('ends when the stdout that it gave is closed', limit, async () => {
    const line = pipeline([['yes'], ['cat']], { stdin: 'ignore' })
    await line.stdout?.recv()
    line.stdout?.close()
    assert.deepEqual(await statuses(line), ['SIGPIPE', 'SIGPIPE'])
  })
})

describe('the descriptors of its children', () => {
  test('are 0, 1 and 2 alone, ordinary blocking pipes; this process keeps only what it was given', limit, async () => {
    const before = links('self')
    const line = pipeline([['cat'], ['cat'], ['cat']])
    const ours = [line.stdin, line.stdout].map((end) => end && link('self', end.fd))
    const chains = []
    for (const child of line.processes) {
      const pid = Number(child.pid)
      // Whoever has started this process may have left it some that every child inherits.
      const foreign = [...before.keys()].filter((fd) => fd > 2 && (flags('self', fd) & O_CLOEXEC) === 0)
      const wanted = [0, 1, 2, ...foreign].sort().join()
      // While it starts it has files open that it is made of.
      await until(() => [...links(pid).keys()].sort().join() === wanted, `${wanted} are all that it has open`)
      const open = links(pid)
      for (const fd of [0, 1]) {
        assert.match(String(open.get(fd)), /^pipe:/)
        assert.equal(flags(pid, fd) & O_NONBLOCK, 0)
      }
      chains.push([open.get(0), open.get(1)])
    }
    assert.equal(chains[0][0], ours[0])
    assert.equal(chains[0][1], chains[1][0])
    assert.equal(chains[1][1], chains[2][0])
    assert.equal(chains[2][1], ours[1])
    const here = [...links('self').values()]
    assert.equal(here.filter((target) => target === chains[0][1] || target === chains[1][1]).length, 0)
    line.stdin?.close()
    assert.equal(await text(line.stdout), '')
    line.stdout?.close()
    await statuses(line)
    await until(() => links('self').size <= before.size, 'nothing is left open')
  })

  test('of many pipelines at once hold none of each other’s up', limit, async () => {
    const lines = Array.from({ length: 8 }, () => pipeline([['cat'], ['cat']]))
    // In this order each end would come only after the next one's, if anybody held another's write end.
    for (const line of lines) {
      const got = text(line.stdout)
      await line.stdin?.send('x')
      line.stdin?.close()
      assert.equal(await got, 'x')
      assert.deepEqual(await statuses(line), [0, 0])
    }
  })

  test('no child holds a pipe of this process', limit, async () => {
    const { reader, writer } = pipe()
    const line = pipeline([['cat']], { stdout: 'ignore' })
    const open = [...links(Number(line.processes[0].pid)).values()]
    assert.ok(!open.includes(String(link('self', reader.fd))))
    line.stdin?.close()
    await statuses(line)
    reader.close()
    writer.close()
  })
})

describe('stdin, stdout and stderr', () => {
  test('may be ignored', limit, async () => {
    const line = pipeline([sh('readlink /proc/self/fd/0; readlink /proc/self/fd/2 >&2')], {
      stdin: 'ignore',
      stderr: 'ignore',
    })
    assert.equal(await text(line.stdout), '/dev/null\n')
    const quiet = pipeline([sh('echo nobody hears this')], { stdin: 'ignore', stdout: 'ignore' })
    assert.deepEqual([quiet.stdin, quiet.stdout], [null, null])
    assert.deepEqual(await statuses(quiet), [0])
  })

  test('may be inherited', limit, async () => {
    const { stdout, stderr, code } = await run(fixture('inheriting-pipeline.js'), [], { stdin: 'ignore' })
    assert.deepEqual({ stdout, stderr, code }, { stdout: 'out\n', stderr: 'err\n', code: 0 })
  })

  test('may be descriptors of the caller’s, which stay open', limit, async () => {
    const [input, result, errors] = ['input', 'result', 'errors'].map((name) => join(folder, name))
    writeFileSync(input, 'b\na\n')
    const fds = [openSync(input, 'r'), openSync(result, 'w'), openSync(errors, 'w')]
    const line = pipeline([['sort'], sh('cat; echo oops >&2')], { stdin: fds[0], stdout: fds[1], stderr: fds[2] })
    assert.deepEqual([line.stdin, line.stdout], [null, null])
    assert.deepEqual(await statuses(line), [0, 0])
    assert.equal(readFileSync(result, 'utf8'), 'a\nb\n')
    assert.equal(readFileSync(errors, 'utf8'), 'oops\n')
    for (const fd of fds) {
      fstatSync(fd)
      closeSync(fd)
    }
  })

  test('may be ends of pipes, which move: they are closed here', limit, async () => {
    const [input, result, errors] = [pipe(), pipe(), pipe()]
    const line = pipeline([sh('cat; echo oops >&2'), ['cat']], {
      stdin: input.reader,
      stdout: result.writer,
      stderr: errors.writer,
    })
    for (const handle of [input.reader, result.writer, errors.writer]) assert.equal(handle.closed, true)
    await input.writer.send('data')
    input.writer.close()
    assert.equal(await text(result.reader), 'data')
    assert.equal(await text(errors.reader), 'oops\n')
    assert.deepEqual(await statuses(line), [0, 0])
    for (const handle of [result.reader, errors.reader]) handle.close()
  })

  test('one pipe may be both stdout and stderr', limit, async () => {
    const both = pipe()
    const line = pipeline([sh('echo out; echo err >&2')], { stdin: 'ignore', stdout: both.writer, stderr: both.writer })
    assert.equal(await text(both.reader), 'out\nerr\n')
    assert.deepEqual(await statuses(line), [0])
    both.reader.close()
  })

  test('two pipelines can be joined', limit, async () => {
    const first = pipeline([['echo', 'joined']], { stdin: 'ignore' })
    const second = pipeline([['cat'], ['tr', 'a-z', 'A-Z']], { stdin: first.stdout ?? undefined })
    assert.equal(first.stdout?.closed, true)
    assert.equal(await text(second.stdout), 'JOINED\n')
    assert.deepEqual([await statuses(first), await statuses(second)], [[0], [0, 0]])
  })
})

describe('a command that cannot be started', () => {
  /** @param {string[][]} commands @param {any} [options] */
  function refused(commands, options) {
    const open = descriptors()
    const children = childrenOf(process.pid)
    /** @type {any} */
    let error
    assert.throws(
      () => pipeline(commands, options),
      (thrown) => {
        error = thrown
        return true
      },
    )
    assert.equal(descriptors(), open, 'no descriptor is left open')
    return { error, left: childrenOf(process.pid).filter((pid) => !children.includes(pid)) }
  }

  const missing = ['no-such-command-anywhere']

  test('because there is none is ENOENT with its index, and nothing is started', () => {
    for (const [index, commands] of [
      [missing, ['cat']],
      [['cat'], missing],
      [['cat'], ['cat'], ['/no/such/file', 'x']],
    ].entries()) {
      const { error, left } = refused(commands)
      const [name] = commands[index]
      assert.deepEqual(
        [error.code, error.errno, error.index, error.path, error.syscall],
        ['ENOENT', -2, index, name, `spawn ${name}`],
      )
      assert.deepEqual(left, [])
    }
  })

  test('because it is no program is EACCES with its index', () => {
    const file = join(folder, 'not-executable')
    writeFileSync(file, 'x', { mode: 0o644 })
    for (const command of [file, folder]) {
      const { error, left } = refused([['cat'], [command]])
      assert.deepEqual([error.code, error.errno, error.index], ['EACCES', -13, 1])
      assert.deepEqual(left, [])
    }
  })

  test('because its interpreter is missing is ENOENT, and those before it are gone', limit, async () => {
    const script = join(folder, 'bad-interpreter')
    writeFileSync(script, '#!/no/such/interpreter\n')
    chmodSync(script, 0o755)
    const { error, left } = refused([['sleep', '60'], ['sleep', '60'], [script]])
    assert.deepEqual([error.code, error.index], ['ENOENT', 2])
    await until(() => !left.some(isAlive), 'the others are gone')
  })

  test('because its folder is missing is ENOENT, with a hint that it is the folder', limit, async () => {
    const { error, left } = refused([['sleep', '60']], { cwd: join(folder, 'missing') })
    assert.deepEqual([error.code, error.index], ['ENOENT', 0])
    assert.match(/** @type {any} */ (error).hint, /cwd does not exist: .*missing$/)
    assert.deepEqual(left, [])
  })

  test('for stdio, which would say the same thing twice, is a wrong argument', () => {
    const { error, left } = refused([['true']], /** @type {any} */ ({ stdio: 'inherit' }))
    assert.deepEqual([error.name, error.code], ['TypeError', 'ERR_INVALID_ARG_VALUE'])
    assert.deepEqual(left, [])
  })

  test('leaves the caller’s ends as they were', async () => {
    const { reader, writer } = pipe()
    const { error } = refused([['cat'], missing], { stdin: reader, stdout: writer, stderr: writer })
    assert.equal(error.code, 'ENOENT')
    await writer.send('still mine')
    assert.equal(String(await reader.recv()), 'still mine')
    reader.close()
    writer.close()
  })

  test('is looked for in the PATH and the folder that are asked for', limit, async () => {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'only-here'), '#!/bin/sh\necho found\n', { mode: 0o755 })
    for (const options of [
      { env: { PATH: `/nowhere:${bin}` } },
      { env: { PATH: 'bin' }, cwd: folder },
      { env: { PATH: 'bin' }, cwd: pathToFileURL(folder) },
      { env: { PATH: '' }, cwd: bin },
    ]) {
      const line = pipeline([['only-here']], { ...options, stdin: 'ignore' })
      assert.equal(await text(line.stdout), 'found\n')
      await statuses(line)
    }
    for (const cwd of [bin, relative(process.cwd(), bin), pathToFileURL(`${bin}/`)]) {
      const line = pipeline([['./only-here']], { cwd, stdin: 'ignore' })
      assert.equal(await text(line.stdout), 'found\n')
      assert.equal(refused([['./absent']], { cwd }).error.code, 'ENOENT')
    }
    assert.equal(refused([['only-here']], { env: { PATH: '/nowhere' } }).error.code, 'ENOENT')
  })

  test('because descriptors have run out is EMFILE, and leaves nothing', limit, async () => {
    const script = fixture('pipeline-without-descriptors.js')
    const { stdout, stderr } = spawnSync(
      '/bin/sh',
      ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, script],
      {
        encoding: 'utf8',
        timeout: 15_000,
      },
    )
    assert.equal(stdout + stderr, 'EMFILE 0 0')
  })
})

describe('abort', () => {
  test('kills the last one first, so that none takes half a stream for the whole', limit, async () => {
    const controller = new AbortController()
    const line = pipeline([['sleep', '60'], ['cat'], ['cat']], {
      stdin: 'ignore',
      stdout: 'ignore',
      signal: controller.signal,
    })
    /** @type {number[]} */
    const killed = []
    line.processes.forEach((child, index) => {
      const kill = child.kill.bind(child)
      child.kill = (signal) => {
        killed.push(index)
        return kill(signal)
      }
    })
    controller.abort()
    assert.deepEqual(killed, [2, 1, 0])
    for (const status of await line.status()) assert.deepEqual(status, { code: null, signal: 'SIGTERM' })
  })

  test('kills all', limit, async () => {
    const controller = new AbortController()
    const line = pipeline([['sleep', '60'], ['cat'], sh('sleep 60')], { signal: controller.signal, stdin: 'ignore' })
    controller.abort()
    assert.deepEqual(await statuses(line), ['SIGTERM', 'SIGTERM', 'SIGTERM'])
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    line.stdout?.close()
  })

  test('by the signal that killSignal names', limit, async () => {
    const controller = new AbortController()
    const line = pipeline([['sleep', '60']], { signal: controller.signal, stdin: 'ignore', killSignal: 'SIGKILL' })
    controller.abort()
    assert.deepEqual(await statuses(line), ['SIGKILL'])
    line.stdout?.close()
  })

  test('that has happened already starts nothing', () => {
    const reason = new Error('mine')
    const before = childrenOf(process.pid)
    assert.throws(
      () => pipeline([['sleep', '60']], { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    )
    assert.deepEqual(childrenOf(process.pid), before)
  })

  test('leaves no listener behind when all have ended by themselves', limit, async () => {
    const { signal } = new AbortController()
    const line = pipeline([['true'], ['true']], { signal, stdin: 'ignore' })
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    await statuses(line)
    line.stdout?.close()
    await until(() => getEventListeners(signal, 'abort').length === 0, 'the listener is gone')
  })
})

describe('status', () => {
  test('can be waited for with a timeout and a signal, and asked again', limit, async () => {
    const line = pipeline([['cat']])
    const controller = new AbortController()
    const { signal } = controller
    await assert.rejects(line.status({ timeout: 5, signal }), { code: 'ETIMEDOUT' })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    await assert.rejects(line.status({ timeout: 0 }), { code: 'ETIMEDOUT' })
    const waiting = line.status({ signal })
    controller.abort()
    await assert.rejects(waiting, (error) => error === signal.reason)
    await assert.rejects(line.status({ signal }), (error) => error === signal.reason)
    await assert.rejects(line.status({ timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' })
    line.stdin?.close()
    assert.deepEqual(await line.status(), [{ code: 0, signal: null }])
    assert.deepEqual(await line.status({ timeout: 0 }), [{ code: 0, signal: null }])
    line.stdout?.close()
  })

  test('unread, keeps nobody from ending', limit, async () => {
    const started = performance.now()
    await output(fixture('pipeline-and-exit.js'))
    assert.ok(performance.now() - started < 10_000)
  })
})
