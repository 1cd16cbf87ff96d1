/* pipe_local SIZE BATCH: BATCH times write and read of one message in one process. */
#include "serve.h"

struct job {
  int ends[2];
  size_t size;
  int batch;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  for (int index = 0; index < job->batch; index += 1) {
    write_all(job->ends[1], job->message, job->size);
    read_all(job->ends[0], job->message, job->size);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = strtoul(argv[1], NULL, 10);
  struct job job = {{0, 0}, size, atoi(argv[2]), room(size)};
  open_pipe(job.ends, 65536);
  serve(once, &job);
  return 0;
}
