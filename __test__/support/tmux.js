/** A real terminal that nobody looks at: a tmux server of this process's own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** For the server's socket, which it leaves behind. */
let folder = ''
let windows = 0

/** @param {...string} words */
function tmux(...words) {
  folder ||= mkdtempSync(join(tmpdir(), 'os-ipc-tmux-'))
  return execFileSync('tmux', ['-S', join(folder, 'socket'), '-f', '/dev/null', ...words], {
    encoding: 'utf8',
    timeout: 10_000,
  })
}

/** To be called once in each spec that opens terminals. */
export function closeTerminalsAfter() {
  after(() => {
    if (folder === '') return
    tmux('kill-server')
    rmSync(folder, { recursive: true })
  })
}

/**
 * A command in a terminal of that size, which stays when it has ended.
 * @param {string[]} command
 * @param {{ columns: number, lines: number }} size
 */
export function openTerminal(command, { columns, lines }) {
  const name = `w${++windows}`
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const shell = `${quoted}; echo "[code $?]"; exec cat >/dev/null`
  tmux('new-session', '-d', '-s', name, '-x', String(columns), '-y', String(lines), 'sh', '-c', shell)
  const screen = () => tmux('capture-pane', '-p', '-t', name)
  return {
    screen,
    /** @param {...string} keys as tmux calls them */
    press: (...keys) => tmux('send-keys', '-t', name, ...keys),
    /** @param {number} width @param {number} height */
    resize: (width, height) => tmux('resize-window', '-t', name, '-x', String(width), '-y', String(height)),
    /** Waits until the screen shows that. @param {RegExp} wanted */
    async shows(wanted) {
      const end = performance.now() + 30_000
      for (;;) {
        const text = screen()
        if (wanted.test(text)) return text
        if (performance.now() > end) throw new Error(`${wanted} did not come:\n${text}`)
        await new Promise((settle) => setTimeout(settle, 50))
      }
    },
  }
}
