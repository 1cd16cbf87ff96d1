// The ten most frequent words of a file, counted by processes that a kernel pipe joins.
//   node examples/word-count.js README.md
import { pipeline } from 'os-ipc'

const file = process.argv[2] ?? new URL('../README.md', import.meta.url).pathname
const counting = pipeline(
  [
    ['cat', file],
    ['tr', '-cs', 'A-Za-z', '\n'],
    ['tr', 'A-Z', 'a-z'],
    ['sort'],
    ['uniq', '-c'],
    ['sort', '-rn'],
    ['head', '-n', '10'],
  ],
  { stdin: 'ignore', stdout: 'inherit' },
)
const failed = (await counting.status()).filter(({ code, signal }) => code !== 0 && signal !== 'SIGPIPE')
process.exitCode = failed.length === 0 ? 0 : 1
