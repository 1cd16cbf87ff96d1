/**
 * `node scripts/screenshots.js`, after `npm run bench`: the pictures in docs/images (the report in light and dark, `os-ipc ls` and
 * `os-ipc watch` in a terminal), and the speeds in README.md. All are taken from bench/report.json, or from another one by
 * `--report FILE`; `--to FOLDER` puts the pictures elsewhere and leaves README.md as it is. They need Chromium, tmux and util-linux
 * (apt-get install chromium tmux util-linux).
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { html } from '../bench/lib/report/html.js'
import { Complaint, main, root } from './support/run.js'
import { withSpeeds } from './support/speeds.js'

const { values } = parseArgs({
  options: {
    report: { type: 'string', default: join(root, 'bench/report.json') },
    to: { type: 'string', default: join(root, 'docs/images') },
  },
})
const images = resolve(values.to)
const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(isThere)
const size = { columns: 110, lines: 22 }

await main(async () => {
  if (!browser) throw new Complaint('Chromium is missing (`apt-get install chromium`)')
  for (const tool of ['tmux', 'unshare']) {
    if (!isThere(tool)) throw new Complaint(`${tool} is missing (\`apt-get install tmux util-linux\`)`)
  }
  if (!existsSync(values.report)) throw new Complaint(`${values.report} is missing (\`npm run bench\`)`)
  /** @type {import('../bench/lib/report/collect.js').Report} */
  const report = JSON.parse(readFileSync(values.report, 'utf8'))
  mkdirSync(images, { recursive: true })
  const scratch = mkdtempSync(join(tmpdir(), 'os-ipc-screenshots-'))
  try {
    const page = join(scratch, 'report.html')
    writeFileSync(page, html(report))
    photograph(browser, page, 'report-light.png', { height: 1420, dark: false, scratch })
    photograph(browser, page, 'report-dark.png', { height: 1420, dark: true, scratch })
    for (const [name, words] of /** @type {const} */ ([
      ['ls', 'ls; exec cat'],
      ['watch', 'watch --interval 0.5'],
    ])) {
      const shown = join(scratch, `${name}.html`)
      const screen = await screenOf(words, scratch)
      writeFileSync(shown, terminalPage(screen))
      photograph(browser, shown, `${name}.png`, { height: 40 + 19 * screen.split('\n').length, dark: true, scratch })
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  if (images === join(root, 'docs/images')) writeSpeeds(report)
})

/** @param {import('../bench/lib/report/collect.js').Report} report */
function writeSpeeds(report) {
  // A quick run proves no figure.
  if (report.settings.quick) return
  const file = join(root, 'README.md')
  writeFileSync(file, withSpeeds(readFileSync(file, 'utf8'), report))
}

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
    `--user-data-dir=${join(scratch, `browser-${name}`)}`,
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // Chromium's own sandbox refuses root, and the page is ours.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    `--blink-settings=preferredColorScheme=${dark ? 0 : 1}`,
    `--window-size=1000,${height}`,
    `--screenshot=${join(images, name)}`,
  ]
  execFileSync(program, [...options, `file://${page}`], { stdio: 'ignore', timeout: 60_000 })
}

/**
 * What a command of ours shows in a terminal while something goes on, in a machine of its own: nothing of this one's objects
 * and processes is in the picture.
 * @param {string} words
 * @param {string} scratch
 */
async function screenOf(words, scratch) {
  const server = ['-S', join(scratch, 'tmux'), '-f', '/dev/null']
  const traffic = `'${process.execPath}' /mnt/scripts/support/scenery.js`
  const command = `'${process.execPath}' /mnt/bin/os-ipc.js ${words}`
  const folders = ['/dev/shm', '/tmp', '/run', '/var/tmp'].map((folder) => `mount -t tmpfs none ${folder}`)
  // The package may stand below a folder that is hidden then.
  const inside = [
    `mount --bind '${root}' /mnt`,
    ...folders,
    `${traffic} /tmp/ready 2>/dev/null & until [ -e /tmp/ready ]; do sleep 0.1; done`,
    command,
  ].join('; ')
  const apart = [
    'unshare',
    ...(process.getuid?.() === 0 ? [] : ['-Ur']),
    '-imnp',
    '--fork',
    '--mount-proc',
    '--kill-child',
  ]
  const place = ['-x', String(size.columns), '-y', String(size.lines), '-c', '/']
  execFileSync('tmux', [...server, 'new-session', '-d', '-s', 'scene', ...place, ...apart, 'sh', '-c', inside])
  try {
    await pause(8_000)
    return execFileSync('tmux', [...server, 'capture-pane', '-e', '-p', '-t', 'scene'], { encoding: 'utf8' }).trimEnd()
  } finally {
    execFileSync('tmux', [...server, 'kill-server'], { stdio: 'ignore' })
  }
}

/** @param {string} screen with the escape sequences of bold, and others that do not matter */
function terminalPage(screen) {
  const text = screen
    .replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/\x1b\[([\d;]*)m/g, (_, code) => (code === '1' ? '<b>' : '</b>'))
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
