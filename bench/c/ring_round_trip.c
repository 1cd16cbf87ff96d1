/* ring_round_trip SIZE: a message over a ring and one as long back. Both sides spin. */
#include "ring.h"

struct job {
  struct ring there, back;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  ring_send(&job->there, job->message);
  ring_receive(&job->back, job->message);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  size_t size = (size_t)atol(argv[1]);
  struct job job = {.there = ring_of(map_ring(ring_bytes(size)), size), .back = ring_of(map_ring(ring_bytes(size)), size)};
  job.message = room(size);
  if (fork_far() == 0) {
    for (;;) {
      ring_receive(&job.there, job.message);
      ring_send(&job.back, job.message);
    }
  }
  serve(once, &job);
  return 0;
}
