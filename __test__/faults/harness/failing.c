/*
 * Loaded before everything else (LD_PRELOAD): makes one call of the addon fail, and no other one's. Which call it is to be
 * is said in a file that this maps, and what the addon has called and made stands there afterwards; failing.js is the other
 * side. What waits in the kernel on a waiter thread is called without the C library, and is not seen here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST 64

struct control {
  _Atomic uint32_t active, call, nth, error, injected, created, ids, calls;
  _Atomic uint32_t counts[128];
  struct {
    uint32_t kind;
    int32_t id;
  } objects[MOST];
  char names[128][24];
  char paths[MOST][192];
};

static struct control *control;

/** By its name, so that nobody else has to know the numbers. */
static uint32_t number_of(const char *name) {
  uint32_t i = 0;
  for (; control->names[i][0] != 0; i++)
    if (strcmp(control->names[i], name) == 0) return i;
  strncpy(control->names[i], name, 23);
  return i;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("OS_IPC_FAILING");
  if (path == NULL) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory != MAP_FAILED) control = memory;
}

/** Whether the addon has called: it alone is a library with that ending. */
static int is_ours(void *caller) {
  Dl_info info;
  if (control == NULL || !control->active || dladdr(caller, &info) == 0 || info.dli_fname == NULL) return 0;
  size_t length = strlen(info.dli_fname);
  return length > 5 && strcmp(info.dli_fname + length - 5, ".node") == 0;
}

/** The error that this call is to give, or 0. */
static int failing(const char *name, void *caller) {
  if (!is_ours(caller)) return 0;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  uint32_t call = number_of(name);
  pthread_mutex_unlock(&lock);
  uint32_t count = ++control->counts[call];
  if (control->call != call || control->nth != count || control->error == 0) return 0;
  control->injected++;
  return (int)control->error;
}

static void made_path(void *caller, int folder, const char *path) {
  if (!is_ours(caller) || path == NULL || path[0] == 0) return;
  uint32_t i = control->created++;
  if (i >= MOST) return;
  char base[128] = "";
  if (path[0] != '/' && folder >= 0) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, base, sizeof base - 2);
    if (length > 0) strcpy(base + length, "/");
  }
  snprintf(control->paths[i], sizeof control->paths[i], "%s%s", base, path);
}

static void made_object(void *caller, uint32_t kind, int id) {
  if (!is_ours(caller) || id < 0) return;
  uint32_t i = control->ids++;
  if (i >= MOST) return;
  control->objects[i].kind = kind;
  control->objects[i].id = id;
}

