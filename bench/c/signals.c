/* signals BATCH: asks another process for BATCH realtime signals with values, and takes them by sigwaitinfo(3).
 * signals far: the other process alone, which sends by sigqueue(3) as many as it is asked for. */
#include "serve.h"

#define ASK (SIGRTMIN + 1)
#define ANSWER (SIGRTMIN + 2)

static void hold(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, ASK);
  sigaddset(&set, ANSWER);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) die("sigprocmask");
}

static siginfo_t take(int number) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, number);
  while (sigwaitinfo(&set, &info) < 0) {
    if (errno != EINTR) die("sigwaitinfo");
  }
  return info;
}

static void put(pid_t pid, int number, int value) {
  union sigval with = {.sival_int = value};
  while (sigqueue(pid, number, with) != 0) {
    if (errno != EAGAIN) die("sigqueue");
    sched_yield();
  }
}

static void answer_for_ever(void) {
  for (;;) {
    siginfo_t asked = take(ASK);
    for (int value = 0; value < asked.si_value.sival_int; value += 1) put(asked.si_pid, ANSWER, value);
  }
}

struct job {
  pid_t far;
  int batch;
};

static void once(void *argument) {
  struct job *job = argument;
  put(job->far, ASK, job->batch);
  for (int value = 0; value < job->batch; value += 1) {
    if (take(ANSWER).si_value.sival_int != value) die("a signal is missing");
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  hold();
  if (strcmp(argv[1], "far") == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    puts("ready");
    fflush(stdout);
    answer_for_ever();
  }
  struct job job = {fork_far(), atoi(argv[1])};
  if (job.far == 0) answer_for_ever();
  serve(once, &job);
  return 0;
}
