/* sysv-queue send|receive|compete ID COUNT: the other side of the interop specs, and of the one about competitors.
   Message number i has the type 1 + i % 7 and the text "i:" with i % 200 times x behind it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
  long type;
  char text[8192];
};

static size_t write_text(char *text, int number) {
  int length = sprintf(text, "%d:", number);
  memset(text + length, 'x', (size_t)(number % 200));
  return (size_t)(length + number % 200);
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int queue = atoi(argv[2]), count = atoi(argv[3]);
  struct message message;
  char expected[8192];
  for (int number = 0; number < count; number += 1) {
    if (strcmp(argv[1], "send") == 0) {
      message.type = 1 + number % 7;
      if (msgsnd(queue, &message, write_text(message.text, number), 0) != 0) return fail("msgsnd");
      continue;
    }
    ssize_t length = msgrcv(queue, &message, sizeof message.text, 0, 0);
    if (length < 0) return fail("msgrcv");
    if (strcmp(argv[1], "compete") == 0) {
      if (length == 0) return 0;
      printf("%d\n", atoi(message.text));
      fflush(stdout);
      continue;
    }
    size_t right = write_text(expected, number);
    if ((size_t)length != right || memcmp(message.text, expected, right) != 0 || message.type != 1 + number % 7) {
      fprintf(stderr, "number %d: type %ld, %zd bytes\n", number, message.type, length);
      return 1;
    }
  }
  return 0;
}
