/* shm_round_trip: two processes wake each other by a futex in shared memory, and sleep until they are woken. */
#include "serve.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static void wake(_Atomic uint32_t *word, uint32_t value) {
  atomic_store(word, value);
  if (syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0) die("FUTEX_WAKE");
}

static void wait_while(_Atomic uint32_t *word, uint32_t value) {
  while (atomic_load(word) == value) {
    if (syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0) < 0 && errno != EAGAIN && errno != EINTR) die("FUTEX_WAIT");
  }
}

static uint32_t turn;

static void once(void *job) {
  _Atomic uint32_t *words = job;
  turn += 1;
  wake(&words[0], turn);
  wait_while(&words[16], turn - 1);
}

int main(void) {
  _Atomic uint32_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (words == MAP_FAILED) die("mmap");
  if (fork_far() == 0) {
    for (uint32_t seen = 0;; seen += 1) {
      wait_while(&words[0], seen);
      wake(&words[16], seen + 1);
    }
  }
  serve(once, words);
  return 0;
}
