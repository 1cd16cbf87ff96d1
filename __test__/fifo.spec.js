/** FIFOs: making, finding and opening them. What an open one does stands in the conformance suite. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Fifo, PipeReader, PipeWriter } from '../index.js'
import { fixture, output, start } from './support/child.js'
import { descriptors, flags, links, threads, turn, until } from './support/state.js'

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const limit = { timeout: 20_000 }

/** @type {string} */
let root
/** @type {string} */
let folder
/** @type {string} */
let path
let number = 0
before(() => {
  root = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
})
beforeEach(() => {
  folder = join(root, String(++number))
  mkdirSync(folder)
  path = join(folder, 'fifo')
})
after(() => rmSync(root, { recursive: true }))

/** @param {string} at */
const modeOf = (at) => statSync(at).mode & 0o7777

describe('Fifo.create', () => {
  test('makes a FIFO for this user alone', () => {
    const fifo = Fifo.create(path)
    assert.ok(fifo instanceof Fifo)
    assert.equal(fifo.path, path)
    assert.ok(lstatSync(path).isFIFO())
    assert.equal(modeOf(path), 0o600)
  })

  test('takes a mode, less the umask', () => {
    const old = process.umask()
    try {
      for (const umask of [0, 0o022, 0o027, 0o077]) {
        process.umask(umask)
        for (const mode of [0o600, 0o640, 0o666, 0o622]) {
          const at = join(folder, `${umask}-${mode}`)
          Fifo.create(at, { mode })
          assert.equal(modeOf(at), mode & ~umask)
        }
      }
    } finally {
      process.umask(old)
    }
  })

  test('of what stands there is EEXIST, whatever it is, and leaves it alone', () => {
    writeFileSync(join(folder, 'file'), 'kept')
    symlinkSync('file', join(folder, 'link'))
    symlinkSync('nowhere', join(folder, 'dangling'))
    Fifo.create(path)
    for (const name of ['file', 'link', 'dangling', 'fifo', '.']) {
      const at = name === '.' ? folder : join(folder, name)
      assert.throws(() => Fifo.create(at), { name: 'Error', code: 'EEXIST', errno: -17, path: at, syscall: 'mkfifo' })
    }
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'kept')
    assert.ok(!existsSync(join(folder, 'nowhere')))
  })

  test('exclusive: false accepts a FIFO that stands there, and nothing else', () => {
    Fifo.create(path, { mode: 0o640 })
    assert.equal(Fifo.create(path, { exclusive: false, mode: 0o600 }).path, path)
    assert.equal(modeOf(path), 0o640)
    Fifo.create(join(folder, 'new'), { exclusive: false })
    assert.ok(lstatSync(join(folder, 'new')).isFIFO())
    writeFileSync(join(folder, 'file'), '')
    symlinkSync('fifo', join(folder, 'link'))
    symlinkSync('nowhere', join(folder, 'dangling'))
    for (const [name, code] of [
      ['file', 'ERR_INVALID_ARG_VALUE'],
      ['.', 'ERR_INVALID_ARG_VALUE'],
      ['link', 'ELOOP'],
      ['dangling', 'ELOOP'],
    ]) {
      assert.throws(() => Fifo.create(name === '.' ? folder : join(folder, name), { exclusive: false }), { code })
    }
    assert.ok(!existsSync(join(folder, 'nowhere')))
  })

  test('where there is no such folder, or what is none, is ENOENT or ENOTDIR', () => {
    writeFileSync(join(folder, 'file'), '')
    for (const [at, code] of [
      [join(folder, 'missing/fifo'), 'ENOENT'],
      [join(folder, 'file/fifo'), 'ENOTDIR'],
      [join(folder, 'x'.repeat(256)), 'ENAMETOOLONG'],
    ]) {
      assert.throws(() => Fifo.create(at), { code, path: at })
    }
  })

  test('takes paths as URLs, and relative ones', () => {
    Fifo.create(pathToFileURL(path))
    assert.ok(lstatSync(path).isFIFO())
    const at = relative(process.cwd(), join(folder, 'relative'))
    assert.equal(Fifo.create(at).path, at)
    assert.ok(lstatSync(join(folder, 'relative')).isFIFO())
  })

  test('is the only way to make one: there is no constructor', () => {
    assert.throws(() => Reflect.construct(Fifo, [path]), { name: 'TypeError', code: 'ERR_ILLEGAL_CONSTRUCTOR' })
  })
})

