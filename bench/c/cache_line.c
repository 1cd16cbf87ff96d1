/* cache_line CPU CPU RUNS: ns that a cache line takes to the other CPU and back, for each of RUNS rounds. */
#include "serve.h"
#include <pthread.h>

#define TURNS 100000

static _Alignas(128) atomic_int ball;
static const char *far_cpu;
static int rounds;

static void *far_side(void *unused) {
  (void)unused;
  pin(far_cpu);
  for (int turn = 0; turn < rounds * TURNS; turn += 1) {
    while (atomic_load_explicit(&ball, memory_order_acquire) != 1) continue;
    atomic_store_explicit(&ball, 0, memory_order_release);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  pthread_t thread;
  far_cpu = argv[2];
  rounds = atoi(argv[3]);
  pin(argv[1]);
  if (pthread_create(&thread, NULL, far_side, NULL) != 0) return 1;
  printf("{\"ns\":[");
  for (int round = 0; round < rounds; round += 1) {
    int64_t start = now_ns();
    for (int turn = 0; turn < TURNS; turn += 1) {
      atomic_store_explicit(&ball, 1, memory_order_release);
      while (atomic_load_explicit(&ball, memory_order_acquire) != 0) continue;
    }
    printf(round ? ",%.1f" : "%.1f", (double)(now_ns() - start) / TURNS);
  }
  printf("]}\n");
  return pthread_join(thread, NULL);
}
