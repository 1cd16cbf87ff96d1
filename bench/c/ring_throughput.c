/* ring_throughput SIZE BATCH: BATCH messages over a ring, then one back. Both sides spin. */
#include "ring.h"

struct job {
  struct ring there, back;
  char *message, *answer;
  long batch;
};

static void once(void *argument) {
  struct job *job = argument;
  for (long index = 0; index < job->batch; index += 1) ring_send(&job->there, job->message);
  ring_receive(&job->back, job->answer);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = (size_t)atol(argv[1]);
  struct job job = {.there = ring_of(map_ring(ring_bytes(size)), size), .back = ring_of(map_ring(ring_bytes(8)), 8)};
  job.message = room(size);
  job.answer = room(8);
  job.batch = atol(argv[2]);
  if (fork_far() == 0) {
    for (;;) {
      for (long index = 0; index < job.batch; index += 1) ring_receive(&job.there, job.message);
      ring_send(&job.back, job.answer);
    }
  }
  serve(once, &job);
  return 0;
}