describe('opening', () => {
  test('settles when the other side has opened too, and the event loop goes on meanwhile', limit, async () => {
    const fifo = Fifo.create(path)
    let opened = false
    const opening = fifo.openReader().then((end) => {
      opened = true
      return end
    })
    let ticks = 0
    await new Promise((resolve) => {
      const interval = setInterval(() => {
        if (++ticks < 10) return
        clearInterval(interval)
        resolve(undefined)
      }, 2)
    })
    assert.equal(opened, false)
    const writer = await fifo.openWriter()
    const reader = await opening
    assert.ok(reader instanceof PipeReader && writer instanceof PipeWriter)
    await writer.send('hello')
    assert.equal(String(await reader.recv()), 'hello')
    reader.close()
    writer.close()
  })

  test('a writer too waits for a reader', limit, async () => {
    const fifo = Fifo.at(Fifo.create(path).path)
    const opening = fifo.openWriter()
    await turn()
    const [writer, reader] = await Promise.all([opening, fifo.openReader()])
    writer.close()
    assert.equal(await reader.recv(), null)
    reader.close()
  })

  test('between two processes', limit, async () => {
    const fifo = Fifo.create(path)
    const child = start(fixture('write-to-fifo.js'), [path, 'from a child'])
    const reader = await fifo.openReader()
    assert.equal(String(await reader.recv()), 'from a child')
    assert.equal(await reader.recv(), null)
    reader.close()
    await child.succeeded()
  })

  test('gives descriptors that are close-on-exec and blocking', limit, async () => {
    const fifo = Fifo.create(path)
    const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
    // Opened while a reader is there already: another way inside.
    const second = await fifo.openWriter()
    await assert.rejects(reader.recv({ timeout: 1 }), { code: 'ETIMEDOUT' })
    assert.ok(second.trySend('x'))
    for (const { fd } of [reader, writer, second]) {
      assert.equal(flags('self', fd) & O_CLOEXEC, O_CLOEXEC)
      assert.equal(flags('self', fd) & O_NONBLOCK, 0)
    }
    for (const end of [reader, writer, second]) end.close()
  })

  test('again after an end begins anew', limit, async () => {
    const fifo = Fifo.create(path)
    for (const word of ['first', 'second']) {
      const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
      await writer.send(word)
      writer.close()
      assert.equal(String(await reader.recv()), word)
      assert.equal(await reader.recv(), null)
      reader.close()
    }
  })

  test('several writers of one reader: it ends when the last has gone', limit, async () => {
    const fifo = Fifo.create(path)
    const opening = fifo.openReader()
    const writers = await Promise.all(Array.from({ length: 5 }, () => fifo.openWriter()))
    const reader = await opening
    for (const [i, writer] of writers.entries()) {
      await writer.send(String(i))
      writer.close()
    }
    let got = ''
    for await (const data of reader) got += data
    assert.equal(got, '01234')
    reader.close()
  })

  test('a reader that has gone is EPIPE, for its writer’s first message too', limit, async () => {
    const fifo = Fifo.create(path)
    const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
    reader.close()
    await assert.rejects(writer.send('x'), { code: 'EPIPE' })
    writer.close()
  })

  test('a child that is given the reader can open /dev/stdin', limit, async () => {
    const fifo = Fifo.create(path)
    const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
    const child = start(fixture('descriptor-zero.js'), [], { stdin: reader.fd })
    reader.close()
    await writer.send('by name')
    // To open it anew waits for a writer, as every open of a FIFO does.
    const opened = () => [...links(child.pid).values()].filter((target) => target === path).length === 2
    await until(opened, 'the child has opened it')
    writer.close()
    const told = JSON.parse(await child.succeeded())
    assert.equal(told.text, 'by name')
    assert.equal(Number.parseInt(told.flags, 8) & O_NONBLOCK, 0)
  })
})

