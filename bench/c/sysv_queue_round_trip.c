/* sysv_queue_round_trip SIZE: a message there and back through two queues, both sides blocking in msgrcv. */
#include "sysv_queue.h"

struct job {
  int to, from;
  size_t size;
  struct frame *frame;
};

static void once(void *argument) {
  struct job *job = argument;
  put(job->to, job->frame, job->size);
  take(job->from, job->frame, job->size);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  size_t size = strtoul(argv[1], NULL, 10);
  struct job job = {open_queue(), open_queue(), size, frame_of(size)};
  if (fork_far() == 0) {
    for (;;) {
      take(job.to, job.frame, size);
      put(job.from, job.frame, size);
    }
  }
  serve(once, &job);
  return 0;
}
