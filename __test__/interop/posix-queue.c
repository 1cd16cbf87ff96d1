/* posix-queue send|receive NAME COUNT: the other side of the interop specs. Message number i has the priority i % 7 and the
   text "i:" with i % 50 times x behind it. Messages of one priority come in the order of their numbers. */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t write_text(char *text, int number) {
  int length = sprintf(text, "%d:", number);
  memset(text + length, 'x', (size_t)(number % 50));
  return (size_t)(length + number % 50);
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  mqd_t queue = mq_open(argv[2], O_RDWR);
  int count = atoi(argv[3]);
  int next[7] = {0, 1, 2, 3, 4, 5, 6};
  char text[128], expected[128];
  if (queue == (mqd_t)-1) return fail("mq_open");
  for (int index = 0; index < count; index += 1) {
    if (strcmp(argv[1], "send") == 0) {
      if (mq_send(queue, text, write_text(text, index), (unsigned)index % 7) != 0) return fail("mq_send");
      continue;
    }
    unsigned priority = 99;
    ssize_t length = mq_receive(queue, text, sizeof text, &priority);
    if (length < 0) return fail("mq_receive");
    size_t right = priority < 7 ? write_text(expected, next[priority]) : 0;
    if ((size_t)length != right || memcmp(text, expected, right) != 0) {
      fprintf(stderr, "message %d: priority %u, %.*s\n", index, priority, (int)length, text);
      return 1;
    }
    next[priority] += 7;
  }
  return 0;
}
