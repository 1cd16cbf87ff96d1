/* unix_socket_round_trip TYPE SIZE: one message there and one as long back. */
#include "unix_socket.h"

struct job {
  int fd;
  size_t size;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  write_all(job->fd, job->message, job->size);
  if (!read_all(job->fd, job->message, job->size)) die("far side ended");
}

static void echo(int fd, void *argument) {
  struct job *job = argument;
  while (read_all(fd, job->message, job->size)) write_all(fd, job->message, job->size);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = strtoul(argv[2], NULL, 10);
  struct job job = {-1, size, room(size)};
  job.fd = connect_far(type_of(argv[1]), echo, &job);
  serve(once, &job);
  return 0;
}