#define REAL(name) \
  static typeof(name) *real; \
  if (real == NULL) real = (typeof(name) *)dlsym(RTLD_NEXT, #name)
#define CALLER __builtin_return_address(0)
#define FAIL(name) \
  do { \
    int error = failing(name, CALLER); \
    if (error != 0) { \
      errno = error; \
      return -1; \
    } \
  } while (0)

#define WRAP(type, name, parameters, arguments) \
  type name parameters { \
    REAL(name); \
    FAIL(#name); \
    return real arguments; \
  }

struct epoll_event;
struct msghdr;
struct pollfd;
struct shmid_ds;
struct itimerspec;
struct sigaction;
int epoll_create1(int), epoll_ctl(int, int, int, struct epoll_event *), eventfd(unsigned, int);
int epoll_wait(int, struct epoll_event *, int, int), flock(int, int), poll(struct pollfd *, unsigned long, int);
int msgget(int, int), msgsnd(int, const void *, size_t, int), semget(int, int, int), shmget(int, size_t, int);
int semop(int, struct sembuf *, size_t), timerfd_create(int, int), waitid(int, unsigned, void *, int);
int timerfd_settime(int, int, const struct itimerspec *, struct itimerspec *);
ssize_t msgrcv(int, void *, size_t, long, int), getrandom(void *, size_t, unsigned);
void *shmat(int, const void *, int);

WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, socketpair, (int domain, int type, int protocol, int *pair), (domain, type, protocol, pair))
WRAP(int, listen, (int fd, int backlog), (fd, backlog))
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length))
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), (fd, address, length, flags))
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *length), (fd, level, name, value, length))
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length), (fd, level, name, value, length))
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, send, (int fd, const void *data, size_t length, int flags), (fd, data, length, flags))
WRAP(ssize_t, recv, (int fd, void *data, size_t length, int flags), (fd, data, length, flags))
WRAP(int, pipe2, (int *pair, int flags), (pair, flags))
WRAP(int, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(int, ftruncate, (int fd, off_t length), (fd, length))
WRAP(int, epoll_create1, (int flags), (flags))
WRAP(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), (epoll, operation, fd, event))
WRAP(int, epoll_wait, (int epoll, struct epoll_event *events, int most, int timeout), (epoll, events, most, timeout))
WRAP(int, eventfd, (unsigned initial, int flags), (initial, flags))
WRAP(int, timerfd_create, (int clock, int flags), (clock, flags))
WRAP(int, timerfd_settime, (int fd, int flags, const struct itimerspec *new, struct itimerspec *old), (fd, flags, new, old))
WRAP(int, flock, (int fd, int operation), (fd, operation))
WRAP(int, poll, (struct pollfd *fds, unsigned long count, int timeout), (fds, count, timeout))
WRAP(int, msgsnd, (int id, const void *message, size_t length, int flags), (id, message, length, flags))
WRAP(ssize_t, msgrcv, (int id, void *message, size_t length, long type, int flags), (id, message, length, type, flags))
WRAP(int, waitid, (int type, unsigned id, void *info, int options), (type, id, info, options))
WRAP(ssize_t, getrandom, (void *data, size_t length, unsigned flags), (data, length, flags))
WRAP(ssize_t, read, (int fd, void *data, size_t length), (fd, data, length))
WRAP(ssize_t, write, (int fd, const void *data, size_t length), (fd, data, length))
WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
WRAP(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, mlock, (const void *address, size_t length), (address, length))

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  REAL(bind);
  FAIL("bind");
  int result = real(fd, address, length);
  const struct sockaddr_un *local = (const struct sockaddr_un *)address;
  if (result == 0 && address->sa_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path))
    made_path(CALLER, -1, local->sun_path);
  return result;
}

int linkat(int from, const char *path, int to, const char *name, int flags) {
  REAL(linkat);
  FAIL("linkat");
  int result = real(from, path, to, name, flags);
  if (result == 0) made_path(CALLER, to, name);
  return result;
}

int mkfifoat(int folder, const char *path, mode_t mode) {
  REAL(mkfifoat);
  FAIL("mkfifoat");
  int result = real(folder, path, mode);
  if (result == 0) made_path(CALLER, folder, path);
  return result;
}

#define OPENING(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    FAIL("open"); \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = va_arg(more, mode_t); \
    va_end(more); \
    int result = real(path, flags, mode); \
    if (result >= 0 && (flags & O_CREAT)) made_path(CALLER, -1, path); \
    return result; \
  }
OPENING(open)
OPENING(open64)

int openat(int folder, const char *path, int flags, ...) {
  REAL(openat);
  FAIL("openat");
  va_list more;
  va_start(more, flags);
  mode_t mode = va_arg(more, mode_t);
  va_end(more);
  int result = real(folder, path, flags, mode);
  if (result >= 0 && (flags & O_CREAT)) made_path(CALLER, folder, path);
  return result;
}

#define MAPPING(name) \
  void *name(void *address, size_t length, int protection, int flags, int fd, off_t offset) { \
    REAL(name); \
    int error = failing("mmap", CALLER); \
    if (error != 0) { \
      errno = error; \
      return MAP_FAILED; \
    } \
    return real(address, length, protection, flags, fd, offset); \
  }
MAPPING(mmap)
MAPPING(mmap64)

void *shmat(int id, const void *address, int flags) {
  REAL(shmat);
  int error = failing("shmat", CALLER);
  if (error != 0) {
    errno = error;
    return (void *)-1;
  }
  return real(id, address, flags);
}

