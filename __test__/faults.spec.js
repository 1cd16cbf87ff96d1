/** A look at each row of the campaigns; `npm run campaign` takes its time. And: that the rows can fail. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gather } from '../scripts/support/trust/rows.js'
import { repeat } from './faults/harness/campaign.js'
import { runRow } from './faults/harness/run.js'
import { CAMPAIGNS, choose, loadRows } from './faults/harness/table.js'
import { needs } from './support/extras.js'

/** Milliseconds, where a row does not say how much it needs for a look. */
const SHORT = 400

const rows = await loadRows()
const looked = rows.filter(({ fault, kind }) => fault.looks === undefined || fault.looks.includes(kind.name))
const defects = new URL('./faults/defects/', import.meta.url)
const defective = new URL('./faults/defects/classes/', import.meta.url)

/** @param {import('./faults/harness/table.js').Row} row */
function look(row) {
  const { fault, kind } = row
  test(`${fault.id}, ${kind.name}: ${fault.promise}`, {
    ...needs(...(fault.needs ?? [])),
    timeout: 120_000,
  }, async () => {
    const seed = Math.floor(Math.random() * 0x1_0000_0000)
    const ms = fault.short ?? SHORT
    const { passed, rounds, error } = await runRow(row, { ms, seed })
    assert.ok(passed, `${repeat(row, seed, ms)}\n${error}`)
    assert.ok(rounds > 0, 'not one round')
  })
}

describe('a look at each row', { concurrency: 2 }, () => {
  for (const row of looked) if (!row.fault.alone) look(row)
})

describe('a look at each row that measures time', () => {
  for (const row of looked) if (row.fault.alone) look(row)
})

describe('the harness notices', { concurrency: 2 }, () => {
  /** @param {string} name @param {RegExp} error */
  async function fails([row], error, budget = {}) {
    const outcome = await runRow(row, { ms: 600, seed: 1, ...budget })
    assert.equal(outcome.passed, false, 'it has passed')
    assert.match(outcome.error, error)
  }
  const defect = async (fault) => choose(await loadRows(defects, defective), { fault, kind: 'leaks' })
  const broken = async (fault, kind) => choose(await loadRows(undefined, defective), { fault, kind })

  test('a process that dies of a signal after all went well', async () => fails(await defect('D1'), /SIGABRT.*134/))
  test('a process that never ends', async () => fails(await defect('D2'), /Hung/, { ms: 100, patience: 500 }))
  test('a process that leaves others behind', async () => fails(await defect('D3'), /left processes behind/))
  test('a crash at the other side', async () => fails(await defect('D4'), /SIGSEGV.*139/))
  test('a message lost to an abort', async () => fails(await broken('G4', 'loses'), /is lost|received is not/))
  test('a message lost to a timeout', async () => fails(await broken('G5', 'loses'), /is lost|received is not/))
  test('a descriptor that stays open', async () => fails(await broken('L1', 'leaks'), /dev\/null/))
  test('memory that stays', async () => fails(await broken('L1', 'swells'), /bytes more/))
  test('a closed number that is written to', async () => fails(await broken('G2', 'touches'), /bytes in the stranger/))
})

test('every row belongs to a campaign and tells its rows apart', () => {
  const names = rows.map(({ name, kind }) => `${name} ${kind.name}`)
  assert.equal(new Set(names).size, names.length)
  for (const { fault } of rows) assert.ok(fault.campaign in CAMPAIGNS, fault.id)
  for (const campaign of Object.keys(CAMPAIGNS)) assert.ok(choose(rows, { campaign }).length > 0, campaign)
})

test('rows are chosen by several classes and faults; a name that there is not is no silence', () => {
  const chosen = choose(rows, { campaign: 'kill', kind: 'pipe,fifo', fault: 'K1,k02-receiver-killed' })
  assert.deepEqual(
    chosen.map(({ name, kind }) => `${name} ${kind.name}`),
    ['k01-sender-killed fifo', 'k01-sender-killed pipe', 'k02-receiver-killed fifo', 'k02-receiver-killed pipe'],
  )
  assert.throws(() => choose(rows, { campaign: 'kill', fault: 'K1,G16' }), /no fault 'G16'/)
  assert.throws(() => choose(rows, { kind: 'pipe,pump' }), /no class 'pump'/)
})

test('figures of several runs: counts are added up, measures are kept at their worst', () => {
  const figures = {}
  for (const run of [
    { kills: 2, slowestMs: 7, p99Ms: '1.5' },
    { kills: 3, slowestMs: 5, p99Ms: '2.5', steps: 'a b' },
  ]) {
    gather(figures, run)
  }
  assert.deepEqual(figures, { kills: 5, slowestMs: 7, p99Ms: 2.5, steps: 'a b' })
})

describe('the command', () => {
  const script = fileURLToPath(new URL('../scripts/campaign.js', import.meta.url))
  const run = (...args) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', timeout: 90_000 })

  test('runs the rows chosen and prints one line of JSON for each', () => {
    const args = ['hostile', '--class', 'pipe', '--fault', 'g1', '--minutes', '0.01', '--seed', '7', '--json']
    const { status, stdout, stderr } = run(...args)
    assert.equal(status, 0, stderr)
    const line = JSON.parse(stdout)
    assert.equal(line.class, 'pipe')
    assert.equal(line.fault, 'G1')
    assert.equal(line.result, 'passed')
    assert.ok(line.rounds > 0 && line.figures.closes > 0)
    assert.match(stderr, /seed 7 /)
  })

  test('refuses what it does not know, and says what there is', () => {
    for (const args of [
      [],
      ['nothing'],
      ['kill', 'leak'],
      ['kill', '--minutes', '0'],
      ['kill', '--class', 'nothing'],
      ['kill', '--fault', 'K1,nothing'],
      ['kill', '--unheard-of'],
    ]) {
      const { status, stderr } = run(...args)
      assert.equal(status, 2, args.join(' '))
      for (const name of Object.keys(CAMPAIGNS)) assert.match(stderr, new RegExp(`^${name} `, 'm'))
    }
  })
})
