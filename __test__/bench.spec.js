import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { glances } from '../bench/lib/report/glance.js'
import { html } from '../bench/lib/report/html.js'
import { speeds, withSpeeds } from '../scripts/support/speeds.js'

const bench = fileURLToPath(new URL('../scripts/bench.js', import.meta.url))
const run = (...args) => spawnSync(process.execPath, [bench, ...args], { encoding: 'utf8', timeout: 90_000 })

test('the bench measures each of our pipes and FIFOs and prints one JSON row for each comparison', () => {
  const { status, stdout, stderr } = run('pipes', '--quick', '--json', '--runs', '1')
  assert.equal(status, 0, stderr)
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const ours = rows.filter(({ page }) => page === 'pipes')
  assert.ok(ours.length > 0)
  for (const row of ours) {
    for (const name of ['transport', 'waits', 'size', 'figure', 'unit', 'pinning', 'peer', 'peerWaits']) {
      assert.equal(typeof row[name], 'string', `${name} of ${JSON.stringify(row)}`)
    }
    assert.ok(row.value > 0 && row.runs.length === 1, JSON.stringify(row))
    if (row.peerValue === null) assert.match(row.note, new RegExp(row.peer), JSON.stringify(row))
    else assert.ok(Math.abs(row.ratio - row.value / row.peerValue) < 1e-9, JSON.stringify(row))
    if (row.target !== null && row.ratio !== null) assert.equal(typeof row.reached, 'boolean')
  }
  const peers = new Set(ours.map(({ peer }) => peer))
  for (const peer of ['child stdio', 'net.Socket, framed', 'process.send json', 'process.send advanced', 'C pipe']) {
    assert.ok(peers.has(peer), peer)
  }
  const figures = new Set(ours.map(({ figure }) => figure))
  for (const figure of ['round trip p50', 'round trip p99', 'throughput', 'two cats, wall time']) {
    assert.ok(figures.has(figure), figure)
  }
  assert.ok(rows.some(({ page, transport }) => page === 'machine' && transport === 'cache line'))
})

test('the bench refuses a page that does not exist and names those that do', () => {
  const { status, stdout, stderr } = run('no-such-page')
  assert.equal(status, 2)
  assert.equal(stdout, '')
  assert.match(stderr, /no page 'no-such-page': .*pipes/)
})

test('the bench refuses a number of runs that is none', () => {
  for (const runs of ['0', '1.5', 'many']) assert.equal(run('pipes', '--runs', runs).status, 2, runs)
})

test('the bench measures our POSIX queues beside a C program, and writes all of it into a report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'os-ipc-report-'))
  try {
    const words = ['mq', '--quick', '--json', '--runs', '2', '--only', 'POSIX', '--report', folder]
    const { status, stdout, stderr } = run(...words)
    assert.equal(status, 0, stderr)
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ page, peer }) => page === 'mq' && peer.startsWith('C '))
    const figures = new Set(rows.map(({ figure }) => figure))
    for (const figure of ['round trip p50', 'throughput', 'send and receive in one process']) {
      assert.ok(figures.has(figure), figure)
    }
    for (const row of rows) assert.ok(row.value > 0 && row.peerValue > 0, JSON.stringify(row))
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
    isWhole(report)
    looksWhole(readFileSync(join(folder, 'report.html'), 'utf8'), report)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a report draws each figure over the sizes at which it was measured', () => {
  /** @param {string} size @param {string} figure @param {string} unit @param {number[]} medians */
  const group = (size, figure, unit, medians) => ({
    page: 'a<b',
    name: `${figure} ${size}`,
    size,
    pinning: 'none',
    contenders: medians.map((_, index) => ({ name: `c&${index}`, waits: 'awaited', ours: index === 0 })),
    values: medians.flatMap((median, index) =>
      [
        { figure, unit },
        { figure: 'CPU by message', unit: 'µs' },
      ].map((what) => ({
        ...what,
        contender: `c&${index}`,
        runs: [median],
        median,
        least: median / 2,
        greatest: 2 * median,
      })),
    ),
  })
  const report = {
    taken: 'now',
    machine: { kernel: '"6"' },
    versions: { node: '20' },
    settings: { runs: 1, roundMs: 1, quick: false },
    cacheLine: [],
    rows: [],
    groups: [
      ...[64, 1024].map((size) => group(`${size === 64 ? '64 B' : '1 KiB'}`, 'round trip p50', 'µs', [size, 2 * size])),
      group('64 B', 'throughput', 'messages/s', [1e6, 2e6, 3e6]),
      group('1 MiB', 'throughput', 'GB/s', [1, 2]),
    ],
  }
  const page = html(report)
  looksWhole(page.replaceAll('&#38;', '&'), report)
  for (const title of ['Latency by size', 'Throughput by size', 'CPU by message', 'CPU by round trip']) {
    assert.ok(page.includes(title), title)
  }
  assert.ok(page.includes('c&#38;0, 64 B: 64 MB/s (32 MB/s to 128 MB/s)'), 'messages a second are bytes a second, too')
  assert.ok(!page.includes('a<b'))
})

