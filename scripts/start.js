/** `npm start`: sets up what is missing, then runs the tour with the arguments given. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { main, root } from './support/run.js'
import { setUp } from './support/setup.js'

await main(async () => {
  await setUp()
  const tour = [join(root, 'bin/os-ipc.js'), 'tour', ...process.argv.slice(2)]
  // npm starts scripts in the package's folder; a FILE is meant from where the user stands.
  const cwd = process.env.INIT_CWD ?? process.cwd()
  const { status, signal } = spawnSync(process.execPath, tour, { cwd, stdio: 'inherit' })
  if (signal) process.kill(process.pid, signal)
  process.exitCode = status ?? 1
})
