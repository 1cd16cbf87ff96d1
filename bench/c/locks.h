/* One lock of each kind, as C programs take it. */
#ifndef LOCKS_H
#define LOCKS_H
#include "serve.h"
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>

struct lock {
  void (*take)(struct lock *);
  void (*give)(struct lock *);
  /* In the process that uses it. */
  void (*open)(struct lock *);
  int id;
  sem_t *semaphore;
  char path[64];
};

static void semop_by(struct lock *lock, short by) {
  struct sembuf operation = {0, by, SEM_UNDO};
  while (semop(lock->id, &operation, 1) != 0) {
    if (errno != EINTR) die("semop");
  }
}

static void semop_take(struct lock *lock) { semop_by(lock, -1); }
static void semop_give(struct lock *lock) { semop_by(lock, 1); }

static void sem_take(struct lock *lock) {
  while (sem_wait(lock->semaphore) != 0) {
    if (errno != EINTR) die("sem_wait");
  }
}

static void sem_give(struct lock *lock) {
  if (sem_post(lock->semaphore) != 0) die("sem_post");
}

static void ofd_set(struct lock *lock, short type) {
  struct flock range = {.l_type = type, .l_whence = SEEK_SET};
  while (fcntl(lock->id, F_OFD_SETLKW, &range) != 0) {
    if (errno != EINTR) die("F_OFD_SETLKW");
  }
}

static void ofd_take(struct lock *lock) { ofd_set(lock, F_WRLCK); }
static void ofd_give(struct lock *lock) { ofd_set(lock, F_UNLCK); }

static void ofd_open(struct lock *lock) {
  lock->id = open(lock->path, O_RDWR | O_CLOEXEC);
  if (lock->id < 0) die("open");
}

static void nothing(struct lock *lock) { (void)lock; }

/* Semaphores of 1; they go at once, or with `forget`. */
static inline void make_lock(struct lock *lock, const char *kind) {
  lock->open = nothing;
  if (strcmp(kind, "semop") == 0) {
    lock->take = semop_take;
    lock->give = semop_give;
    lock->id = semget(IPC_PRIVATE, 1, 0600);
    if (lock->id < 0) die("semget");
    if (semctl(lock->id, 0, SETVAL, 1) != 0) die("semctl");
  } else if (strcmp(kind, "sem") == 0) {
    lock->take = sem_take;
    lock->give = sem_give;
    lock->semaphore = mmap(NULL, sizeof *lock->semaphore, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (lock->semaphore == MAP_FAILED) die("mmap");
    if (sem_init(lock->semaphore, 1, 1) != 0) die("sem_init");
  } else {
    lock->take = ofd_take;
    lock->give = ofd_give;
    lock->open = ofd_open;
    strcpy(lock->path, "/tmp/os-ipc-bench-XXXXXX");
    int fd = mkstemp(lock->path);
    if (fd < 0) die("mkstemp");
    close(fd);
  }
}

static inline void forget_lock(struct lock *lock) {
  if (lock->take == semop_take) semctl(lock->id, 0, IPC_RMID);
  if (lock->take == ofd_take) unlink(lock->path);
}

#endif
