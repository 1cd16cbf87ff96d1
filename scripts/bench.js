// The benchmark: `npm run bench -- --help`. It lives in bench/.
import { main } from '../bench/lib/main.js'

// Whoever read the rows has had enough of them. Leaving by exit() removes what lies in the temporary directory.
process.stdout.on('error', () => process.exit(1))
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(130))

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}
