/* locks_local KIND BATCH: BATCH times taking and giving back of what is free. */
#include "locks.h"

struct job {
  struct lock lock;
  int batch;
};

static void once(void *argument) {
  struct job *job = argument;
  for (int index = 0; index < job->batch; index += 1) {
    job->lock.take(&job->lock);
    job->lock.give(&job->lock);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  struct job job = {.batch = atoi(argv[2])};
  make_lock(&job.lock, argv[1]);
  job.lock.open(&job.lock);
  serve(once, &job);
  forget_lock(&job.lock);
  return 0;
}
