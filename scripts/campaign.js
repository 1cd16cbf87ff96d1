/** `npm run campaign -- NAME`: proves what is promised of faults, for as long as asked. See --help. */
import { parseArgs } from 'node:util'
import { main } from './support/run.js'
import { setUp } from './support/setup.js'
import { loadCampaigns } from './support/trust/campaigns.js'
import { writePage } from './support/trust/page.js'
import { begin, record } from './support/trust/record.js'
import { table } from './support/trust/rows.js'

const OPTIONS = `--minutes N     how long in all (1)
--seed S        begin with this seed, as a failure has printed it
--json          one line of JSON for each row, on stdout
--record        write the outcome into docs/trust, and docs/trust.md anew
--page          only write docs/trust.md anew, of what was recorded

of those marked *, beside these:
--class C       only this class, or these: C,D
--fault F       only this fault, or these: F,G; by number, as in G4, or by the name of its file
--jobs N        so many rows at once (one for each CPU); those that measure time are alone`

await main(async () => {
  process.exitCode = await campaign(process.argv.slice(2))
})

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit status
 */
async function campaign(args) {
  const campaigns = await loadCampaigns()
  const usage = () => `npm run campaign -- NAME [options]\n\n${namesOf(campaigns)}\n\n${OPTIONS}`
  /** @param {unknown} why */
  const refuse = (why) => {
    process.stderr.write(`campaign: ${why instanceof Error ? why.message : why}\n\n${usage()}\n`)
    return 2
  }
  const { name, known, rest } = split(args)
  if (known.help) {
    process.stdout.write(`${usage()}\n`)
    return 0
  }
  if (known.page) {
    await writePage()
    return 0
  }
  const [minutes, seed] = [Number(known.minutes ?? 1), known.seed === undefined ? undefined : Number(known.seed)]
  if (name === undefined) return refuse('exactly one campaign is wanted')
  const found = campaigns.find((entry) => entry.name === name)
  if (found === undefined) return refuse(`there is no campaign '${name}'`)
  if (!(minutes > 0)) return refuse(`--minutes ${known.minutes} is no time`)
  if (seed !== undefined && !Number.isInteger(seed)) return refuse(`--seed ${known.seed} is no whole number`)

  /** @type {Awaited<ReturnType<typeof found.prepare>>} */
  let run
  try {
    run = await found.prepare({ minutes, seed, rest, record: Boolean(known.record) })
  } catch (error) {
    return refuse(error)
  }
  await setUp({ faultInject: run.faultInject })
  const begun = begin(args)
  // Thousands of processes need not compare with the sources what was made of them a moment ago.
  process.env.OS_IPC_SOURCES ??= '0'
  const rows = await run()
  if (known.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
  else process.stdout.write(`${table(rows)}\n`)
  if (known.record) {
    record(name, rows, begun)
    await writePage()
  }
  return rows.some(({ result }) => result === 'failed') ? 1 : 0
}

/** @param {Awaited<ReturnType<typeof loadCampaigns>>} campaigns */
function namesOf(campaigns) {
  const shown = campaigns.map(({ name, about, ofRows }) => ({ name: `${name}${ofRows ? ' *' : ''}`, about }))
  const width = Math.max(14, ...shown.map(({ name }) => name.length))
  return shown.map(({ name, about }) => `${name.padEnd(width)}  ${about}`).join('\n')
}

/**
 * What every campaign knows is taken out; the rest is its own.
 * @param {string[]} args
 */
function split(args) {
  const string = { type: /** @type {const} */ ('string') }
  const boolean = { type: /** @type {const} */ ('boolean') }
  const options = { minutes: string, seed: string, json: boolean, record: boolean, page: boolean, help: boolean }
  const name = args[0]?.startsWith('-') ? undefined : args[0]
  /** @type {string[]} */
  const ours = []
  /** @type {string[]} */
  const rest = []
  for (let i = name === undefined ? 0 : 1; i < args.length; i++) {
    const [, option, value] = /^--(\w+)(=.*)?$/s.exec(args[i]) ?? ['', '']
    const list = Object.hasOwn(options, option) ? ours : rest
    list.push(args[i])
    const more = list === ours && options[/** @type {keyof typeof options} */ (option)].type === 'string'
    if (more && value === undefined && i + 1 < args.length) ours.push(args[++i])
  }
  const { values } = parseArgs({ args: ours, options, strict: false })
  return { name, known: values, rest }
}
