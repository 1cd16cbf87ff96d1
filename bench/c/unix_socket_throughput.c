/* unix_socket_throughput TYPE SIZE BATCH FORM: BATCH messages one way, then one byte back when all have been received.
   FORM `one` makes a call for each, `many` sends and takes up to 64 by sendmmsg and recvmmsg. */
#include "unix_socket.h"

struct job {
  int fd, batch, many;
  size_t size, most;
  char *message;
  struct iovec parts[MANY];
  struct mmsghdr headers[MANY];
};

static void prepare(struct job *job, size_t most) {
  for (int index = 0; index < MANY; index += 1) {
    job->parts[index] = (struct iovec){room(most), most};
    job->headers[index].msg_hdr = (struct msghdr){.msg_iov = &job->parts[index], .msg_iovlen = 1};
  }
}

static void once(void *argument) {
  struct job *job = argument;
  char done;
  for (int sent = 0; sent < job->batch;) {
    if (job->many) {
      int left = job->batch - sent;
      int count = sendmmsg(job->fd, job->headers, (unsigned)(left < MANY ? left : MANY), 0);
      if (count < 0) die("sendmmsg");
      sent += count;
    } else {
      write_all(job->fd, job->message, job->size);
      sent += 1;
    }
  }
  if (!read_all(job->fd, &done, 1)) die("far side ended");
}

static void sink(int fd, void *argument) {
  struct job *job = argument;
  size_t total = job->size * (size_t)job->batch;
  for (size_t seen = 0;;) {
    if (job->many) {
      int count = recvmmsg(fd, job->headers, MANY, MSG_WAITFORONE, NULL);
      if (count < 0) die("recvmmsg");
      for (int index = 0; index < count; index += 1) {
        if (job->headers[index].msg_len == 0) return;
        seen += job->headers[index].msg_len;
      }
    } else {
      ssize_t got = read(fd, job->message, job->most);
      if (got < 0) die("read");
      if (got == 0) return;
      seen += (size_t)got;
    }
    if (seen >= total) {
      write_all(fd, job->message, 1);
      seen = 0;
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  size_t size = strtoul(argv[2], NULL, 10);
  size_t most = size < 65536 ? 65536 : size;
  struct job job = {.batch = atoi(argv[3]), .many = strcmp(argv[4], "many") == 0, .size = size, .most = most};
  job.message = room(most);
  prepare(&job, size);
  job.fd = connect_far(type_of(argv[1]), sink, &job);
  serve(once, &job);
  return 0;
}
