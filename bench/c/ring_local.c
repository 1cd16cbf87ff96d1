/* ring_local SIZE BATCH: BATCH times a message into a ring and out of it, in one process. */
#include "ring.h"

struct job {
  struct ring in, out;
  char *message;
  long batch;
};

static void once(void *argument) {
  struct job *job = argument;
  for (long index = 0; index < job->batch; index += 1) {
    ring_send(&job->in, job->message);
    ring_receive(&job->out, job->message);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = (size_t)atol(argv[1]);
  struct shared *shared = map_ring(ring_bytes(size));
  struct job job = {.in = ring_of(shared, size), .out = ring_of(shared, size), .message = room(size), .batch = atol(argv[2])};
  serve(once, &job);
  return 0;
}
