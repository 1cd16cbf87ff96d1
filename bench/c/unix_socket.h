/* What the programs on Unix sockets share. */
#include "serve.h"
#include <sys/socket.h>

#define MANY 64

static inline int type_of(const char *name) {
  return strcmp(name, "stream") == 0 ? SOCK_STREAM : strcmp(name, "datagram") == 0 ? SOCK_DGRAM : SOCK_SEQPACKET;
}

/* The near end; the far end is what `far` returns to, in a process of its own. */
static inline int connect_far(int type, void (*far)(int, void *), void *job) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) die("socketpair");
  if (fork_far() == 0) {
    close(ends[0]);
    far(ends[1], job);
    exit(0);
  }
  close(ends[1]);
  return ends[0];
}
