/* posix_queue_throughput SIZE BATCH MESSAGES: BATCH messages one way through a queue of MESSAGES, then one byte back when
   all have been received. */
#include "mq.h"

struct job {
  mqd_t to, from;
  size_t size;
  int batch;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  char done;
  for (int index = 0; index < job->batch; index += 1) put(job->to, job->message, job->size);
  take(job->from, &done, 1);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  size_t size = strtoul(argv[1], NULL, 10);
  struct job job = {open_queue(atol(argv[3]), (long)size), open_queue(1, 1), size, atoi(argv[2]), room(size)};
  if (fork_far() == 0) {
    for (;;) {
      for (int index = 0; index < job.batch; index += 1) take(job.to, job.message, size);
      put(job.from, job.message, 1);
    }
  }
  serve(once, &job);
  return 0;
}