describe('giving up an open', () => {
  test('by a timeout', limit, async () => {
    const fifo = Fifo.create(path)
    const began = performance.now()
    await assert.rejects(fifo.openReader({ timeout: 20 }), { name: 'Error', code: 'ETIMEDOUT' })
    await assert.rejects(fifo.openWriter({ timeout: 20 }), { code: 'ETIMEDOUT' })
    assert.ok(performance.now() - began >= 40)
    await assert.rejects(fifo.openReader({ timeout: 0 }), { code: 'ETIMEDOUT' })
    await assert.rejects(fifo.openWriter({ timeout: 0 }), { code: 'ETIMEDOUT' })
  })

  test('a writer with timeout 0 opens where a reader is', limit, async () => {
    const fifo = Fifo.create(path)
    const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
    for (let i = 0; i < 20; i++) (await fifo.openWriter({ timeout: 0 })).close()
    reader.close()
    writer.close()
  })

  test('by an abort: with its reason, with no listener, descriptor or opened FIFO left', limit, async () => {
    const fifo = Fifo.create(path)
    await assert.rejects(fifo.openReader({ timeout: 0 }))
    const open = descriptors()
    const controller = new AbortController()
    const { signal } = controller
    const opens = Array.from({ length: 20 }, () => fifo.openReader({ signal }))
    const reason = new Error('mine')
    setImmediate(() => controller.abort(reason))
    for (const outcome of await Promise.allSettled(opens)) {
      assert.ok(outcome.status === 'rejected' && outcome.reason === reason)
    }
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    await until(() => descriptors() === open, 'every descriptor is closed')
    await assert.rejects(fifo.openWriter({ timeout: 10 }), { code: 'ETIMEDOUT' })
    await assert.rejects(fifo.openWriter({ signal }), (error) => error === reason)
  })

  test('at any moment: either it has opened, or nobody has', limit, async () => {
    const fifo = Fifo.create(path)
    await assert.rejects(fifo.openReader({ timeout: 0 }))
    const open = descriptors()
    let both = 0
    for (let i = 0; i < 150; i++) {
      const controller = new AbortController()
      const writing = fifo.openWriter()
      const reading = fifo.openReader({ signal: controller.signal })
      const until = performance.now() + Math.random() * 0.3
      while (performance.now() < until);
      if (i % 2) await turn()
      controller.abort()
      const reader = await reading.catch(() => undefined)
      if (reader === undefined) {
        // The writer may have met the reader that then gave up; if not, it still waits for one.
        const calledOff = new AbortController()
        const next = fifo.openReader({ signal: calledOff.signal }).catch(() => undefined)
        ;(await writing).close()
        calledOff.abort()
        ;(await next)?.close()
        continue
      }
      both++
      const writer = await writing
      await writer.send('x')
      assert.equal(String(await reader.recv()), 'x')
      reader.close()
      writer.close()
    }
    assert.ok(both > 0)
    await until(() => descriptors() === open, 'every descriptor is closed')
  })

  test('goes on working in a process that listens to the signal which ends waits', limit, async () => {
    Fifo.create(path)
    const told = JSON.parse(await output(fixture('own-sigurg.js'), [path]))
    assert.deepEqual(told, ['ETIMEDOUT', 'ETIMEDOUT', 'ETIMEDOUT'])
  })

  test('its threads go away', { timeout: 30_000 }, async () => {
    const fifo = Fifo.create(path)
    const controller = new AbortController()
    const opens = Array.from({ length: 50 }, () => fifo.openReader({ signal: controller.signal }))
    await until(() => threads('os-ipc-waiter') >= 50, 'each wait has a thread of its own')
    controller.abort()
    await Promise.allSettled(opens)
    await until(() => threads('os-ipc-waiter') === 0, 'the threads are gone')
  })
})

describe('many opens at once', () => {
  test('100 pending ones hold up neither the thread pool nor each other', limit, async () => {
    const paths = Array.from({ length: 100 }, (_, i) => join(folder, `fifo-${i}`))
    for (const at of paths) Fifo.create(at)
    const told = await output(fixture('hundred-opens.js'), paths, { env: { UV_THREADPOOL_SIZE: '1' } })
    const { slowest, opened } = JSON.parse(told)
    assert.equal(opened, 100)
    assert.ok(slowest < 1000, `fs.readFile took ${slowest} ms`)
  })

  test('beyond the limit of threads each is ERR_IPC_LIMIT at once', limit, async () => {
    Fifo.create(path)
    assert.equal(await output(fixture('opens-beyond-limit.js'), [path]), '1024 ERR_IPC_LIMIT')
  })
})

