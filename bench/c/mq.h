/* Queues without names, for a process and the one that it forks. */
#ifndef MQ_H
#define MQ_H
#include "serve.h"
#include <mqueue.h>

static inline mqd_t open_queue(long messages, long size) {
  static int count = 0;
  char name[64];
  struct mq_attr attributes = {.mq_maxmsg = messages, .mq_msgsize = size};
  snprintf(name, sizeof name, "/os-ipc-bench-%d-%d", (int)getpid(), count++);
  mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes);
  if (queue == (mqd_t)-1) die("mq_open");
  if (mq_unlink(name) != 0) die("mq_unlink");
  return queue;
}

static inline void put(mqd_t queue, const char *data, size_t size) {
  if (mq_send(queue, data, size, 0) != 0) die("mq_send");
}

static inline void take(mqd_t queue, char *data, size_t room) {
  if (mq_receive(queue, data, room, NULL) < 0) die("mq_receive");
}

#endif
