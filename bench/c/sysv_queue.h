/* Private System V queues, for a process and the one that it forks. They go with the process that has made them. */
#ifndef SYSV_QUEUE_H
#define SYSV_QUEUE_H
#include "serve.h"
#include <sys/ipc.h>
#include <sys/msg.h>

struct frame {
  long type;
  char text[];
};

static int made[8], made_count = 0;
static pid_t maker;

static inline void remove_queues(void) {
  if (getpid() != maker) return;
  for (int index = 0; index < made_count; index += 1) msgctl(made[index], IPC_RMID, NULL);
}

static inline int open_queue(void) {
  int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  if (queue < 0) die("msgget");
  if (made_count == 0) {
    maker = getpid();
    atexit(remove_queues);
  }
  made[made_count++] = queue;
  return queue;
}

static inline struct frame *frame_of(size_t size) {
  struct frame *frame = (struct frame *)room(sizeof *frame + size);
  frame->type = 1;
  return frame;
}

static inline void put(int queue, const struct frame *frame, size_t size) {
  if (msgsnd(queue, frame, size, 0) != 0) die("msgsnd");
}

static inline void take(int queue, struct frame *frame, size_t size) {
  if (msgrcv(queue, frame, size, 0, 0) < 0) die("msgrcv");
}

#endif
