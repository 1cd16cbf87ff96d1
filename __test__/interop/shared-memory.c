/* What a C program does with a POSIX object: shared-memory WHAT NAME [NUMBER]. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct inner {
  uint8_t flag;
  uint64_t total;
};

struct record {
  uint32_t id;
  double price;
  char name[13];
  int16_t samples[3];
  struct inner inner;
  uint8_t last;
};

struct __attribute__((packed)) packed {
  uint8_t kind;
  uint32_t length;
  int64_t at;
};

static int futex(_Atomic uint32_t *word, int operation, uint32_t value) {
  return (int)syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int fd = shm_open(argv[2], O_RDWR, 0);
  struct stat stat;
  if (fd < 0 || fstat(fd, &stat) != 0) return 3;
  char *memory = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 4;
  _Atomic uint32_t *words = (_Atomic uint32_t *)memory;
  if (strcmp(argv[1], "count") == 0) {
    for (long left = atol(argv[3]); left > 0; left -= 1) atomic_fetch_add(&words[0], 1);
  } else if (strcmp(argv[1], "answer") == 0) {
    uint32_t turns = (uint32_t)atol(argv[3]);
    for (uint32_t turn = 0; turn < turns; turn += 1) {
      while (atomic_load(&words[1]) == turn) futex(&words[1], FUTEX_WAIT, turn);
      atomic_store(&words[2], turn + 1);
      futex(&words[2], FUTEX_WAKE, 1);
    }
  } else if (strcmp(argv[1], "record") == 0) {
    struct record *record = (struct record *)(memory + 64);
    struct packed *packed = (struct packed *)(memory + 201);
    printf("{\"size\":%zu,\"offsets\":[%zu,%zu,%zu,%zu,%zu,%zu],", sizeof *record, offsetof(struct record, id),
           offsetof(struct record, price), offsetof(struct record, name), offsetof(struct record, samples),
           offsetof(struct record, inner), offsetof(struct record, last));
    printf("\"record\":[%u,%g,\"%s\",%d,%d,%d,%u,\"%llu\",%u],", record->id, record->price, record->name,
           record->samples[0], record->samples[1], record->samples[2], record->inner.flag,
           (unsigned long long)record->inner.total, record->last);
    printf("\"packed\":[%zu,%u,%u,\"%lld\"]}\n", sizeof *packed, packed->kind, packed->length, (long long)packed->at);
    record->id += 1;
    record->price = -0.5;
    strcpy(record->name, "from C");
    record->samples[2] = -32768;
    record->inner.total = UINT64_MAX;
    packed->at = INT64_MIN;
  } else {
    return 2;
  }
  return 0;
}
