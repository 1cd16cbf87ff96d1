/* Signals from and to a program that knows nothing of this package.
 *
 *   signals queue PID SIGNAL COUNT [FROM]  sigqueue(3) of COUNT values from FROM on; waits while the queue is full
 *   signals fill PID SIGNAL                as many as the kernel takes: prints how many, and the errno of the next
 *   signals thread PID TID SIGNAL          tgkill(2)
 *   signals wait SIGNAL COUNT              prints "ready", then code, pid and value of each as sigwaitinfo(2) gives it
 *   signals mask                           prints the signals that it has been started with blocked or ignored
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int queue(pid_t pid, int number, int count, int from) {
  for (int i = 0; i < count; i++) {
    union sigval value = {.sival_int = from + i};
    while (sigqueue(pid, number, value) != 0) {
      if (errno != EAGAIN) {
        perror("sigqueue");
        return 1;
      }
      sched_yield();
    }
  }
  return 0;
}

static int fill(pid_t pid, int number) {
  union sigval value = {.sival_int = 0};
  while (sigqueue(pid, number, value) == 0) value.sival_int++;
  printf("%d %s\n", value.sival_int, errno == EAGAIN ? "EAGAIN" : strerror(errno));
  return 0;
}

static int wait_for(int number, int count) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, NULL);
  puts("ready");
  fflush(stdout);
  for (int i = 0; i < count; i++) {
    siginfo_t info;
    if (sigwaitinfo(&set, &info) < 0) {
      i--;
      continue;
    }
    printf("%d %d %d\n", info.si_code, (int)info.si_pid, info.si_value.sival_int);
  }
  return 0;
}

static int mask(void) {
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  for (int number = 1; number <= SIGRTMAX; number++) {
    struct sigaction action;
    if (sigismember(&blocked, number) == 1) printf("blocked %d\n", number);
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) printf("ignored %d\n", number);
  }
  return 0;
}

int main(int count, char **words) {
  if (count >= 5 && strcmp(words[1], "queue") == 0) {
    return queue(atoi(words[2]), atoi(words[3]), atoi(words[4]), count > 5 ? atoi(words[5]) : 0);
  }
  if (count == 4 && strcmp(words[1], "fill") == 0) return fill(atoi(words[2]), atoi(words[3]));
  if (count == 5 && strcmp(words[1], "thread") == 0) {
    return syscall(SYS_tgkill, atoi(words[2]), atoi(words[3]), atoi(words[4])) != 0;
  }
  if (count == 4 && strcmp(words[1], "wait") == 0) return wait_for(atoi(words[2]), atoi(words[3]));
  if (count == 2 && strcmp(words[1], "mask") == 0) return mask();
  return 2;
}
