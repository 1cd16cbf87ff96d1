/** What campaigns have come to: how it is kept, and the page that is made of it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { list } from '../index.js'
import { loadCampaigns } from '../scripts/support/trust/campaigns.js'
import { draw } from '../scripts/support/trust/chart.js'
import { render, stalePage } from '../scripts/support/trust/page.js'
import { merge, records } from '../scripts/support/trust/record.js'
import { soak } from './faults/soak/soak.js'

const row = (more = {}) => ({
  ...{ class: 'pipe', fault: 'K1', name: 'k01-sender-killed', promise: 'nothing is lost', runs: 1, rounds: 10 },
  ...{ seconds: 2, figures: { kills: 10, slowestMs: 3 }, result: 'passed' },
  ...more,
})
const run = (date, commit = 'abc', changed = false) => ({
  ...{ command: 'npm run campaign -- kill', date, seconds: 2, kernel: 'Linux 6', runtime: 'Node 20', commit, changed },
  ...{ cpus: 2, load: 1 },
})
const nothing = { campaign: 'kill', runs: {}, rows: [] }

describe('a record', () => {
  test('is added to at the same commit: counts are summed, measures kept at their worst', () => {
    const once = merge(nothing, [row()], run('1'))
    const twice = merge(once, [row({ figures: { kills: 5, slowestMs: 9 } })], run('2'))
    assert.equal(twice.rows.length, 1)
    assert.deepEqual(twice.rows[0].figures, { kills: 15, slowestMs: 9 })
    assert.deepEqual([twice.rows[0].rounds, twice.rows[0].seconds, twice.rows[0].of], [20, 4, ['1', '2']])
  })

  test('is not added to where it tells of everything so far', () => {
    const once = merge(nothing, [row({ cumulative: true })], run('1'))
    const { rows } = merge(once, [row({ cumulative: true, rounds: 15, figures: { kills: 12 } })], run('2'))
    assert.deepEqual([rows[0].rounds, rows[0].figures, rows[0].of], [15, { kills: 12 }, ['1', '2']])
  })

  test('is replaced at another commit, and where files differed from the commit', () => {
    for (const later of [run('2', 'def'), run('2', 'abc', true)]) {
      const { rows, runs } = merge(merge(nothing, [row()], run('1')), [row({ rounds: 3 })], later)
      assert.deepEqual([rows[0].rounds, rows[0].of, Object.keys(runs)], [3, ['2'], ['2']])
    }
  })

  test('keeps a failure, and rows that were not run again', () => {
    const both = merge(nothing, [row(), row({ class: 'fifo' })], run('1'))
    const { rows, runs } = merge(both, [row({ result: 'failed', seed: 7 }), row({ class: 'fifo', runs: 0 })], run('2'))
    assert.deepEqual(
      rows.map((entry) => [entry.class, entry.result, entry.of]),
      [
        ['fifo', 'passed', ['1']],
        ['pipe', 'failed', ['2']],
      ],
    )
    assert.deepEqual(Object.keys(runs), ['1', '2'])
  })
})

describe('docs/trust.md', () => {
  test('is what the records say', async () => assert.deepEqual(await stalePage(), []))

  test('shows what was reached of what was asked, failures, and the commit', async () => {
    const campaigns = await loadCampaigns()
    const page = (rows, of = run('2026-01-01T00:00:00Z')) => render([merge(nothing, rows, of)], campaigns)
    assert.match(page([row()]), /\| processes killed \| 10,000 \| 10 \| .* \| not reached \|/)
    assert.match(page([row({ figures: { kills: 10_000 } })]), /\| processes killed \| 10,000 \| 10,000 \| .* \| ✓ \|/)
    assert.match(page([row({ result: 'failed' })]), /✗ pipe: failed/)
    assert.match(page([row()], run('1', 'abc', true)), /`abc` and changes/)
  })

  test('tells of no campaign that there is not', async () => {
    const known = (await loadCampaigns()).map(({ name }) => name)
    for (const { campaign, rows, runs } of records()) {
      assert.ok(known.includes(campaign), campaign)
      for (const { of } of rows) for (const id of of) assert.ok(runs[id], id)
    }
  })
})

test('a look at the soak: eight processes use everything, tell of themselves, and leave nothing', {
  timeout: 60_000,
}, async () => {
  // Sockets are of whoever else is at work on this machine.
  const kept = () => list().filter(({ kind }) => kind !== 'socket')
  const named = () => new Set(kept().map(({ kind, name, id }) => `${kind} ${name ?? id}`))
  const before = named()
  const samples = await soak({ ms: 1500, every: 300, seed: 1 })
  assert.equal(new Set(samples.map(({ asks, number }) => `${asks} ${number}`)).size, 8)
  const trials = samples.reduce((sum, sample) => sum + (sample.trials ?? 0), 0)
  assert.ok(trials > 50, `${trials} trials`)
  for (const { descriptors, threads, resident } of samples)
    assert.ok(descriptors > 3 && threads > 1 && resident > 2 ** 20)
  assert.deepEqual(
    [...named()].filter((name) => !before.has(name)),
    [],
  )
})

test('a chart shows each line, whatever the values', () => {
  const line = (...values) => values.map((y, x) => ({ x, y }))
  const svg = draw('dark', [
    { title: 'one', lines: [line(1, 2, 3), line(0, 0, 0)] },
    { title: 'two', lines: [line(0.001)] },
  ])
  assert.equal(svg.match(/<path /g)?.length, 3)
  assert.ok(!svg.includes('NaN') && !svg.includes('Infinity'), svg)
})
