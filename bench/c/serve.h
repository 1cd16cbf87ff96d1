/* The measuring side's half of the conversation with the bench: see lib/near.js. */
#ifndef SERVE_H
#define SERVE_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static inline int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static inline void die(const char *what) {
  fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* "" leaves the thread where it is. */
static inline void pin(const char *cpu) {
  cpu_set_t set;
  if (*cpu == '\0') return;
  CPU_ZERO(&set);
  CPU_SET(atoi(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}

static inline void write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t written = write(fd, data, size);
    if (written < 0) die("write");
    data += written;
    size -= (size_t)written;
  }
}

/* 0 when the stream ended before. */
static inline int read_all(int fd, char *data, size_t size) {
  while (size > 0) {
    ssize_t got = read(fd, data, size);
    if (got < 0) die("read");
    if (got == 0) return 0;
    data += got;
    size -= (size_t)got;
  }
  return 1;
}

static inline void open_pipe(int ends[2], int capacity) {
  if (pipe2(ends, O_CLOEXEC) != 0) die("pipe2");
  if (fcntl(ends[0], F_SETPIPE_SZ, capacity) < 0) die("F_SETPIPE_SZ");
}

static inline char *room(size_t size) {
  char *memory = malloc(size);
  if (memory == NULL) die("malloc");
  memset(memory, 7, size);
  return memory;
}

/* Forks the far side, on its CPU; it dies with this process. 0 there, as fork does. */
static inline pid_t fork_far(void) {
  const char *cpu = getenv("BENCH_FAR_CPU");
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(cpu == NULL ? "" : cpu);
  }
  return pid;
}

static inline void serve(void (*once)(void *), void *job) {
  int count;
  printf("{\"ready\":true}\n");
  fflush(stdout);
  while (scanf("%d", &count) == 1) {
    int64_t *ns = malloc(sizeof *ns * (size_t)count);
    if (ns == NULL) die("malloc");
    for (int index = 0; index < count; index += 1) {
      int64_t start = now_ns();
      once(job);
      ns[index] = now_ns() - start;
    }
    printf("{\"ns\":[");
    for (int index = 0; index < count; index += 1) printf(index ? ",%lld" : "%lld", (long long)ns[index]);
    printf("]}\n");
    fflush(stdout);
    free(ns);
  }
}

#endif
