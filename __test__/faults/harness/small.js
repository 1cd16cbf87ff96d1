/** Victims that are small programs (core/examples/victim.rs): they begin and die some hundred times a second. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PROGRAM = `${ROOT}target/debug/examples/victim`

let built = false

/** Once, as `cargo test` builds it. */
export function buildSmall() {
  if (built) return
  const args = ['build', '--quiet', '--package', 'os-ipc-core', '--example', 'victim']
  const { status } = spawnSync('cargo', args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  assert.equal(status, 0, 'the victim cannot be built')
  built = true
}

export class Small {
  /**
   * @param {import('./context.js').Context} context
   * @param {string[]} words what it does
   * @param {(number | 'ignore')[]} [fds] its descriptors from 0 on; its stderr is this process's
   */
  constructor(context, words, [input = 'ignore', output = 'ignore', ...more] = []) {
    this.process = spawn(PROGRAM, words, { stdio: [input, output, 'inherit', ...more] })
    this.exited = new Promise((resolve, reject) => {
      this.process.once('error', reject)
      this.process.once('exit', (code, signal) => resolve({ code, signal }))
    })
    this.exited.catch(() => {})
    context.defer(() => this.process.kill('SIGKILL'))
  }

  /** Kills it, which is how it has to end. */
  async kill() {
    this.process.kill('SIGKILL')
    assert.deepEqual(await this.exited, { code: null, signal: 'SIGKILL' })
  }
}
