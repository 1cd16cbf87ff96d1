/* A C program at the other end of a channel: channel HOW WHERE [WORDS…], as core/examples/channel_peer.rs. */
#define _GNU_SOURCE
#include "channel.h"
#include <signal.h>

enum { PERIOD = 65536, MOST_SIZES = 16 };

static uint32_t count, sizes[MOST_SIZES];
static int size_count;
static unsigned char *text;

static int fail(const char *what, int code) {
  fprintf(stderr, "%s: %d\n", what, code);
  return code == CHANNEL_DIED ? 3 : code == CHANNEL_CORRUPT ? 4 : 1;
}

static void plan(char **words) {
  uint32_t longest = 0;
  count = (uint32_t)strtoul(words[0], NULL, 10);
  for (char *word = strtok(words[1], ","); word != NULL && size_count < MOST_SIZES; word = strtok(NULL, ",")) {
    sizes[size_count] = (uint32_t)strtoul(word, NULL, 10);
    if (sizes[size_count] > longest) longest = sizes[size_count];
    size_count += 1;
  }
  text = malloc((size_t)PERIOD + longest);
  for (uint32_t at = 0; at < PERIOD + longest; at += 1) text[at] = (unsigned char)((at % PERIOD) * 2654435761u >> 24);
}

static uint32_t write_message(uint32_t number, char *message) {
  uint32_t size = sizes[number % (uint32_t)size_count];
  memcpy(message, &number, 4);
  memcpy(message + 4, text + (uint64_t)number * 7 % PERIOD, size);
  return size + 4;
}

static int echo(struct channel *c) {
  int got;
  while ((got = channel_receive(c)) == 1) {
    for (int i = 0; i < c->fd_count; i += 1) (void)!write(c->fds[i], "from C", 6);
    if ((got = channel_send(c, c->message, (uint32_t)c->length)) < 0) break;
  }
  return got;
}

static int run(struct channel *c, const char *how, char **words) {
  static char message[PERIOD * 64];
  int got = 0;
  if (strcmp(how, "echo") == 0 || strcmp(how, "listen") == 0) return echo(c);
  if (strcmp(how, "idle") == 0) {
    got = channel_send(c, "here", 4);
    sleep(30);
    return got;
  }
  plan(words);
  for (uint32_t number = 0; number < count && got >= 0; number += 1) {
    uint32_t length = write_message(number, message);
    if (strcmp(how, "count") == 0) {
      got = channel_send(c, message, length);
    } else {
      if ((got = channel_receive(c)) < 0) return got;
      if (c->length != length || memcmp(c->message, message, length) != 0) return -EBADMSG;
    }
  }
  if (got >= 0 && strcmp(how, "verify") == 0) got = channel_send(c, "all", 3);
  return got < 0 ? got : channel_flush(c);
}

static int open_channel(struct channel *c, const char *how, char **words) {
  if (strcmp(how, "listen") != 0) {
    char *rest;
    long number = strtol(words[0], &rest, 10);
    return *rest == 0 ? channel_from_fd(c, (int)number) : channel_connect(c, words[0]);
  }
  struct sockaddr_un name;
  socklen_t size;
  int server = channel_socket(words[0], &name, &size);
  if (server < 0 || bind(server, (struct sockaddr *)&name, size) != 0 || listen(server, 1) != 0) return -errno;
  puts("listens");
  fflush(stdout);
  int control = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  if (control < 0) return -errno;
  uint32_t starts[2] = {(uint32_t)strtoul(words[1], NULL, 10), (uint32_t)strtoul(words[2], NULL, 10)};
  uint32_t capacity = (uint32_t)strtoul(words[3], NULL, 10), flags = (uint32_t)strtoul(words[4], NULL, 10);
  return channel_answer(c, control, capacity, flags, starts);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  struct channel c;
  if (argc < 3) return 2;
  int opened = open_channel(&c, argv[1], argv + 2);
  if (opened < 0) return fail("open", opened);
  int done = run(&c, argv[1], argv + 3);
  channel_close(&c);
  return done < 0 && done != CHANNEL_END ? fail(argv[1], done) : 0;
}