test('a report begins with the best way of each transport to wait, and the README can have the same', () => {
  /** @param {string} name @param {string} figure @param {string} unit @param {Array<[string, string, number]>} measured */
  const group = (name, figure, unit, measured, pinning = 'both on CPU 1') => ({
    page: name,
    name,
    size: '64 B',
    pinning,
    contenders: measured.map(([contender, waits]) => ({
      name: contender,
      waits,
      ours: /^(channel|pipe)/.test(contender),
    })),
    values: measured.map(([contender, , median]) => ({
      ...{ figure, unit, contender, median },
      ...{ runs: [median], least: median, greatest: median },
    })),
  })
  const report = {
    taken: 'now',
    machine: { processor: 'P', processors: 2, kernel: 'K' },
    versions: { node: 'N' },
    settings: { runs: 5, roundMs: 1, quick: false },
    cacheLine: [],
    rows: [],
    groups: [
      group('a', 'throughput', 'messages/s', [
        ['channel, recv', 'awaited', 2e6],
        ['channel, recvMany', 'awaited', 3e6],
        ['channel, recvSync', 'sync', 9e6],
        ['zeromq', 'awaited', 1e5],
        ['C ring', 'spinning', 9e7],
      ]),
      group('b', 'throughput', 'messages/s', [
        ['pipe, recv', 'awaited', 5e5],
        ['zeromq', 'awaited', 2e5],
      ]),
      group('c', 'round trip p50', 'µs', [
        ['channel, recv', 'awaited', 9],
        ['zeromq', 'awaited', 60],
      ]),
      group('d', 'round trip p50', 'µs', [['channel, recv', 'awaited', 1]], 'CPU 0 to CPU 1'),
    ],
  }
  const [throughput, trip, ...others] = glances(report.groups).map(({ less, values }) => ({
    less,
    values: values.map(({ transport, median }) => [transport, median]),
  }))
  assert.deepEqual(throughput, {
    less: false,
    values: [
      ['Channel', 3e6],
      ['pipe()', 5e5],
      ['zeromq', 2e5],
    ],
  })
  assert.deepEqual(trip, {
    less: true,
    values: [
      ['Channel', 9],
      ['zeromq', 60],
    ],
  })
  assert.deepEqual(others, [])
  assert.ok(html(report).includes('At a glance'))
  const told = speeds(report).split('\n')
  assert.deepEqual(told.slice(2, 5), ['| **Channel** | 3.0 M/s |', '| **pipe()** | 500 k/s |', '| zeromq | 200 k/s |'])
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const written = withSpeeds(readme, report)
  assert.ok(written.includes(told.join('\n')))
  assert.equal(withSpeeds(written, report), written, 'again and again at the same place')
  assert.throws(() => withSpeeds('a page without marks', report))
})

