/* A ring of slots between one sender and one receiver, in memory that both have mapped. Positions count slots; each side
 * keeps its own and what it has last seen of the other's. */
#ifndef RING_H
#define RING_H
#include "serve.h"

#include <sys/mman.h>

#define RING_BYTES (1 << 20)

struct shared {
  _Alignas(64) _Atomic uint64_t tail;
  _Alignas(64) _Atomic uint64_t head;
  _Alignas(64) char slots[];
};

struct ring {
  struct shared *shared;
  uint64_t mine, seen, count;
  size_t size, slot;
};

static inline struct shared *map_ring(size_t bytes) {
  void *memory = mmap(NULL, sizeof(struct shared) + bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  memset(memory, 0, sizeof(struct shared) + bytes);
  return memory;
}

/* Messages of one size, at least two of them. */
static inline size_t ring_bytes(size_t size) {
  size_t two = 2 * (size + 8);
  return two > RING_BYTES ? two : RING_BYTES;
}

static inline struct ring ring_of(struct shared *shared, size_t size) {
  size_t slot = size + 8;
  return (struct ring){.shared = shared, .count = ring_bytes(size) / slot, .size = size, .slot = slot};
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline int ring_try_send(struct ring *ring, const char *message) {
  struct shared *shared = ring->shared;
  if (ring->mine - ring->seen == ring->count) {
    ring->seen = atomic_load_explicit(&shared->head, memory_order_acquire);
    if (ring->mine - ring->seen == ring->count) return 0;
  }
  char *at = shared->slots + ring->mine % ring->count * ring->slot;
  uint64_t length = ring->size;
  memcpy(at, &length, sizeof length);
  memcpy(at + 8, message, ring->size);
  ring->mine += 1;
  atomic_store_explicit(&shared->tail, ring->mine, memory_order_release);
  return 1;
}

static inline int ring_try_receive(struct ring *ring, char *target) {
  struct shared *shared = ring->shared;
  if (ring->mine == ring->seen) {
    ring->seen = atomic_load_explicit(&shared->tail, memory_order_acquire);
    if (ring->mine == ring->seen) return 0;
  }
  const char *at = shared->slots + ring->mine % ring->count * ring->slot;
  uint64_t length;
  memcpy(&length, at, sizeof length);
  memcpy(target, at + 8, length);
  ring->mine += 1;
  atomic_store_explicit(&shared->head, ring->mine, memory_order_release);
  return 1;
}

static inline void ring_send(struct ring *ring, const char *message) {
  while (!ring_try_send(ring, message)) relax();
}

static inline void ring_receive(struct ring *ring, char *target) {
  while (!ring_try_receive(ring, target)) relax();
}

#endif
