/* sysv_queue_throughput SIZE BATCH: BATCH messages one way, then one byte back when all have been received. */
#include "sysv_queue.h"

struct job {
  int to, from;
  size_t size;
  int batch;
  struct frame *frame;
};

static void once(void *argument) {
  struct job *job = argument;
  for (int index = 0; index < job->batch; index += 1) put(job->to, job->frame, job->size);
  take(job->from, job->frame, 1);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = strtoul(argv[1], NULL, 10);
  struct job job = {open_queue(), open_queue(), size, atoi(argv[2]), frame_of(size)};
  if (fork_far() == 0) {
    for (;;) {
      for (int index = 0; index < job.batch; index += 1) take(job.to, job.frame, size);
      put(job.from, job.frame, 1);
    }
  }
  serve(once, &job);
  return 0;
}