/** @param {import('../bench/lib/report/collect.js').Report} report */
function isWhole({ machine, versions, groups, cacheLine }) {
  for (const name of ['processor', 'processors', 'kernel']) assert.ok(machine[name], name)
  assert.equal(versions.node, process.versions.node)
  assert.ok(versions['os-ipc'] && versions.zeromq)
  assert.ok(cacheLine.every((nanoseconds) => nanoseconds > 0))
  assert.ok(groups.length > 2)
  for (const { name, contenders, values } of groups) {
    for (const { name: contender, failure } of contenders) {
      assert.ok(failure || values.some((value) => value.contender === contender), `${name}: ${contender}`)
    }
    for (const { median, least, greatest, runs } of values) {
      assert.ok(runs.length === 2 && least <= median && median <= greatest && greatest > 0, name)
    }
  }
  const cpu = groups.flatMap(({ values }) => values).filter(({ figure }) => figure === 'CPU by message')
  assert.ok(cpu.length > 0 && cpu.every(({ median }) => median > 0 && median < 1e5), JSON.stringify(cpu))
}

/** @param {string} page @param {import('../bench/lib/report/collect.js').Report} report */
function looksWhole(page, { groups }) {
  assert.ok(page.startsWith('<!doctype html>') && page.trimEnd().endsWith('</html>'))
  assert.ok(!/<script|<link|<img|@import|https?:|url\(/.test(page), 'it needs nothing beside it')
  assert.ok(page.includes('prefers-color-scheme: dark'))
  assert.ok(!page.includes('NaN') && !page.includes('undefined'))
  for (const { contenders } of groups) for (const { name } of contenders) assert.ok(page.includes(name), name)
  assert.ok(page.includes('CPU by message'))
  for (const tag of ['svg', 'g', 'table', 'details', 'section', 'ul']) {
    const count = (/** @type {RegExp} */ pattern) => [...page.matchAll(pattern)].length
    assert.equal(count(new RegExp(`<${tag}[ >]`, 'g')), count(new RegExp(`</${tag}>`, 'g')), tag)
  }
}

test('the bench measures our channels beside a ring in C', () => {
  const { status, stdout, stderr } = run('channel', '--quick', '--json', '--runs', '1', '--only', 'local cost')
  assert.equal(status, 0, stderr)
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ page }) => page === 'channel')
  assert.deepEqual(rows.map(({ transport }) => transport).sort(), [
    'channel, trySend and tryBorrow',
    'channel, trySend and tryRecv',
  ])
  for (const row of rows) {
    assert.equal(row.peer, 'C ring')
    assert.ok(row.value > 0 && row.peerValue > 0, JSON.stringify(row))
    assert.equal(row.reached, row.value <= Number.parseFloat(row.target.slice(3)), JSON.stringify(row))
  }
})

test('the bench measures our locks uncontended, contended and idle, beside C programs and a bare runtime', () => {
  const { status, stdout, stderr } = run('locks', '--quick', '--json', '--runs', '1')
  assert.equal(status, 0, stderr)
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ page, peer }) => page === 'locks' && peer !== 'proper-lockfile')
  for (const figure of ['taken and given back', 'hand-overs', 'least served', 'processor time of 5 s']) {
    assert.ok(
      rows.some((row) => row.figure === figure),
      figure,
    )
  }
  // How fair so short a look is, and what it costs, may be nothing at all.
  for (const row of rows) assert.ok(row.value >= 0 && row.peerValue >= 0, JSON.stringify(row))
})

test('the bench measures our signals and the ends of processes beside C programs', () => {
  const { status, stdout, stderr } = run('signals', 'processes', '--quick', '--json', '--runs', '1')
  assert.equal(status, 0, stderr)
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ page }) => page === 'signals' || page === 'processes')
  const figures = new Set(rows.map(({ figure }) => figure))
  for (const figure of ['round trip p50', 'round trip p99', 'throughput', 'end noticed after, p99']) {
    assert.ok(figures.has(figure), figure)
  }
  for (const row of rows) assert.ok(row.value > 0 && row.peerValue > 0, JSON.stringify(row))
})

test('the bench measures our calls with a large argument beside process.send', () => {
  const { status, stdout, stderr } = run('rpc', '--quick', '--json', '--runs', '1', '--only', 'typed array')
  assert.equal(status, 0, stderr)
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ page }) => page === 'rpc')
  assert.equal(rows.length, 2)
  for (const row of rows) assert.ok(row.value > 0 && row.peerValue > 0 && row.target !== null, JSON.stringify(row))
})
