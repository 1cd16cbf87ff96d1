/*
 * Channels for C programs, from docs/channel-format.md alone: one header, nothing but the C library.
 *
 * One end, used by one thread. Whatever fails gives a negative number: CHANNEL_DIED, CHANNEL_CORRUPT, or -errno.
 */
#ifndef CHANNEL_H
#define CHANNEL_H
#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE before the first include"
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
  CHANNEL_END = -10001,      /* the other side has closed, and everything was received */
  CHANNEL_DIED = -10002,     /* it died without closing */
  CHANNEL_CORRUPT = -10003,  /* it has written what cannot be */
  CHANNEL_VERSION = -10004,  /* it speaks another version */
  CHANNEL_REFUSED = -10005   /* the listener does not want us */
};

/* Flags of the memory. */
enum { CHANNEL_CODEC = 3, CHANNEL_CHECKSUM = 4, CHANNEL_RENDEZVOUS = 8 };

enum { CHANNEL_WHOLE, CHANNEL_START, CHANNEL_PIECE, CHANNEL_ABORT, CHANNEL_HANDLES };
enum { CHANNEL_TAIL = 0, CHANNEL_HEAD = 64, CHANNEL_RECEIVER_SLEEPS = 128, CHANNEL_SENDER_SLEEPS = 192,
       CHANNEL_SENDER_WANTS = 196, CHANNEL_OFFER = 256 };
enum { CHANNEL_ATTACHED = 1, CHANNEL_CLOSED = 2 };
enum { CHANNEL_MOST_FDS = 253, CHANNEL_MOST_SUPPLIES = 64, CHANNEL_LONGEST_FRAME = 65536 };

struct channel_supply {
  uint32_t sequence;
  int used, count, *fds;
};

struct channel {
  int control, memory, bell, other;
  unsigned side;
  uint32_t capacity[2], data_offset, max_message_size, flags;
  char *map; /* the header, then each ring twice in a row */
  size_t map_size;
  char *out, *in;
  _Atomic uint32_t *out_words, *in_words;
  uint32_t tail, head_seen;  /* of what is sent */
  uint32_t head, tail_seen;  /* of what is received */
  int gone, attached;
  char *message; /* what was received last */
  size_t filled, length;
  int partial;
  int announced;
  uint32_t announced_sequence, abandoned;
  int fds[CHANNEL_MOST_FDS], fd_count; /* of the message that was received last; whoever wants them sets fd_count to 0 */
  struct channel_supply supplies[CHANNEL_MOST_SUPPLIES];
};

static uint32_t channel_crc32c(const void *data, size_t length) {
  static uint32_t table[256];
  if (table[1] == 0) {
    for (uint32_t i = 0; i < 256; i += 1) {
      uint32_t sum = i;
      for (int bit = 0; bit < 8; bit += 1) sum = (sum >> 1) ^ (sum & 1 ? 0x82f63b78u : 0);
      table[i] = sum;
    }
  }
  const unsigned char *bytes = data;
  uint32_t sum = 0xffffffffu;
  for (size_t i = 0; i < length; i += 1) sum = (sum >> 8) ^ table[(sum ^ bytes[i]) & 255];
  return ~sum;
}

static inline uint32_t channel_load(_Atomic uint32_t *words, int at) { return atomic_load(&words[at / 4]); }
static inline void channel_store(_Atomic uint32_t *words, int at, uint32_t value) { atomic_store(&words[at / 4], value); }
static inline uint32_t channel_size(uint32_t length) { return (length + 15) & ~7u; }
static inline _Atomic uint32_t *channel_state(struct channel *c, unsigned side) {
  return (_Atomic uint32_t *)(c->map + (side == 0 ? 64 : 128));
}

/* Frames of the control line. */

static int channel_send_frame(int control, const char *text, const int *fds, int count) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_MOST_FDS)];
  } room;
  struct iovec part = {(void *)text, strlen(text)};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = room.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(head), fds, sizeof(int) * (size_t)count);
  }
  return sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* 1: a frame; 0: none yet; CHANNEL_END: the other side has hung up. `text` has LONGEST_FRAME + 1 bytes. */
