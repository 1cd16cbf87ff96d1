/* pipe_round_trip CAPACITY SIZE: a message there and back through two pipes, both sides blocking in read. */
#include "serve.h"

struct job {
  int to, from;
  size_t size;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  write_all(job->to, job->message, job->size);
  if (!read_all(job->from, job->message, job->size)) die("far side ended");
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int there[2], back[2];
  size_t size = strtoul(argv[2], NULL, 10);
  open_pipe(there, atoi(argv[1]));
  open_pipe(back, atoi(argv[1]));
  struct job job = {there[1], back[0], size, room(size)};
  if (fork_far() == 0) {
    close(there[1]);
    while (read_all(there[0], job.message, size)) write_all(back[1], job.message, size);
    return 0;
  }
  serve(once, &job);
  return 0;
}
