/* semaphore-set WHAT ID|KEY COUNT: the other side of the interop specs.
   section: enters COUNT times the section that semaphore 0 guards, with undo, and sees that semaphore 1 is 0 inside.
   both: takes from semaphores 0 and 1 at once, COUNT times.
   hold: takes from semaphore 0 with undo, says so, and waits to be killed.
   race: makes sets, COUNT of them from KEY on, in the way of programs that set their values and then operate; where somebody
   else was first it waits as they do, until the time of the last operation is set, and then looks at the values.
   merely: opens COUNT sets from KEY on as soon as they are there, and takes and gives at once without any look: each time
   it takes 1 of 3 and gives 5 to the second one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int change(int set, int index, int amount, int flags) {
  struct sembuf operation = {(unsigned short)index, (short)amount, (short)flags};
  return semop(set, &operation, 1);
}

static int race(int key) {
  int set = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
  if (set >= 0) {
    unsigned short values[] = {2, 5};
    if (semctl(set, 0, SETALL, values) != 0) return fail("SETALL");
    if (change(set, 0, 1, 0) != 0) return fail("semop");
    return 0;
  }
  if (errno != EEXIST) return fail("semget");
  set = semget(key, 2, 0600);
  if (set < 0) return fail("semget");
  struct semid_ds state;
  do {
    if (semctl(set, 0, IPC_STAT, &state) != 0) return fail("IPC_STAT");
  } while (state.sem_otime == 0);
  int values[] = {semctl(set, 0, GETVAL), semctl(set, 1, GETVAL)};
  if (values[0] == 3 && values[1] == 5) return 0;
  fprintf(stderr, "%d and %d\n", values[0], values[1]);
  return 1;
}

static int merely(int key) {
  int set;
  do set = semget(key, 0, 0600);
  while (set < 0 && errno == ENOENT);
  if (set < 0) return fail("semget");
  if (change(set, 1, 5, 0) != 0 || change(set, 0, -1, 0) != 0) return fail("semop");
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int set = atoi(argv[2]), count = atoi(argv[3]);
  for (int number = 0; number < count; number += 1) {
    if (strcmp(argv[1], "section") == 0) {
      if (change(set, 0, -1, SEM_UNDO) != 0) return fail("take");
      if (semctl(set, 1, GETVAL) != 0) return fprintf(stderr, "not alone\n"), 1;
      if (change(set, 1, 1, 0) != 0 || change(set, 1, -1, 0) != 0) return fail("inside");
      if (change(set, 0, 1, SEM_UNDO) != 0) return fail("give");
    } else if (strcmp(argv[1], "both") == 0) {
      struct sembuf both[] = {{0, -1, 0}, {1, -1, 0}};
      if (semop(set, both, 2) != 0) return fail("both");
    } else if (strcmp(argv[1], "hold") == 0) {
      if (change(set, 0, -1, SEM_UNDO) != 0) return fail("take");
      puts("holds");
      fflush(stdout);
      pause();
    } else if (strcmp(argv[1], "race") == 0) {
      if (race(set + number) != 0) return 1;
    } else if (merely(set + number) != 0) {
      return 1;
    }
  }
  return 0;
}
