/**
 * What others, and the system, can do to shared memory, each met by a process of its own whose end is looked at. More
 * rounds by OS_IPC_ROUNDS (killed owners), OS_IPC_TRUNCATIONS and OS_IPC_STEPS (random ones).
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SharedMemory } from '../index.js'
import { faultFolder } from '../scripts/support/addon.js'
import { plainBuild, sanitizedBuild } from './support/builds.js'
import { fixture, output, run, start } from './support/child.js'
import { needs } from './support/extras.js'
import { names, newName, newObject, newSegment, removeMemoryAfter, segmentIds } from './support/memory.js'
import { until } from './support/state.js'

const owners = Number(process.env.OS_IPC_ROUNDS ?? 10)
const truncations = Number(process.env.OS_IPC_TRUNCATIONS ?? 200_000)
const options = { timeout: 60_000 + owners * 1000 + truncations }
const steps = Number(process.env.OS_IPC_STEPS ?? 20_000)
const isRoot = process.getuid?.() === 0
/** @param {string} folder */
const addonIn = (folder) =>
  join(fileURLToPath(new URL('../', import.meta.url)), folder, `os-ipc.linux-${process.arch}-gnu.node`)

removeMemoryAfter()

/** It has ended by itself, without a word. @param {Awaited<ReturnType<typeof run>>} outcome */
function well({ code, signal, stderr, stdout }) {
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  return stdout
}

test(`${truncations} truncations by another process, in mid-use, are errors and never a death`, options, async () => {
  const memory = newObject(65_536)
  const victim = start(fixture('shared-memory-victim.js'), [memory.name], { stdin: 'pipe', patience: options.timeout })
  await victim.says('begun')
  const words = [memory.name, 65_536, truncations]
  well(await run(fixture('shared-memory-truncate.js'), words, { patience: options.timeout }))
  victim.process.stdin?.end()
  const outcomes = JSON.parse(well(await victim.outcome).slice('begun'.length))
  const known = ['done', 'ERR_IPC_TRUNCATED', 'ERR_IPC_NOT_INITIALIZED', 'EINVAL', 'EACCES', 'ERR_INVALID_STATE']
  assert.deepEqual(
    Object.keys(outcomes).filter((code) => !known.includes(code)),
    [],
  )
  assert.ok(outcomes.done > 0 && outcomes.ERR_IPC_TRUNCATED > 0, JSON.stringify(outcomes))
})

