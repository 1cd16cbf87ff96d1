/* The other side of the interop specs of semaphores.
   posix-semaphore echo A B COUNT        waits upon the semaphore A and posts B, so often
   posix-semaphore count FILE COUNT      under the semaphore at 0 of FILE counts the word at 64 up, so often
   posix-semaphore init FILE VALUE       makes a semaphore at 128 of FILE, and waits until it can take one more than VALUE */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sched.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int echo(const char *one, const char *other, int count) {
  sem_t *mine = sem_open(one, 0);
  sem_t *theirs = sem_open(other, 0);
  if (mine == SEM_FAILED || theirs == SEM_FAILED) return fail("sem_open");
  for (int index = 0; index < count; index += 1) {
    if (sem_wait(mine) != 0) return fail("sem_wait");
    if (sem_post(theirs) != 0) return fail("sem_post");
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "echo") == 0) return echo(argv[2], argv[3], atoi(argv[4]));
  if (argc != 4) return 2;
  int file = open(argv[2], O_RDWR);
  if (file < 0) return fail("open");
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return fail("mmap");
  int number = atoi(argv[3]);
  if (strcmp(argv[1], "init") == 0) {
    sem_t *semaphore = (sem_t *)(memory + 128);
    if (sem_init(semaphore, 1, (unsigned)number) != 0) return fail("sem_init");
    puts("made");
    fflush(stdout);
    for (int index = 0; index < number + 1; index += 1) {
      if (sem_wait(semaphore) != 0) return fail("sem_wait");
    }
    return 0;
  }
  sem_t *semaphore = (sem_t *)memory;
  volatile int *word = (volatile int *)(memory + 64);
  for (int index = 0; index < number; index += 1) {
    if (sem_wait(semaphore) != 0) return fail("sem_wait");
    int seen = *word;
    if (index % 64 == 0) sched_yield();
    *word = seen + 1;
    if (sem_post(semaphore) != 0) return fail("sem_post");
  }
  return 0;
}
