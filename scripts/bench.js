// The benchmark: `npm run bench -- --help`. It lives in bench/.
import { main } from '../bench/lib/main.js'

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}