describe('what is no FIFO', () => {
  test('is refused and not opened: file, folder, device, socket', limit, async () => {
    writeFileSync(join(folder, 'file'), 'kept')
    for (const at of [join(folder, 'file'), folder, '/dev/null']) {
      const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', path: at }
      await assert.rejects(Fifo.at(at).openReader(), error)
      await assert.rejects(Fifo.at(at).openWriter(), error)
      assert.throws(() => Fifo.at(at).unlink(), error)
    }
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'kept')
  })

  test('a symbolic link is ELOOP and not followed, even to a FIFO', limit, async () => {
    Fifo.create(path)
    symlinkSync('fifo', join(folder, 'link'))
    symlinkSync('nowhere', join(folder, 'dangling'))
    for (const name of ['link', 'dangling']) {
      const at = join(folder, name)
      const error = { name: 'Error', code: 'ELOOP', path: at }
      await assert.rejects(Fifo.at(at).openReader(), error)
      await assert.rejects(Fifo.at(at).openWriter(), error)
      assert.throws(() => Fifo.at(at).unlink(), error)
      assert.ok(lstatSync(at).isSymbolicLink())
    }
  })

  test('nothing at all is ENOENT', limit, async () => {
    const fifo = Fifo.at(path)
    const error = { code: 'ENOENT', errno: -2, path }
    await assert.rejects(fifo.openReader(), error)
    await assert.rejects(fifo.openWriter(), error)
    assert.throws(() => fifo.unlink(), error)
  })
})

describe('whose it is', () => {
  const isRoot = process.getuid?.() === 0
  const asRoot = { ...limit, skip: !isRoot && 'only root can give a FIFO away' }

  test('one of another user is not trusted, unless anyOwner says so', asRoot, async () => {
    const fifo = Fifo.create(path, { mode: 0o666 })
    chownSync(path, 65534, 65534)
    const trust = (/** @type {any} */ error) => {
      assert.deepEqual([error.code, error.path], ['ERR_IPC_UNTRUSTED_OWNER', path])
      assert.match(error.hint, /anyOwner/)
      return true
    }
    await assert.rejects(fifo.openReader(), trust)
    await assert.rejects(fifo.openWriter(), trust)
    await assert.rejects(fifo.openReader({ anyOwner: false }), trust)
    const ends = await Promise.all([fifo.openReader({ anyOwner: true }), fifo.openWriter({ anyOwner: true })])
    for (const end of ends) end.close()
  })

  test('for a user: his own and root’s are trusted, a third one’s is not', asRoot, async () => {
    const old = process.umask(0)
    try {
      for (const [name, uid] of /** @type {[string, number][]} */ ([
        ['own', 65534],
        ['root', 0],
        ['third', 1234],
      ])) {
        Fifo.create(join(folder, name), { mode: 0o666 })
        chownSync(join(folder, name), uid, uid)
      }
    } finally {
      process.umask(old)
    }
    for (const each of [root, folder]) chownSync(each, 65534, 65534)
    try {
      const told = await output(fixture('open-as-nobody.js'), [folder])
      assert.deepEqual(JSON.parse(told), { own: 'opened', root: 'opened', third: 'ERR_IPC_UNTRUSTED_OWNER' })
    } finally {
      for (const each of [root, folder]) chownSync(each, 0, 0)
    }
  })

  test('without permission it is EACCES', asRoot, async () => {
    Fifo.create(join(folder, 'own'), { mode: 0o600 })
    for (const name of ['root', 'third']) Fifo.create(join(folder, name))
    for (const each of [root, folder]) chownSync(each, 65534, 65534)
    try {
      const told = JSON.parse(await output(fixture('open-as-nobody.js'), [folder]))
      assert.equal(told.root, 'EACCES')
    } finally {
      for (const each of [root, folder]) chownSync(each, 0, 0)
    }
  })
})

describe('unlink', () => {
  test('removes the name, once; who has it open goes on', limit, async () => {
    const fifo = Fifo.create(path)
    const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
    fifo.unlink()
    assert.ok(!existsSync(path))
    assert.throws(() => fifo.unlink(), { code: 'ENOENT', syscall: 'unlink' })
    await writer.send('x')
    assert.equal(String(await reader.recv()), 'x')
    reader.close()
    writer.close()
  })

  test('is never part of close', limit, async () => {
    const fifo = Fifo.create(path)
    const ends = await Promise.all([fifo.openReader(), fifo.openWriter()])
    for (const end of ends) end.close()
    assert.ok(existsSync(path))
  })
})
