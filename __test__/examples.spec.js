import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { UnixSocket } from '../index.js'
import { collecting } from './support/collecting.js'

const folder = fileURLToPath(new URL('../examples/', import.meta.url))

describe('the examples', { timeout: 120_000 }, () => {
  /** @type {string} */
  let scratch
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'os-ipc-spec-'))
  })
  after(() => rmSync(scratch, { recursive: true }))

  /** @param {string} name @param {string[]} words */
  const start = (name, ...words) =>
    spawn(process.execPath, [join(folder, name), ...words], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...collecting, TMPDIR: scratch },
      timeout: 30_000,
      killSignal: 'SIGKILL',
    })

  /** @param {import('node:child_process').ChildProcessWithoutNullStreams} child */
  async function outcome(child) {
    const [[code, signal], stdout, stderr] = await Promise.all([
      once(child, 'close'),
      text(child.stdout),
      text(child.stderr),
    ])
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    return stdout
  }

  /** @type {Record<string, () => Promise<void>>} */
  const checks = {
    async 'worker-pool.js'() {
      const stdout = await outcome(start('worker-pool.js'))
      const lines = stdout.trim().split('\n')
      const told = lines.filter((line) => line.includes('primes'))
      const known = ['168 primes below 1000', '303 primes below 2000', '430 primes below 3000', '550 primes below 4000']
      for (const line of known) assert.ok(told.includes(line), stdout)
      assert.equal(new Set(told).size, 8)
    },

    async 'video-frames.js'() {
      const stdout = await outcome(start('video-frames.js'))
      assert.equal(stdout, `60 of 60 frames arrived as they should, ${60 * 640 * 360 * 5 + 60 * 8} bytes of them\n`)
    },

    async 'pipe.js'() {
      const stdout = await outcome(start('pipe.js'))
      assert.match(
        stdout,
        /^worker \d+ has been started by \d+\n2 squared is 4\n3 squared is 9\n5 squared is 25\n7 squared is 49\nat the end recv gives null\n$/,
      )
    },

    async 'fifo-chat.js'() {
      const alice = start('fifo-chat.js', 'alice', 'bob')
      const bob = start('fifo-chat.js', 'bob', 'alice')
      alice.stdin.end('hello bob\nhow are you?\n')
      bob.stdin.end('hello alice\n')
      const [seenByAlice, seenByBob] = await Promise.all([outcome(alice), outcome(bob)])
      assert.match(seenByAlice, /^waiting for bob\nbob is here; .*\nbob: hello alice\nbob has gone\n$/)
      assert.match(
        seenByBob,
        /^waiting for alice\nalice is here; .*\nalice: hello bob\nalice: how are you\?\nalice has gone\n$/,
      )
      assert.deepEqual(readdirSync(scratch), [])
    },

    async 'image-service.js'() {
      assert.equal(
        await outcome(start('image-service.js')),
        'a picture of 4096 by 2160: from 0 to 255\n8847360 pixels are inverted where they are: from 255 to 0\nhalf of another one came in 5 strips, and the rest was never drawn\n',
      )
    },

    async 'rpc-python.js'() {
      assert.equal(
        await outcome(start('rpc-python.js')),
        "the median is 3.5\nthe words are [ 'be', 'not', 'or', 'to' ]\nit is the child: true\nit has thrown StatisticsError: no median for empty data\n",
      )
      assert.deepEqual(readdirSync(scratch), [])
    },

    async 'word-count.js'() {
      const target = join(folder, 'word-count.js')
      const words =
        readFileSync(target, 'utf8')
          .toLowerCase()
          .match(/[a-z]+/g) ?? []
      const stdout = await outcome(start('word-count.js', target))
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trim().split(' '))
      assert.equal(lines.length, 10)
      for (const [count, word] of lines) assert.equal(Number(count), words.filter((each) => each === word).length)
    },

    async 'splice.js'() {
      const target = join(scratch, 'numbers.gz')
      const stdout = await outcome(start('splice.js', target))
      const packed = readFileSync(target)
      assert.ok(stdout.startsWith(`${packed.length} bytes moved, ${target} has ${packed.length}\n`), stdout)
      assert.match(gunzipSync(packed).toString(), /^1\n2\n(?:\d+\n)*1000000\n$/)
      rmSync(target)
    },

    async 'streams.js'() {
      const { length } = readFileSync(join(folder, 'streams.js'))
      assert.equal(await outcome(start('streams.js')), `${length} bytes came back, equal\n`)
    },

    async 'shared-image.js'() {
      assert.equal(await outcome(start('shared-image.js')), '256000 pixels are inverted\n')
    },

    async 'shared-counter.js'() {
      assert.equal(await outcome(start('shared-counter.js')), 'hello from C: we counted to 600000\n')
    },

    async 'shared-python.js'() {
      assert.equal(await outcome(start('shared-python.js')), "Python's sum: 36, and a number\n")
    },

    async 'producer-consumer.js'() {
      const stdout = await outcome(start('producer-consumer.js'))
      assert.match(stdout, /^consumer 0 got \d+\nconsumer 1 got \d+\neach of 4000 items has come once\n$/)
    },

    async 'semaphores.js'() {
      const stdout = await outcome(start('semaphores.js'))
      assert.match(stdout, /^12 tasks by 4 processes, never more than [12] at once\n$/)
    },

    async 'dining-philosophers.js'() {
      const stdout = await outcome(start('dining-philosophers.js'))
      assert.match(
        stdout,
        /^(?:philosopher \d has eaten 100 times\n){4}no fork was ever in two hands\nnobody has starved\n$/,
      )
    },

    async 'readers-writers.js'() {
      assert.equal(
        await outcome(start('readers-writers.js')),
        '800 changes, 0 halves of one seen\nreaders were together\n',
      )
    },

    async 'mutex.js'() {
      const stdout = await outcome(start('mutex.js'))
      assert.equal(stdout, 'repaired\n155 in the account\n')
    },

    async 'phases.js'() {
      const stdout = await outcome(start('phases.js'))
      assert.equal(stdout, '100.000000 in all, as at the beginning; it falls from left to right: true\n')
    },

    async 'price-ticker.js'() {
      const lines = (await outcome(start('price-ticker.js'))).trim().split('\n')
      const told = (/** @type {string} */ role) =>
        `${role}: the last price was number 2000; each was received or counted as missed`
      assert.deepEqual(lines.sort(), ['fast', 'late', 'slow'].map(told))
    },

    async 'file-lock.js'() {
      const stdout = await outcome(start('file-lock.js'))
      assert.equal(stdout, 'every audit was right\n1000 in all, as at the beginning\n')
    },

    async 'sysv-queue.js'() {
      const lines = (await outcome(start('sysv-queue.js'))).trimEnd().split('\n')
      assert.deepEqual(lines.slice(0, 3).sort(), ['2 + 3 = 5', '4 * 5 = 20', '6 - 7 = -1'])
      assert.equal(lines[3], 'the server ends with EIDRM')
    },

    async 'philosophers.js'() {
      const lines = (await outcome(start('philosophers.js'))).trimEnd().split('\n')
      assert.equal(lines[0], 'one dies while it eats; forks on the table: 1 1 1 1')
      const eaten = [0, 1, 2, 3].map((seat) => `philosopher ${seat} has eaten 100 times`)
      assert.deepEqual(lines.slice(1, 5).sort(), eaten)
      assert.equal(lines[5], 'all have eaten; forks on the table: 1 1 1 1')
    },

    async 'posix-queue.js'() {
      const run = (/** @type {string[]} */ ...words) => outcome(start('posix-queue.js', ...words))
      await run('read')
      assert.equal(await run('send', '5', 'the milk is finished'), '1 of 4 are waiting\n')
      assert.equal(await run('send', '9', 'the kitchen is on fire'), '2 of 4 are waiting\n')
      assert.equal(await run('read'), '9: the kitchen is on fire\n5: the milk is finished\nthe mailbox is empty\n')
    },

    async 'take-over.js'() {
      const path = join(scratch, 'server')
      const versions = [start('take-over.js', path, 'v0')]
      await once(versions[0].stdout, 'data')
      let asking = true
      /** @type {string[]} */
      const answers = []
      const ask = async () => {
        for (let i = 0; asking; i++) {
          const socket = await UnixSocket.connect(path)
          await socket.send(`question ${i}`)
          const answer = await socket.recv({ timeout: 10_000 })
          assert.match(String(answer?.data), new RegExp(`^v\\d has heard: question ${i}$`))
          answers.push(String(answer?.data).slice(0, 2))
          socket.close()
        }
      }
      const asked = [ask(), ask(), ask()]
      for (let i = 1; i <= 3; i++) {
        const stdout = outcome(versions[i - 1])
        versions.push(start('take-over.js', path, `v${i}`))
        await once(versions[i].stdout, 'data')
        assert.equal(await stdout, `v${i - 1} has handed over\n`)
      }
      asking = false
      await Promise.all(asked)
      assert.deepEqual([...new Set(answers)], ['v0', 'v1', 'v2', 'v3'])
      versions[3].removeAllListeners()
      versions[3].kill('SIGKILL')
    },

    async 'open-file-to-worker.js'() {
      const stdout = await outcome(start('open-file-to-worker.js', join(folder, 'pipe.js'), join(folder, 'statsd.js')))
      assert.match(
        stdout,
        /^\d+ lines in .*pipe\.js, counted by the worker\n\d+ lines in .*statsd\.js, counted by the worker\n$/,
      )
    },

    async 'statsd.js'() {
      const path = join(scratch, 'statsd')
      const server = start('statsd.js', 'serve', path)
      const [first] = await once(server.stdout, 'data')
      assert.equal(String(first), `listening at ${path}\n`)
      const served = outcome(server)
      await outcome(start('statsd.js', 'count', path, 'hits', '1000'))
      await outcome(start('statsd.js', 'count', path, 'misses', '7'))
      await outcome(start('statsd.js', 'stop', path))
      assert.equal(await served, 'hits 1000\nmisses 7\n')
    },

    async 'direct-messages.js'() {
      const server = start('direct-messages.js', 'serve')
      const [first] = await once(server.stdout, 'data')
      assert.equal(String(first), `serving as ${server.pid}\n`)
      const served = outcome(server)
      const asked = [
        [2, 3],
        [4, 5],
      ].map((numbers) => outcome(start('direct-messages.js', 'ask', server.pid, ...numbers)))
      assert.deepEqual(await Promise.all(asked), [
        '2 squared is 4\n3 squared is 9\n',
        '4 squared is 16\n5 squared is 25\n',
      ])
      await outcome(start('direct-messages.js', 'stop', server.pid))
      assert.equal(await served, '')
    },

    async 'reload-on-hangup.js'() {
      const settings = join(scratch, 'settings.json')
      writeFileSync(settings, '{"level":1}')
      const child = start('reload-on-hangup.js', settings)
      const ended = once(child, 'close')
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (piece) => {
        said += piece
        if (/^kill -HUP \d+\n$/m.test(said) && !said.includes('reload')) {
          writeFileSync(settings, '{"level":2}')
          child.kill('SIGHUP')
        } else if (said.includes('{"level":2}')) child.kill('SIGKILL')
      })
      await ended
      const by = `reload, asked for by .+ \\(pid ${process.pid}, uid ${process.getuid?.()}\\)`
      assert.match(said, new RegExp(`^settings: {"level":1}\nkill -HUP ${child.pid}\n${by}\nsettings: {"level":2}\n$`))
    },

    async 'supervisor.js'() {
      const address = `@os-ipc-spec-supervisor-${process.pid}`
      const child = start('supervisor.js', '2', address)
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (piece) => {
        said += piece
      })
      const ends = outcome(child)
      /** @param {string} word */
      const says = async (word) => {
        while (!said.includes(word)) {
          assert.equal(child.exitCode, null, said)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
      const ask = async () => {
        const socket = await UnixSocket.connect(address)
        const answer = String((await socket.recv({ timeout: 10_000 }))?.data)
        socket.close()
        return Number(/^served by (\d+)$/.exec(answer)?.[1])
      }
      await says('kill -HUP')
      const before = await ask()
      assert.ok(before > 0 && before !== child.pid)
      child.kill('SIGHUP')
      // Nobody is refused meanwhile.
      while (!said.includes('reloaded')) assert.ok((await ask()) > 0)
      const after = await ask()
      assert.notEqual(after, before)
      process.kill(after, 'SIGKILL')
      await says(`worker ${after} ended (SIGKILL), another one takes its place`)
      assert.ok((await ask()) > 0)
      child.kill('SIGTERM')
      await ends
      assert.match(said, /\nreloaded\n.*SIGKILL.*\nall workers have ended\n$/)
    },

    async 'graceful-shutdown.js'() {
      const child = start('graceful-shutdown.js')
      child.stdout.once('data', () => child.kill('SIGTERM'))
      const stdout = await outcome(child)
      const lines = [`kill ${child.pid}`, `SIGTERM from pid ${process.pid}`, 'every answer has been given', '']
      assert.equal(stdout, lines.join('\n'))
    },

    async 'progress-by-signal.js'() {
      const stdout = await outcome(start('progress-by-signal.js'))
      assert.equal(stdout, '0 %\n20 %\n40 %\n60 %\n80 %\n100 %\n')
    },

    async 'stop-process.js'() {
      // It gives in at the second word only, and is a child of none of them.
      const target = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 60 & wait; done'], {
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
      })
      const pid = /** @type {number} */ (target.pid)
      try {
        await once(target.stdout, 'data')
        const stdout = await outcome(start('stop-process.js', String(pid)))
        assert.match(
          stdout,
          new RegExp(`^process ${pid}, started by ${process.pid} at .*Z\nit was ended by SIGKILL\n$`),
        )
      } finally {
        process.kill(-pid, 'SIGKILL')
      }
    },

    async 'work-queue.js'() {
      const stdout = await outcome(start('work-queue.js'))
      assert.match(stdout, /^(?:worker \d+ did \d+\n){4}40 of 40 results are right\n$/)
      const counts = [...stdout.matchAll(/did (\d+)/g)].map(([, count]) => Number(count))
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        40,
      )
    },

    async 'patience.js'() {
      const stdout = await outcome(start('patience.js'))
      assert.match(
        stdout,
        /^timeout: ETIMEDOUT, .*\nabort: .*\nafter both: still here\nclose: ERR_IPC_CLOSED, .*\nno reader: EPIPE, .*\n$/,
      )
    },
  }

  for (const [name, check] of Object.entries(checks)) it(`${name} does what it says, and closes what it opens`, check)

  it('are all checked here', () => {
    assert.deepEqual(
      readdirSync(folder)
        .filter((name) => name.endsWith('.js'))
        .sort(),
      Object.keys(checks).sort(),
    )
  })
})
