/* unix-socket give|take: has a seqpacket socket as descriptor 3. `give` sends 1000 numbered messages, each 100th with the
   read end of a pipe that holds its number; `take` receives them, and prints the numbers that stood in such pipes and whether
   each message said who has sent it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COUNT = 1000 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void give(void) {
  for (int index = 0; index < COUNT; index += 1) {
    char text[16];
    union {
      struct cmsghdr header;
      char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {text, (size_t)snprintf(text, sizeof text, "%d", index)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int ends[2] = {-1, -1};
    if (index % 100 == 0) {
      if (pipe(ends) != 0) die("pipe");
      if (write(ends[1], text, part.iov_len) < 0) die("write");
      close(ends[1]);
      control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
      memcpy(CMSG_DATA(&control.header), &ends[0], sizeof(int));
      message.msg_control = &control;
      message.msg_controllen = sizeof control.room;
    }
    if (sendmsg(3, &message, 0) < 0) die("sendmsg");
    if (ends[0] >= 0) close(ends[0]);
  }
}

static void take(void) {
  int yes = 1, seen = 0, named = 0;
  if (setsockopt(3, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0) die("setsockopt");
  for (;;) {
    char text[64] = "", room[256];
    struct iovec part = {text, sizeof text - 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    ssize_t length = recvmsg(3, &message, 0);
    if (length < 0) die("recvmsg");
    if (length == 0) break;
    if (atoi(text) != seen++) die("out of order");
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_type == SCM_CREDENTIALS) named += 1;
      if (header->cmsg_type != SCM_RIGHTS) continue;
      int fd;
      char number[16] = "";
      memcpy(&fd, CMSG_DATA(header), sizeof fd);
      if (read(fd, number, sizeof number - 1) < 0) die("read");
      printf("%s,", number);
      close(fd);
    }
  }
  printf(" %d %d\n", seen, named);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  if (strcmp(argv[1], "give") == 0) give();
  else take();
  return 0;
}
