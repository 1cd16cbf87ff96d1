/**
 * `node scripts/screenshots.js`: the pictures in docs/images, of bench/report.html in light and dark and of `os-ipc watch` in a
 * terminal. They need Chromium and tmux (apt-get install chromium tmux), and a report: `npm run bench`, or another one by
 * `--report FILE`.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Complaint, main, root } from './support/run.js'

const { values } = parseArgs({ options: { report: { type: 'string', default: join(root, 'bench/report.html') } } })
const images = join(root, 'docs/images')
const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(isThere)
const size = { columns: 110, lines: 24 }

await main(async () => {
  if (!browser) throw new Complaint('Chromium is missing (`apt-get install chromium`)')
  if (!isThere('tmux')) throw new Complaint('tmux is missing (`apt-get install tmux`)')
  if (!existsSync(values.report)) throw new Complaint(`${values.report} is missing (\`npm run bench\`)`)
  mkdirSync(images, { recursive: true })
  const scratch = mkdtempSync(join(tmpdir(), 'os-ipc-screenshots-'))
  try {
    const report = resolve(values.report)
    photograph(browser, report, 'report-light.png', { height: 1500, dark: false, scratch })
    photograph(browser, report, 'report-dark.png', { height: 1500, dark: true, scratch })
    const page = join(scratch, 'watch.html')
    writeFileSync(page, terminalPage(await watchScreen(scratch)))
    photograph(browser, page, 'watch.png', { height: 480, dark: true, scratch })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})

/**
 * @param {string} program
 * @param {string} page
 * @param {string} name
 * @param {{ height: number, dark: boolean, scratch: string }} how
 */
function photograph(program, page, name, { height, dark, scratch }) {
  const options = [
    '--headless=new',
    '--disable-gpu',
    '--hide-scrollbars',
    `--user-data-dir=${join(scratch, name)}`,
    '--no-first-run',
    // Chromium's own sandbox refuses root, and the page is ours.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    `--blink-settings=preferredColorScheme=${dark ? 0 : 1}`,
    `--window-size=1000,${height}`,
    `--screenshot=${join(images, name)}`,
  ]
  execFileSync(program, [...options, `file://${page}`], { stdio: 'ignore', timeout: 60_000 })
}

/** What `os-ipc watch` shows while something goes on. @param {string} scratch */
async function watchScreen(scratch) {
  const program = join(root, '__test__/fixtures/channel-traffic.js')
  const traffic = spawn(process.execPath, [program, '25000'], { stdio: ['pipe', 'ignore', 'inherit'] })
  const server = ['-S', join(scratch, 'tmux'), '-f', '/dev/null']
  const watch = `'${process.execPath}' '${join(root, 'bin/os-ipc.js')}' watch --interval 0.5`
  const place = ['-x', String(size.columns), '-y', String(size.lines), '-c', scratch]
  execFileSync('tmux', [...server, 'new-session', '-d', '-s', 'watch', ...place, watch])
  try {
    await pause(4_000)
    return execFileSync('tmux', [...server, 'capture-pane', '-p', '-t', 'watch'], { encoding: 'utf8' })
  } finally {
    traffic.kill()
    execFileSync('tmux', [...server, 'kill-server'], { stdio: 'ignore' })
  }
}

/** @param {string} screen */
function terminalPage(screen) {
  const text = screen.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
  return `<!doctype html><meta charset="utf-8"><style>body { background: #111113; margin: 16px }
pre { color: #edeef0; font: 14px/1.3 monospace }</style><pre>${text}</pre>`
}

/** @param {string} command */
function isThere(command) {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