#define OBJECT(name, kind, parameters, arguments) \
  int name parameters { \
    REAL(name); \
    FAIL(#name); \
    int result = real arguments; \
    made_object(CALLER, kind, result); \
    return result; \
  }
OBJECT(msgget, 0, (int key, int flags), (key, flags))
OBJECT(semget, 1, (int key, int count, int flags), (key, count, flags))
OBJECT(shmget, 2, (int key, size_t size, int flags), (key, size, flags))

int semctl(int id, int index, int command, ...) {
  REAL(semctl);
  va_list more;
  va_start(more, command);
  void *argument = va_arg(more, void *);
  va_end(more);
  if (command == GETALL || command == SETALL) FAIL("semctl all");
  return real(id, index, command, argument);
}

/** Sets of which this process has an account already, of what is to be undone when it ends: memory for it is asked for once. */
static _Atomic int accounts[4096];
static _Atomic uint32_t known;

/** Which of the two ways to fail this has. */
static const char *operating(int id, const struct sembuf *operations, size_t count, const char *first, const char *later) {
  int undo = 0;
  for (size_t i = 0; i < count; i++) undo |= operations[i].sem_flg & SEM_UNDO;
  if (!undo) return later;
  for (uint32_t i = 0; i < known && i < 4096; i++)
    if (accounts[i] == id) return later;
  return first;
}

static int operated(int result, int id, const char *name, const char *first) {
  if (result == 0 && name == first) accounts[known++ % 4096] = id;
  return result;
}

int semop(int id, struct sembuf *operations, size_t count) {
  REAL(semop);
  const char *first = "semop undo", *name = operating(id, operations, count, first, "semop");
  FAIL(name);
  return operated(real(id, operations, count), id, name, first);
}

/* These two give the error itself. */
int posix_fallocate(int fd, off_t offset, off_t length) {
  REAL(posix_fallocate);
  int error = failing("posix_fallocate", CALLER);
  return error != 0 ? error : real(fd, offset, length);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  REAL(pthread_create);
  int error = failing("pthread_create", CALLER);
  return error != 0 ? error : real(thread, attributes, body, argument);
}

int fcntl(int fd, int command, ...) {
  REAL(fcntl);
  va_list more;
  va_start(more, command);
  void *argument = va_arg(more, void *);
  va_end(more);
  if (command == F_DUPFD_CLOEXEC || command == F_DUPFD) FAIL("fcntl dup");
  if (command == F_OFD_SETLK || command == F_SETLK) FAIL("fcntl lock");
  if (command == F_SETPIPE_SZ) FAIL("fcntl size");
  return real(fd, command, argument);
}

static const struct {
  long number;
  const char *name;
} NUMBERED[] = {
    {SYS_connect, "connect"},         {SYS_epoll_pwait, "epoll_pwait"}, {SYS_fsconfig, "fsconfig"},
    {SYS_fsmount, "fsmount"},         {SYS_fsopen, "fsopen"},           
    {SYS_mq_notify, "mq_notify"},     {SYS_mq_open, "mq_open"},         {SYS_mq_timedreceive, "mq_timedreceive"},
    {SYS_mq_timedsend, "mq_timedsend"}, {SYS_mq_unlink, "mq_unlink"},   {SYS_msgrcv, "msgrcv"},
    {SYS_msgsnd, "msgsnd"},           {SYS_openat, "openat"},           {SYS_pidfd_open, "pidfd_open"},
    {SYS_pidfd_send_signal, "pidfd_send_signal"}, {SYS_ppoll, "ppoll"}, {SYS_preadv2, "preadv2"},
    {SYS_pwritev2, "pwritev2"},       {SYS_recvmmsg, "recvmmsg"},       {SYS_rt_sigqueueinfo, "rt_sigqueueinfo"},
    {SYS_rt_tgsigqueueinfo, "rt_tgsigqueueinfo"}, {SYS_sendmmsg, "sendmmsg"},
    {SYS_signalfd4, "signalfd4"},     {SYS_splice, "splice"},
};

long syscall(long number, ...) {
  REAL(syscall);
  long a[6];
  va_list more;
  va_start(more, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
  va_end(more);
  for (size_t i = 0; i < sizeof NUMBERED / sizeof *NUMBERED; i++)
    if (NUMBERED[i].number == number) FAIL(NUMBERED[i].name);
  const char *first = "semtimedop undo", *name = NULL;
  if (number == SYS_semtimedop) {
    name = operating((int)a[0], (const struct sembuf *)a[1], (size_t)a[2], first, "semtimedop");
    FAIL(name);
  }
  const long operation = a[1] & FUTEX_CMD_MASK;
  if (number == SYS_futex && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET)) FAIL("futex wait");
  long result = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (name != NULL) return operated((int)result, (int)a[0], name, first);
  if (number == SYS_mq_open && result >= 0 && (a[1] & O_CREAT)) {
    char path[160];
    snprintf(path, sizeof path, "/dev/mqueue/%s", (const char *)a[0]);
    made_path(CALLER, -1, path);
  }
  return result;
}