test('each mapping is unmapped once, of 10,000 that are shown, resized, closed or forgotten', {
  ...options,
  ...needs('strace'),
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  const log = join(folder, 'calls')
  try {
    const node = [process.execPath, '--expose-gc', '--no-warnings', fixture('shared-memory-cycles.js'), '10000']
    const trace = ['-f', '-y', '-qq', '--seccomp-bpf', '-e', 'trace=mmap,munmap', '-o', log]
    const { status, signal, stderr } = spawnSync('strace', [...trace, ...node], { encoding: 'utf8' })
    assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' })
    /** Addresses of ours, and how often each was mapped less how often it was unmapped. @type {Map<string, number>} */
    const standing = new Map()
    let [mapped, unmapped] = [0, 0]
    for (const line of whole(readFileSync(log, 'latin1').split('\n'))) {
      const made = /mmap\(NULL, (\d+), .*MAP_SHARED, \d+<\/memfd:cycles.* = (0x\w+)/.exec(line)
      const gone = /munmap\((0x\w+), (\d+)\)\s+= 0/.exec(line)
      if (made) {
        const place = `${made[2]} ${made[1]}`
        assert.equal(standing.get(place) ?? 0, 0, `mapped where something stands: ${line}`)
        standing.set(place, 1)
        mapped++
      } else if (gone && standing.get(`${gone[1]} ${gone[2]}`)) {
        standing.set(`${gone[1]} ${gone[2]}`, 0)
        unmapped++
      }
    }
    assert.ok(mapped >= 10_000, `${mapped} mappings`)
    assert.equal(unmapped, mapped)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** Calls that another thread's have interrupted, put together again. @param {string[]} lines */
function whole(lines) {
  /** @type {Map<string, string>} */
  const begun = new Map()
  return lines.map((line) => {
    const [, thread, rest] = /^(\d+) +(.*)/.exec(line) ?? ['', '', '']
    const resumed = /^<\.\.\. \w+ resumed>(.*)/.exec(rest)
    if (rest.endsWith('<unfinished ...>')) begun.set(thread, rest.replace(/ *<unfinished ...>$/, ''))
    return resumed ? (begun.get(thread) ?? '') + resumed[1] : rest
  })
}

describe('a name that another user has taken', { ...options, skip: !isRoot && 'needs root' }, () => {
  test('is EEXIST for who makes one, and not trusted by who opens one', async () => {
    const name = newName()
    try {
      assert.equal(await output(fixture('shared-memory-squat.js'), [name]), 'made')
      assert.equal(statSync(`/dev/shm${name}`).uid, 65_534)
      assert.throws(() => SharedMemory.open(name, { size: 1, create: true, exclusive: true }), { code: 'EEXIST' })
      for (const more of [{}, { size: 4096, create: true }, { readOnly: true }]) {
        assert.throws(() => SharedMemory.open(name, more), { code: 'ERR_IPC_UNTRUSTED_OWNER', path: name })
      }
    } finally {
      SharedMemory.unlink(name)
    }
  })
})

test(`what ${owners} killed owners had made for themselves can be cleaned up, nothing else goes`, options, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  const env = { XDG_RUNTIME_DIR: folder }
  const script = fixture('shared-memory-left-behind.js')
  /** @type {string[]} */
  const left = []
  /** @type {string[]} */
  const named = []
  const begin = async () => {
    const name = newName()
    named.push(name)
    const owner = start(script, [name], { env, patience: options.timeout })
    await owner.says(']')
    return { owner, made: JSON.parse(owner.stdout) }
  }
  // What other processes have left, wherever they are entered, is swept too.
  const clean = async () => {
    const told = await output(fixture('registry-clean.js'), [], { env })
    /** @type {{ kind: string, name: string, mode: number }[]} */
    const removed = JSON.parse(told.split('\n')[1])
    return removed.filter(({ name }) => left.includes(name)).map(({ kind, name, mode }) => ({ kind, name, mode }))
  }
  try {
    const living = await begin()
    for (let killed = 0; killed < owners; killed++) {
      const { owner, made } = await begin()
      left.push(...made)
      await owner.kill()
    }
    assert.deepEqual(
      (await clean()).sort((a, b) => left.indexOf(a.name) - left.indexOf(b.name)),
      left.map((name) => ({ kind: 'posix-memory', name, mode: 0o640 })),
    )
    for (const name of left) assert.throws(() => SharedMemory.open(name), { code: 'ENOENT' })
    assert.deepEqual(await clean(), [])
    for (const name of [...named, ...living.made]) SharedMemory.open(name).close()
    await living.owner.kill()
    left.push(...living.made)
    assert.equal((await clean()).length, 2)
  } finally {
    rmSync(folder, { recursive: true })
    for (const name of named) SharedMemory.unlink(name)
    assert.ok(!names('os-ipc-').some((name) => left.includes(`/${name}`)))
  }
})

describe('a segment', options, () => {
  test('is detached by the kernel when its user is killed, and outlives its removal for who has it', async () => {
    const segment = newSegment(8192)
    const user = start(fixture('shared-memory.js'), ['wait', 0, 0], { handles: [segment] })
    await user.says('waiting')
    assert.equal(segment.stat().attached, 2)
    segment.unlink()
    segment.write('still here')
    await user.kill()
    await until(() => segment.stat().attached === 1, 'it is detached')
    assert.equal(String(segment.read(0, 10)), 'still here')
    segment.close()
    assert.ok(!segmentIds().includes(Number(segment.id)))
  })
})

describe(`${steps} random steps over 100 handles`, () => {
  for (const [way, env, skip] of [plainBuild, sanitizedBuild()]) {
    test(`end with status 0${way}`, { timeout: 60_000 + steps, skip }, async () => {
      const name = newName()
      const seed = 1 + Math.floor(Math.random() * 2 ** 31)
      const node = ['--expose-gc', '--no-warnings']
      const told = await run(fixture('shared-memory-fuzz.js'), [seed, steps, name], {
        node,
        env,
        patience: 60_000 + steps,
      })
      const { code, signal, stdout, stderr } = told
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, `seed ${seed}`)
      const { done, refused } = JSON.parse(stdout)
      assert.equal(done + refused, steps)
      assert.ok(done > steps / 4, `seed ${seed}: ${done}`)
      assert.ok(!names().includes(name.slice(1)))
    })
  }
})

describe('a maker that ends on its way', () => {
  const addon = addonIn(faultFolder)
  const built = { ...options, skip: !existsSync(addon) && 'needs `npm run build -- --fault-inject`' }
  for (const point of ['shm-made', 'shm-reserved', 'shm-named']) {
    for (const way of ['panic', 'kill']) {
      test(`at ${point}, by a ${way}, leaves all of the object or nothing`, built, async () => {
        const name = newName()
        const armed = way === 'kill' ? `kill ${point}` : point
        const env = { OS_IPC_NATIVE: addon }
        const { code, signal, stdout } = await run(fixture('shared-memory-killed.js'), [name, armed], { env })
        assert.deepEqual(
          { code, signal, stdout },
          way === 'kill'
            ? { code: null, signal: 'SIGKILL', stdout: '' }
            : { code: 0, signal: null, stdout: `fault injected at ${point}` },
        )
        const began = performance.now()
        const whole = point === 'shm-named'
        if (whole) SharedMemory.open(name).close()
        else assert.throws(() => SharedMemory.open(name), { code: 'ENOENT' })
        assert.ok(performance.now() - began < 1000)
        const again = SharedMemory.open(name, { size: 300_000, create: true, exclusive: !whole })
        assert.equal(again.size, 300_000)
        again.unlink()
        again.close()
      })
    }
  }
})