static int channel_receive_frame(int control, char *text, int *fds, int *count) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_MOST_FDS) + CMSG_SPACE(sizeof(struct ucred))];
  } room;
  struct iovec part = {text, CHANNEL_LONGEST_FRAME};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes,
                           .msg_controllen = sizeof room.bytes};
  ssize_t length = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  *count = 0;
  if (length < 0) return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? CHANNEL_END : -errno;
  for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    *count = (int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(head), sizeof(int) * (size_t)*count);
  }
  text[length] = 0;
  return length == 0 ? CHANNEL_END : 1;
}

static void channel_close_all(const int *fds, int count) {
  for (int i = 0; i < count; i += 1) close(fds[i]);
}

/* The number behind `"name":` in a frame; -1 if there is none. */
static long channel_number(const char *text, const char *name) {
  const char *at = strstr(text, name);
  if (at == NULL || (at = strchr(at, ':')) == NULL) return -1;
  return strtol(at + 1, NULL, 10);
}

static int channel_supply_take(struct channel *c, uint32_t sequence, struct channel_supply *taken) {
  for (int i = 0; i < CHANNEL_MOST_SUPPLIES; i += 1) {
    if (!c->supplies[i].used || c->supplies[i].sequence != sequence) continue;
    *taken = c->supplies[i];
    c->supplies[i].used = 0;
    return 1;
  }
  return 0;
}

/* Takes whatever has come on the control line. */
static int channel_look(struct channel *c) {
  static _Thread_local char text[CHANNEL_LONGEST_FRAME + 1];
  int fds[CHANNEL_MOST_FDS], count;
  while (!c->gone) {
    int got = channel_receive_frame(c->control, text, fds, &count);
    if (got == 0) return 0;
    if (got == CHANNEL_END) {
      c->gone = 1;
      return 0;
    }
    if (got < 0) return got;
    struct channel_supply old;
    int vacant = -1;
    for (int i = 0; i < CHANNEL_MOST_SUPPLIES; i += 1)
      if (!c->supplies[i].used) vacant = i;
    long sequence = channel_number(text, "\"sequence\"");
    if (text[0] == 'X') {
      if (vacant < 0 || sequence < 0) {
        channel_close_all(fds, count);
        return CHANNEL_CORRUPT;
      }
      struct channel_supply *place = &c->supplies[vacant];
      place->used = 1;
      place->sequence = (uint32_t)sequence;
      place->count = count;
      place->fds = malloc(sizeof fds);
      memcpy(place->fds, fds, sizeof(int) * (size_t)count);
      continue;
    }
    if (text[0] == 'D' && channel_supply_take(c, (uint32_t)sequence, &old)) {
      channel_close_all(old.fds, old.count);
      free(old.fds);
    }
    channel_close_all(fds, count);
  }
  return 0;
}

/* Set-up. */

static int channel_attach(struct channel *c) {
  uint32_t header[8];
  struct stat stat;
  int seals = fcntl(c->memory, F_GET_SEALS);
  if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(c->memory, &stat) != 0) return CHANNEL_CORRUPT;
  if (pread(c->memory, header, sizeof header, 0) != (ssize_t)sizeof header) return CHANNEL_CORRUPT;
  if (memcmp(header, "OSIPCCHN", 8) != 0) return CHANNEL_CORRUPT;
  if (header[2] != 1 || header[7] > 15 || (header[7] & CHANNEL_CODEC) == 3) return CHANNEL_VERSION;
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = header[3];
  c->data_offset = header[3];
  c->max_message_size = header[6];
  c->flags = header[7];
  if (header[3] < 4096 || header[3] % page != 0 || header[6] == 0) return CHANNEL_CORRUPT;
  for (int ring = 0; ring < 2; ring += 1) {
    uint32_t capacity = c->capacity[ring] = header[4 + ring];
    if (capacity == 0 || (capacity & (capacity - 1)) != 0 || capacity % page != 0 || capacity > 1u << 30)
      return CHANNEL_CORRUPT;
    size += capacity;
  }
  if (size != (uint64_t)stat.st_size) return CHANNEL_CORRUPT;
  /* Room for everything at once, and then each part at its place. */
  c->map_size = c->data_offset + 2 * ((size_t)c->capacity[0] + c->capacity[1]);
  c->map = mmap(NULL, c->map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (c->map == MAP_FAILED) return -errno;
  char *at = c->map;
  off_t from = 0;
  size_t parts[3] = {c->data_offset, c->capacity[0], c->capacity[1]};
  for (int part = 0; part < 3; part += 1) {
    for (int twice = 0; twice < (part == 0 ? 1 : 2); twice += 1, at += parts[part]) {
      if (mmap(at, parts[part], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, c->memory, from) == MAP_FAILED)
        return -errno;
    }
    from += (off_t)parts[part];
  }
  char *rings[2] = {c->map + c->data_offset, c->map + c->data_offset + 2 * (size_t)c->capacity[0]};
  c->out = rings[c->side];
  c->in = rings[1 - c->side];
  c->out_words = (_Atomic uint32_t *)(c->map + 512 + 512 * c->side);
  c->in_words = (_Atomic uint32_t *)(c->map + 512 + 512 * (1 - c->side));
  if (atomic_fetch_or(channel_state(c, c->side), CHANNEL_ATTACHED) & CHANNEL_ATTACHED) return -EBUSY;
  c->attached = 1;
  c->tail = channel_load(c->out_words, CHANNEL_TAIL);
  c->head_seen = channel_load(c->out_words, CHANNEL_HEAD);
  c->head = c->tail_seen = channel_load(c->in_words, CHANNEL_HEAD);
  if (c->tail - c->head_seen > c->capacity[c->side] || c->tail % 8 != 0 || c->head % 8 != 0) return CHANNEL_CORRUPT;
  int sent = channel_send_frame(c->control, "H{\"version\":1}", NULL, 0);
  return sent == -EPIPE || sent == -ECONNRESET || sent == -EAGAIN ? 0 : sent;
}

