/** The builds of the addon under which a victim of faults runs: its title, its environment, and why it is left out if it is. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sanitizedFolder } from '../../scripts/support/addon.js'
import { ask } from '../../scripts/support/run.js'

/** @typedef {[title: string, env: Record<string, string>, skip: false | string]} Build */

/** @type {Build} */
export const plainBuild = ['', {}, false]

/** Its own handlers would stand in the way of the one that guards memory which others shorten. */
const OPTIONS = 'detect_leaks=0:handle_segv=0:handle_sigbus=0:allow_user_segv_handler=1:abort_on_error=1'

/** The one that AddressSanitizer watches over. In CI it is not left out. @returns {Build} */
export function sanitizedBuild() {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const addon = join(root, sanitizedFolder, `os-ipc.linux-${process.arch}-gnu.node`)
  const library = ask('cc', ['-print-file-name=libasan.so']) ?? ''
  const built = existsSync(addon) && library.startsWith('/')
  return [
    ', with AddressSanitizer',
    { OS_IPC_NATIVE: addon, LD_PRELOAD: library, ASAN_OPTIONS: OPTIONS },
    !built && !process.env.CI && 'needs gcc and `npm run build -- --sanitize`',
  ]
}
