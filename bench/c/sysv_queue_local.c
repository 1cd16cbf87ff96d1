/* sysv_queue_local SIZE BATCH: BATCH times send and receive of one message in one process. */
#include "sysv_queue.h"

struct job {
  int queue;
  size_t size;
  int batch;
  struct frame *frame;
};

static void once(void *argument) {
  struct job *job = argument;
  for (int index = 0; index < job->batch; index += 1) {
    put(job->queue, job->frame, job->size);
    take(job->queue, job->frame, job->size);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = strtoul(argv[1], NULL, 10);
  struct job job = {open_queue(), size, atoi(argv[2]), frame_of(size)};
  serve(once, &job);
  return 0;
}
