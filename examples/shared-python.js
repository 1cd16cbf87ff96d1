// The same memory in Node and in Python, by multiprocessing.shared_memory and by mmap.
//   node examples/shared-python.js
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { SharedMemory } from 'os-ipc'

const script = `
import mmap, struct, sys
from multiprocessing import resource_tracker, shared_memory

name = sys.argv[1]
memory = shared_memory.SharedMemory(name)
# Python would unlink at its end what it has not made.
resource_tracker.unregister(memory._name, "shared_memory")
numbers = struct.unpack_from("<8d", memory.buf)
struct.pack_into("<d", memory.buf, 64, sum(numbers))
memory.close()

with open("/dev/shm/" + name, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
    mapped[128:140] = b"and a number"
`

const memory = SharedMemory.open(null, { size: 4096, create: true })
try {
  const numbers = new Float64Array(memory.buffer, 0, 9)
  numbers.set([1, 2, 3, 4, 5, 6, 7, 8])
  const child = spawn('python3', ['-c', script, memory.name.slice(1)], { stdio: ['ignore', 'inherit', 'inherit'] })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error(`python3 ended with ${status}`)
  console.log(`Python's sum: ${numbers[8]}, ${memory.read(128, 12)}`)
} finally {
  memory.unlink()
  memory.close()
}
