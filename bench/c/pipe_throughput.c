/* pipe_throughput CAPACITY SIZE BATCH PIECE: BATCH messages one way, then one byte back when all have been read.
   PIECE is the most that one write or read is asked for: at 8 KiB the kernel uses the same two pages again and again,
   and neither side holds the pipe's lock for long. */
#include "serve.h"

struct job {
  int to, from;
  size_t size, piece;
  int batch;
  char *message;
};

static void once(void *argument) {
  struct job *job = argument;
  char done;
  for (int index = 0; index < job->batch; index += 1)
    for (size_t at = 0; at < job->size; at += job->piece)
      write_all(job->to, job->message + at, job->size - at < job->piece ? job->size - at : job->piece);
  if (!read_all(job->from, &done, 1)) die("far side ended");
}

/* Takes whatever is there, as the far sides in JS do. */
static void sink(int from, int to, size_t most, size_t total) {
  char *memory = room(most);
  for (size_t seen = 0;;) {
    ssize_t got = read(from, memory, most);
    if (got < 0) die("read");
    if (got == 0) return;
    seen += (size_t)got;
    if (seen == total) {
      write_all(to, memory, 1);
      seen = 0;
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int there[2], back[2];
  size_t size = strtoul(argv[2], NULL, 10);
  int batch = atoi(argv[3]);
  size_t piece = strtoul(argv[4], NULL, 10);
  open_pipe(there, atoi(argv[1]));
  open_pipe(back, 65536);
  if (fork_far() == 0) {
    close(there[1]);
    sink(there[0], back[1], piece, size * (size_t)batch);
    return 0;
  }
  struct job job = {there[1], back[0], size, piece, batch, room(size)};
  serve(once, &job);
  return 0;
}
