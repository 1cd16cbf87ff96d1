/* posix_queue_round_trip SIZE: a message there and back through two queues, both sides blocking in mq_receive. */
#include "mq.h"

struct job {
  mqd_t to, from;
  size_t size;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  put(job->to, job->message, job->size);
  take(job->from, job->message, job->size);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  size_t size = strtoul(argv[1], NULL, 10);
  struct job job = {open_queue(1, (long)size), open_queue(1, (long)size), size, room(size)};
  if (fork_far() == 0) {
    for (;;) {
      take(job.to, job.message, size);
      put(job.from, job.message, size);
    }
  }
  serve(once, &job);
  return 0;
}