static int channel_set_up(struct channel *c) {
  static _Thread_local char text[CHANNEL_LONGEST_FRAME + 1];
  int fds[CHANNEL_MOST_FDS], count, on = 1;
  if (setsockopt(c->control, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return -errno;
  for (;;) {
    struct pollfd line = {c->control, POLLIN, 0};
    int ready = poll(&line, 1, 10000);
    if (ready == 0) return -ETIMEDOUT;
    int got = channel_receive_frame(c->control, text, fds, &count);
    if (got < 0) return got == CHANNEL_END ? -ECONNRESET : got;
    if (got == 0) continue;
    if (text[0] == 'E') return CHANNEL_REFUSED;
    if (text[0] == 'S' && count == 3) break;
    channel_close_all(fds, count);
  }
  c->side = channel_number(text, "\"side\"") == 1;
  c->memory = fds[0];
  c->bell = fds[1];
  c->other = fds[2];
  return channel_attach(c);
}

/* Adopts an end that was inherited. */
static int channel_from_fd(struct channel *c, int fd) {
  memset(c, 0, sizeof *c);
  c->control = fd;
  return channel_set_up(c);
}

static int channel_socket(const char *address, struct sockaddr_un *name, socklen_t *size) {
  if (strlen(address) >= sizeof name->sun_path) return -ENAMETOOLONG;
  memset(name, 0, sizeof *name);
  name->sun_family = AF_UNIX;
  strcpy(name->sun_path, address);
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address) + (address[0] == '@' ? 0 : 1));
  if (address[0] == '@') name->sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

static int channel_connect(struct channel *c, const char *address) {
  struct sockaddr_un name;
  socklen_t size;
  int on = 1, fd = channel_socket(address, &name, &size);
  if (fd < 0) return fd;
  memset(c, 0, sizeof *c);
  c->control = fd;
  /* Before the first frame comes, so that it says who has sent it. */
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return -errno;
  if (connect(fd, (struct sockaddr *)&name, size) != 0) return -errno;
  int sent = channel_send_frame(fd, "H{\"version\":1}", NULL, 0);
  return sent < 0 ? sent : channel_set_up(c);
}

/* Makes a channel for whoever has connected to a seqpacket socket. The positions of the rings begin at `starts`. */
static int channel_answer(struct channel *c, int control, uint32_t capacity, uint32_t flags, const uint32_t starts[2]) {
  static _Thread_local char text[CHANNEL_LONGEST_FRAME + 1];
  int fds[CHANNEL_MOST_FDS], count, on = 1, bells[2][2];
  uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
  uint32_t header[8] = {0, 0, 1, page, capacity, capacity, 16u << 20, flags};
  memset(c, 0, sizeof *c);
  c->control = control;
  setsockopt(control, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  struct pollfd line = {control, POLLIN, 0};
  if (poll(&line, 1, 10000) <= 0) return -ETIMEDOUT;
  int got = channel_receive_frame(control, text, fds, &count);
  if (got != 1) return got < 0 ? got : -EAGAIN;
  channel_close_all(fds, count);
  if (text[0] != 'H' || channel_number(text, "\"version\"") != 1) {
    channel_send_frame(control, "E{\"code\":\"ERR_IPC_VERSION\",\"message\":\"this is version 1\"}", NULL, 0);
    return CHANNEL_VERSION;
  }
  memcpy(header, "OSIPCCHN", 8);
  c->memory = memfd_create("channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (c->memory < 0 || posix_fallocate(c->memory, 0, page + 2 * (off_t)capacity) != 0) return -errno;
  for (int ring = 0; ring < 2; ring += 1) {
    if (pwrite(c->memory, &starts[ring], 4, 512 + 512 * ring + CHANNEL_TAIL) != 4) return -errno;
    if (pwrite(c->memory, &starts[ring], 4, 512 + 512 * ring + CHANNEL_HEAD) != 4) return -errno;
  }
  if (pwrite(c->memory, header, sizeof header, 0) != (ssize_t)sizeof header) return -errno;
  if (fcntl(c->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return -errno;
  if (pipe2(bells[0], O_CLOEXEC) != 0 || pipe2(bells[1], O_CLOEXEC) != 0) return -errno;
  int theirs[3] = {c->memory, bells[1][0], bells[0][1]};
  int sent = channel_send_frame(control, "S{\"side\":1}", theirs, 3);
  close(bells[1][0]);
  close(bells[0][1]);
  c->bell = bells[0][0];
  c->other = bells[1][1];
  return sent < 0 ? sent : channel_attach(c);
}

/* Sleep and wake. */

static void channel_ring(struct channel *c) {
  /* Without O_NONBLOCK, which belongs to both sides: whether there is room is asked first. Full is rung. */
  struct pollfd room = {c->other, POLLOUT, 0};
  if (poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) && !(room.revents & POLLERR)) (void)!write(c->other, "", 1);
}

static void channel_wake(struct channel *c, _Atomic uint32_t *words, int at) {
  if (channel_load(words, at) != 0 && atomic_exchange(&words[at / 4], 0) == 1) channel_ring(c);
}

/* Until the bell rings or something comes on the control line. */
static int channel_block(struct channel *c) {
  struct pollfd both[2] = {{c->bell, POLLIN, 0}, {c->control, POLLIN, 0}};
  char bytes[4096];
  if (poll(both, 2, 1000) < 0 && errno != EINTR) return -errno;
  if (both[0].revents & POLLIN) (void)!read(c->bell, bytes, sizeof bytes);
  else if (both[0].revents & POLLHUP) c->gone = 1;
  return channel_look(c);
}

static int channel_outcome(struct channel *c, int ended) {
  return atomic_load(channel_state(c, 1 - c->side)) & CHANNEL_CLOSED ? ended : CHANNEL_DIED;
}

/* Sending. */

static int channel_room(struct channel *c, uint32_t size) {
  uint32_t head = channel_load(c->out_words, CHANNEL_HEAD);
  if (head - c->head_seen > c->tail - c->head_seen) return CHANNEL_CORRUPT;
  c->head_seen = head;
  return size <= c->capacity[c->side] - (c->tail - head);
}

/* Waits until `head` has reached `position`. */
static int channel_wait_for_head(struct channel *c, uint32_t position) {
  for (;;) {
    channel_store(c->out_words, CHANNEL_SENDER_WANTS, position);
    channel_store(c->out_words, CHANNEL_SENDER_SLEEPS, 1);
    int looked = channel_room(c, 0);
    if (looked < 0) return looked;
    if ((int32_t)(c->head_seen - position) >= 0) return 0;
    if (c->gone) return channel_outcome(c, -EPIPE);
    if ((looked = channel_block(c)) < 0) return looked;
  }
}

static int channel_record(struct channel *c, uint32_t kind, const void *payload, uint32_t length) {
  uint32_t size = channel_size(length), capacity = c->capacity[c->side];
  if (c->gone) return channel_outcome(c, -EPIPE);
  int room = size <= capacity - (c->tail - c->head_seen) ? 1 : channel_room(c, size);
  if (room == 0) room = channel_wait_for_head(c, c->tail + size - capacity);
  if (room < 0) return room;
  char *at = c->out + (c->tail & (capacity - 1));
  uint32_t head[2] = {length | kind << 28, c->flags & CHANNEL_CHECKSUM ? channel_crc32c(payload, length) : 0};
  memcpy(at, head, 8);
  memcpy(at + 8, payload, length);
  c->tail += size;
  channel_store(c->out_words, CHANNEL_TAIL, c->tail);
  return 0;
}

/* Rendezvous: waits until what was published is taken. */
static int channel_offer(struct channel *c) {
  channel_store(c->out_words, CHANNEL_OFFER, 1);
  channel_wake(c, c->out_words, CHANNEL_RECEIVER_SLEEPS);
  for (;;) {
    /* Any store of `head` is to ring. */
    channel_store(c->out_words, CHANNEL_SENDER_WANTS, c->head_seen);
    channel_store(c->out_words, CHANNEL_SENDER_SLEEPS, 1);
    uint32_t offer = channel_load(c->out_words, CHANNEL_OFFER);
    if (offer == 2) break;
    if (offer != 1) return CHANNEL_CORRUPT;
    if (c->gone) return channel_outcome(c, -EPIPE);
    int blocked = channel_block(c);
    if (blocked < 0) return blocked;
  }
  channel_store(c->out_words, CHANNEL_OFFER, 0);
  return 0;
}

static int channel_send(struct channel *c, const void *data, uint32_t length) {
  uint32_t capacity = c->capacity[c->side], piece = capacity / 4 - 8;
  if (length > c->max_message_size) return -EMSGSIZE;
  int rendezvous = c->flags & CHANNEL_RENDEZVOUS, whole = length <= capacity / 2 - 8 && length < 1u << 28, done;
  /* The rest of the last message. */
  if (rendezvous && (done = channel_wait_for_head(c, c->tail)) < 0) return done;
  uint32_t start[2] = {length, 0};
  done = whole ? channel_record(c, CHANNEL_WHOLE, data, length) : channel_record(c, CHANNEL_START, start, 8);
  if (done == 0 && rendezvous) done = channel_offer(c);
  else if (done == 0) channel_wake(c, c->out_words, CHANNEL_RECEIVER_SLEEPS);
  for (uint32_t from = 0; !whole && done == 0 && from < length; from += piece) {
    done = channel_record(c, CHANNEL_PIECE, (const char *)data + from, length - from < piece ? length - from : piece);
    channel_wake(c, c->out_words, CHANNEL_RECEIVER_SLEEPS);
  }
  return done;
}

/* Waits until the other side has received everything. */
static int channel_flush(struct channel *c) { return channel_wait_for_head(c, c->tail); }

/* Receiving. */

static int channel_published(struct channel *c) {
  uint32_t tail = channel_load(c->in_words, CHANNEL_TAIL), published = tail - c->head;
  if (published > c->capacity[1 - c->side] || published % 8 != 0) return CHANNEL_CORRUPT;
  c->tail_seen = tail;
  return published != 0;
}

static int channel_grow(struct channel *c, size_t size) {
  char *room = realloc(c->message, size + 1);
  if (room == NULL) return -ENOMEM;
  c->message = room;
  return 0;
}

static int channel_handles(struct channel *c) {
  struct channel_supply taken;
  if (!c->announced) return 0;
  c->announced = 0;
  int looked = channel_look(c);
  if (looked < 0) return looked;
  if (!channel_supply_take(c, c->announced_sequence, &taken)) return CHANNEL_CORRUPT;
  memcpy(c->fds, taken.fds, sizeof(int) * (size_t)taken.count);
  c->fd_count = taken.count;
  free(taken.fds);
  return 0;
}

/* 1: a message; 0: nothing yet; or what is wrong with what stands there. */
static int channel_take(struct channel *c) {
  uint32_t capacity = c->capacity[1 - c->side];
  channel_close_all(c->fds, c->fd_count);
  c->fd_count = 0;
  for (;;) {
    if (c->head == c->tail_seen) {
      uint32_t offered = 1;
      if ((c->flags & CHANNEL_RENDEZVOUS) && !c->partial && !c->announced &&
          !atomic_compare_exchange_strong(&c->in_words[CHANNEL_OFFER / 4], &offered, 2))
        return 0;
      int published = channel_published(c);
      if (published <= 0) return published;
    }
    char *at = c->in + (c->head & (capacity - 1));
    uint32_t word = *(volatile uint32_t *)at, length = word & 0x0fffffff, kind = word >> 28, words[4];
    uint32_t size = channel_size(length);
    if (size > c->tail_seen - c->head) return CHANNEL_CORRUPT;
    int complete = 0, grown = 0;
    memcpy(words, at + 8, length < sizeof words ? length : sizeof words);
    switch (kind) {
      case CHANNEL_WHOLE:
        if (c->partial || length > c->max_message_size) return CHANNEL_CORRUPT;
        c->filled = 0;
        c->length = length;
        /* fall through */
      case CHANNEL_PIECE:
        if (kind == CHANNEL_PIECE && (!c->partial || length == 0 || length > c->length - c->filled)) return CHANNEL_CORRUPT;
        if ((grown = channel_grow(c, c->filled + length)) < 0) return grown;
        memcpy(c->message + c->filled, at + 8, length);
        /* Of the copy: the other side may go on writing. */
        if ((c->flags & CHANNEL_CHECKSUM) && channel_crc32c(c->message + c->filled, length) != *(volatile uint32_t *)(at + 4))
          return CHANNEL_CORRUPT;
        c->filled += length;
        complete = c->filled == c->length;
        break;
      case CHANNEL_START:
        if (c->partial || length != 8 || words[0] == 0 || words[0] > c->max_message_size) return CHANNEL_CORRUPT;
        c->partial = 1;
        c->filled = 0;
        c->length = words[0];
        break;
      case CHANNEL_ABORT:
        if (!c->partial || ++c->abandoned > capacity / 8) return CHANNEL_CORRUPT;
        c->partial = 0;
        if ((grown = channel_handles(c)) < 0) return grown;
        channel_close_all(c->fds, c->fd_count);
        c->fd_count = 0;
        break;
      case CHANNEL_HANDLES:
        if (c->partial || c->announced || length != 8) return CHANNEL_CORRUPT;
        c->announced = 1;
        c->announced_sequence = words[0];
        break;
      default:
        return CHANNEL_CORRUPT;
    }
    c->head += size;
    channel_store(c->in_words, CHANNEL_HEAD, c->head);
    if (channel_load(c->in_words, CHANNEL_SENDER_SLEEPS) != 0 &&
        (int32_t)(c->head - channel_load(c->in_words, CHANNEL_SENDER_WANTS)) >= 0)
      channel_wake(c, c->in_words, CHANNEL_SENDER_SLEEPS);
    if (!complete) continue;
    c->partial = 0;
    c->abandoned = 0;
    int handled = channel_handles(c);
    return handled < 0 ? handled : 1;
  }
}

/* Waits for the next message: 1, and it is in `message` with `length` bytes until the next call. */
static int channel_receive(struct channel *c) {
  for (;;) {
    int gone = c->gone, taken = channel_take(c);
    if (taken != 0) return taken;
    if (gone) return channel_outcome(c, CHANNEL_END);
    /* Announced; then once more, and only then sleep. */
    channel_store(c->in_words, CHANNEL_RECEIVER_SLEEPS, 1);
    if ((taken = channel_take(c)) != 0) return taken;
    c->abandoned = 0;
    int blocked = channel_block(c);
    if (blocked < 0) return blocked;
  }
}

/* Says that this side sends no more, then hangs up. */
static void channel_close(struct channel *c) {
  if (c->attached) atomic_fetch_or(channel_state(c, c->side), CHANNEL_CLOSED);
  if (c->map != NULL) munmap(c->map, c->map_size);
  channel_close_all(c->fds, c->fd_count);
  for (int i = 0; i < CHANNEL_MOST_SUPPLIES; i += 1) {
    if (!c->supplies[i].used) continue;
    channel_close_all(c->supplies[i].fds, c->supplies[i].count);
    free(c->supplies[i].fds);
  }
  free(c->message);
  int own[4] = {c->memory, c->bell, c->other, c->control};
  channel_close_all(own, 4);
}

#endif
