/* locks_contended KIND PROCESSES MILLISECONDS: so many processes take and give back one lock, as often as they can, for N
   times so long. Answers as peers/locks-contended-near.js does. */
#include "locks.h"

enum { MOST = 16 };

struct shared {
  atomic_int round, over, done, begun, last;
  _Atomic int64_t taken[MOST], handed_over[MOST];
};

static void compete(struct shared *shared, struct lock *lock, int number) {
  lock->open(lock);
  for (int round = 0;; round += 1) {
    while (atomic_load(&shared->round) == round) usleep(200);
    for (int turn = 0; !atomic_load(&shared->over); turn += 1) {
      lock->take(lock);
      if (atomic_exchange(&shared->last, number) != number) atomic_fetch_add(&shared->handed_over[number], 1);
      atomic_fetch_add(&shared->taken[number], 1);
      lock->give(lock);
      if (turn == 0) atomic_fetch_add(&shared->begun, 1);
    }
    atomic_fetch_add(&shared->done, 1);
  }
}

static void look(struct shared *shared, int64_t seen[2][MOST]) {
  for (int number = 0; number < MOST; number += 1) {
    seen[0][number] = atomic_load(&shared->taken[number]);
    seen[1][number] = atomic_load(&shared->handed_over[number]);
  }
}

static void list(int64_t before[MOST], int64_t after[MOST], int processes) {
  for (int number = 0; number < processes; number += 1) {
    printf(number ? ",%lld" : "%lld", (long long)(after[number] - before[number]));
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int processes = atoi(argv[2]), milliseconds = atoi(argv[3]), count;
  if (processes > MOST) return 2;
  struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) die("mmap");
  struct lock lock = {0};
  int64_t before[2][MOST], after[2][MOST];
  make_lock(&lock, argv[1]);
  for (int number = 0; number < processes; number += 1) {
    if (fork_far() == 0) {
      compete(shared, &lock, number);
      return 0;
    }
  }
  printf("{\"ready\":true}\n");
  fflush(stdout);
  while (scanf("%d", &count) == 1) {
    atomic_store(&shared->done, 0);
    atomic_store(&shared->begun, 0);
    atomic_store(&shared->over, 0);
    atomic_fetch_add(&shared->round, 1);
    /* Each has had it by then: whoever wakes up first would have it for itself. */
    while (atomic_load(&shared->begun) < processes) usleep(200);
    int64_t start = now_ns();
    look(shared, before);
    usleep((useconds_t)(count * milliseconds * 1000));
    look(shared, after);
    int64_t ns = now_ns() - start;
    atomic_store(&shared->over, 1);
    while (atomic_load(&shared->done) < processes) usleep(200);
    printf("{\"ns\":[%lld],\"taken\":[", (long long)ns);
    list(before[0], after[0], processes);
    printf("],\"handedOver\":[");
    list(before[1], after[1], processes);
    printf("]}\n");
    fflush(stdout);
  }
  forget_lock(&lock);
  return 0;
}
