/*
 * process_ends [told]: processes that end at random, one a millisecond, and how long after that it is noticed.
 *
 * Without a word it notices by itself, by epoll on pidfds. With `told` somebody else does: it prints the numbers of the
 * processes, waits for a line, and prints when each has ended.
 */
#include "serve.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MOST 20000

static int64_t *ended;
static pid_t pids[MOST];

static void end_at_random(int index, int count, int start) {
  char nothing;
  if (read(start, &nothing, 1) < 0) die("read");
  srandom((unsigned)(getpid() ^ now_ns()));
  int64_t pause = random() % (count * 1000000LL);
  struct timespec time = {pause / 1000000000, pause % 1000000000};
  nanosleep(&time, NULL);
  ended[index] = now_ns();
  _exit(0);
}

/* They wait until the number that is given back is closed. */
static int begin(int count) {
  int start[2];
  if (pipe2(start, O_CLOEXEC) != 0) die("pipe2");
  for (int index = 0; index < count; index += 1) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(start[1]);
      end_at_random(index, count, start[0]);
    }
    pids[index] = pid;
  }
  close(start[0]);
  return start[1];
}

static void reap(int count) {
  for (int index = 0; index < count; index += 1)
    if (waitpid(pids[index], NULL, 0) < 0) die("waitpid");
}

static void tell(const char *name, const int64_t *numbers, int count) {
  printf("{\"%s\":[", name);
  for (int index = 0; index < count; index += 1) printf(index ? ",%lld" : "%lld", (long long)numbers[index]);
  printf("]}\n");
  fflush(stdout);
}

static void be_told(int count) {
  static int64_t numbers[MOST];
  char line[8];
  int start = begin(count);
  for (int index = 0; index < count; index += 1) numbers[index] = pids[index];
  tell("pids", numbers, count);
  if (scanf("%7s", line) != 1) exit(1);
  close(start);
  reap(count);
  tell("ended", ended, count);
}

static void notice(int count) {
  static int64_t ns[MOST];
  static int fds[MOST];
  int start = begin(count);
  int all = epoll_create1(EPOLL_CLOEXEC);
  if (all < 0) die("epoll_create1");
  for (int index = 0; index < count; index += 1) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)index};
    fds[index] = (int)syscall(SYS_pidfd_open, pids[index], 0);
    if (fds[index] < 0) die("pidfd_open");
    if (epoll_ctl(all, EPOLL_CTL_ADD, fds[index], &event) != 0) die("epoll_ctl");
  }
  close(start);
  for (int left = count; left > 0;) {
    struct epoll_event events[64];
    int got = epoll_wait(all, events, 64, -1);
    int64_t now = now_ns();
    for (int each = 0; each < got; each += 1) {
      uint32_t index = events[each].data.u32;
      ns[index] = now - ended[index];
      epoll_ctl(all, EPOLL_CTL_DEL, fds[index], NULL);
      close(fds[index]);
      left -= 1;
    }
  }
  close(all);
  reap(count);
  tell("ns", ns, count);
}

int main(int argc, char **argv) {
  int count;
  ended = mmap(NULL, MOST * sizeof *ended, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (ended == MAP_FAILED) die("mmap");
  printf("{\"ready\":true}\n");
  fflush(stdout);
  while (scanf("%d", &count) == 1 && count > 0 && count <= MOST) {
    if (argc == 2 && strcmp(argv[1], "told") == 0) be_told(count);
    else notice(count);
  }
  return 0;
}
