// Saves what a command writes to a file. The bytes go from pipe to file in the kernel; Node only says how many.
//   node examples/splice.js /tmp/log.gz
import { closeSync, openSync, statSync } from 'node:fs'
import { pipeline } from 'os-ipc'

const target = process.argv[2] ?? '/tmp/os-ipc-example.gz'
const packing = pipeline(
  [
    ['seq', '1000000'],
    ['gzip', '-1'],
  ],
  { stdin: 'ignore' },
)
const file = openSync(target, 'w', 0o600)
const moved = await packing.stdout.spliceTo(file)
closeSync(file)
packing.stdout.close()

console.log(`${moved} bytes moved, ${target} has ${statSync(target).size}`)
console.log(await packing.status())
