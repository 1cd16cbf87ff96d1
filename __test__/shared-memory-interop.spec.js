/** Shared memory between this package and programs that it has no part in: C, Python's multiprocessing, posix_ipc and mmap. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { SharedMemory, struct } from '../index.js'
import { needs, python } from './support/extras.js'
import { compile, source, succeeds } from './support/interop.js'
import { newName, newObject, removeMemoryAfter } from './support/memory.js'

const options = { timeout: 120_000 }

removeMemoryAfter()

describe('shared memory and a C program', options, () => {
  let folder = ''
  let program = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
    program = compile('shared-memory.c', folder)
  })
  after(() => rmSync(folder, { recursive: true }))

  test('a struct has the layout of the C compiler, both ways', async () => {
    const memory = newObject(4096)
    const Inner = struct({ flag: 'u8', total: 'u64' })
    const Row = struct({
      id: 'u32',
      price: 'f64',
      name: ['char', 13],
      samples: ['i16', 3],
      inner: Inner,
      last: 'u8',
    })
    const Packed = struct({ kind: 'u8', length: 'u32', at: 'i64' }, { packed: true })
    const row = Row.view(memory, 64)
    Object.assign(row, { id: 7, price: 1.5, name: 'Grüße', samples: [1, -2, 3], last: 255 })
    row.inner.flag = 1
    row.inner.total = 2n ** 40n
    const packed = Packed.view(memory, 201)
    Object.assign(packed, { kind: 9, length: 4_000_000_000, at: -5n })
    const told = JSON.parse(await succeeds(program, 'record', memory.name))
    assert.deepEqual(told, {
      size: Row.byteLength,
      offsets: Object.values(Row.offsets),
      record: [7, 1.5, 'Grüße', 1, -2, 3, 1, String(2n ** 40n), 255],
      packed: [Packed.byteLength, 9, 4_000_000_000, '-5'],
    })
    assert.deepEqual([row.id, row.price, row.name, [...row.samples]], [8, -0.5, 'from C', [1, -2, -32768]])
    assert.deepEqual([row.inner.total, packed.at, Row.alignment], [2n ** 64n - 1n, -(2n ** 63n), 8])
    memory.close()
    assert.throws(() => row.id, { code: 'ERR_IPC_CLOSED' })
  })

  test('a counter loses nothing', async () => {
    const memory = newObject(4096)
    const counting = succeeds(program, 'count', memory.name, 1_000_000)
    for (let i = 0; i < 300_000; i++) memory.atomics.add('u32', 0, 1)
    const words = new Uint32Array(memory.buffer)
    for (let i = 0; i < 300_000; i++) Atomics.add(words, 0, 1)
    await counting
    assert.equal(memory.atomics.load('u32', 0), 1_600_000)
    memory.close()
  })

  test('each wakes the other by a futex, 2,000 times, awaited and blocking', async () => {
    const turns = 2_000
    const memory = newObject(4096)
    const answering = succeeds(program, 'answer', memory.name, turns)
    for (let turn = 0; turn < turns; turn++) {
      memory.atomics.store('u32', 4, turn + 1)
      memory.notify(4, 1)
      while (memory.atomics.load('u32', 8) === turn) {
        const answer = turn % 2 ? await memory.wait(8, turn) : memory.waitSync(8, turn)
        assert.notEqual(answer, 'timed-out')
      }
    }
    await answering
    memory.close()
  })
})

describe('shared memory and Python', options, () => {
  for (const [way, needed] of Object.entries({ multiprocessing: [], posix_ipc: ['python'], mmap: [] })) {
    test(`${way} reads what is written here, and writes what is read here`, {
      ...options,
      ...needs(...needed),
    }, async () => {
      const memory = newObject(4096)
      memory.write('hello', 10)
      const interpreter = needed.length > 0 ? python : 'python3'
      assert.equal(await succeeds(interpreter, source('shared_memory.py'), way, memory.name), 'hello\n')
      assert.equal(String(memory.read(20, 5)), way.padEnd(5).slice(0, 5))
      SharedMemory.open(String(memory.name)).close()
      memory.close()
    })
  }

  test('what multiprocessing has made is opened with its size', async () => {
    const name = newName()
    await succeeds('python3', source('shared_memory.py'), 'create', name)
    const memory = SharedMemory.open(name)
    assert.deepEqual([memory.size, String(memory.read(4990))], [5000, 'from there'])
    memory.unlink()
    memory.close()
  })
})

describe('a struct', options, () => {
  test('is written in the order of bytes that was asked for', () => {
    const memory = SharedMemory.create(64)
    struct({ word: 'u32' }, { endian: 'big' }).view(memory, 0).word = 0x01020304
    struct({ word: 'u32' }, { endian: 'little' }).view(memory, 4).word = 0x01020304
    assert.deepEqual([...memory.read(0, 8)], [1, 2, 3, 4, 4, 3, 2, 1])
    memory.close()
  })

  test('can be an array, and its arrays are the memory itself', () => {
    const memory = SharedMemory.create(1000)
    const Point = struct({ at: ['f32', 2], id: 'u8' })
    const points = Point.array(memory, 100, 10)
    points.forEach((point, index) => {
      point.id = index
      point.at[1] = index / 2
    })
    assert.deepEqual(
      Point.array(memory.buffer, 100, 10).map(({ id, at }) => [id, ...at]),
      Array.from({ length: 10 }, (_, index) => [index, 0, index / 2]),
    )
    assert.equal(JSON.stringify(points[3]), '{"at":[0,1.5],"id":3}')
    memory.resize(2000)
    assert.equal(points[3].id, 3)
    memory.close()
    assert.throws(() => points[3].at[0], { code: 'ERR_IPC_CLOSED' })
  })

  test('refuses what does not fit', () => {
    const memory = SharedMemory.create(64)
    const Row = struct({ small: 'i8', long: 'u64', word: ['char', 4], many: ['u16', 2] })
    const row = /** @type {any} */ (Row.view(memory, 64 - Row.byteLength))
    /** @type {[() => unknown, string][]} */
    const refused = [
      [() => Row.view(memory, 65 - Row.byteLength), 'ERR_OUT_OF_RANGE'],
      [() => Row.array(memory, 0, 3), 'ERR_OUT_OF_RANGE'],
      [() => Row.view(/** @type {any} */ ({})), 'ERR_INVALID_ARG_TYPE'],
      [() => Object.assign(row, { small: 128 }), 'ERR_OUT_OF_RANGE'],
      [() => Object.assign(row, { long: 1 }), 'ERR_INVALID_ARG_TYPE'],
      [() => Object.assign(row, { word: 'fünf' }), 'ERR_OUT_OF_RANGE'],
      [() => Object.assign(row, { many: [1] }), 'ERR_OUT_OF_RANGE'],
      [() => struct({}), 'ERR_INVALID_ARG_VALUE'],
      [() => struct({ bad: /** @type {any} */ ('u24') }), 'ERR_INVALID_ARG_VALUE'],
      [() => struct({ bad: ['u8', 0] }), 'ERR_OUT_OF_RANGE'],
    ]
    for (const [call, code] of refused) assert.throws(call, { code }, String(call))
    assert.deepEqual(row.toJSON(), { small: 0, long: 0n, word: '', many: [0, 0] })
    row.word = 'four'
    assert.equal(row.word, 'four')
    memory.close()
  })
})
