// A counter and a greeting shared with a C program, which sleeps until it is woken. Needs a C compiler.
//   node examples/shared-counter.js
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SharedMemory, struct } from 'os-ipc'

const source = `
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct board { _Atomic uint32_t ready; _Atomic uint64_t count; char greeting[16]; };

int main(void) {
  struct board *board = mmap(0, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
  while (atomic_load(&board->ready) == 0) syscall(SYS_futex, &board->ready, FUTEX_WAIT, 0, 0, 0, 0);
  for (int i = 0; i < 500000; i++) atomic_fetch_add(&board->count, 1);
  snprintf(board->greeting, sizeof board->greeting, "hello from C");
  return 0;
}
`
const Board = struct({ ready: 'u32', count: 'u64', greeting: ['char', 16] })

const folder = mkdtempSync(join(tmpdir(), 'os-ipc-example-'))
const memory = SharedMemory.create(4096)
try {
  writeFileSync(join(folder, 'counter.c'), source)
  const { status, stderr } = spawnSync('cc', ['-O1', '-o', 'counter', 'counter.c'], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`cc: ${stderr}`)
  const child = spawn(join(folder, 'counter'), { stdio: ['ignore', 'inherit', 'inherit', memory.fd] })
  const gone = once(child, 'exit')
  memory.atomics.store('u32', Board.offsets.ready, 1)
  memory.notify(Board.offsets.ready)
  for (let i = 0; i < 100_000; i++) memory.atomics.add('u64', Board.offsets.count, 1n)
  await gone
  const { count, greeting } = Board.view(memory)
  console.log(`${greeting}: we counted to ${count}`)
} finally {
  memory.close()
  rmSync(folder, { recursive: true })
}
