/* posix_queue_local SIZE BATCH: BATCH times send and receive of one message in one process. */
#include "mq.h"

struct job {
  mqd_t queue;
  size_t size;
  int batch;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  for (int index = 0; index < job->batch; index += 1) {
    put(job->queue, job->message, job->size);
    take(job->queue, job->message, job->size);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = strtoul(argv[1], NULL, 10);
  struct job job = {open_queue(1, (long)size), size, atoi(argv[2]), room(size)};
  serve(once, &job);
  return 0;
}
