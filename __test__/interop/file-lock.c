/* Locks on a file as C programs take them.
     file-lock hold KIND FILE TYPE START LENGTH   says "held" and keeps it until its stdin ends
     file-lock wait KIND FILE TYPE START LENGTH   waits for it, then says "held" and ends
     file-lock try  KIND FILE TYPE START LENGTH   says "free" or "taken"
   KIND is ofd, posix or flock; TYPE is shared or exclusive. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int lock(const char *kind, int fd, int shared, off_t start, off_t length, int waits) {
  if (strcmp(kind, "flock") == 0) return flock(fd, (shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB));
  struct flock range = {.l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  if (strcmp(kind, "ofd") == 0) return fcntl(fd, waits ? F_OFD_SETLKW : F_OFD_SETLK, &range);
  return fcntl(fd, waits ? F_SETLKW : F_SETLK, &range);
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  int fd = open(argv[3], O_RDWR);
  if (fd < 0) return perror("open"), 1;
  int shared = strcmp(argv[4], "shared") == 0;
  int waits = strcmp(argv[1], "try") != 0;
  if (lock(argv[2], fd, shared, atoll(argv[5]), atoll(argv[6]), waits) != 0) {
    if (errno != EAGAIN && errno != EACCES) return perror(argv[2]), 1;
    puts("taken");
    return 0;
  }
  puts(waits ? "held" : "free");
  fflush(stdout);
  if (strcmp(argv[1], "hold") == 0) while (getchar() != EOF);
  return 0;
}
