/* shm_open BATCH: BATCH times opens, maps, unmaps and closes an object that is there. */
#include "serve.h"

#include <sys/mman.h>
#include <sys/stat.h>

struct job {
  char name[64];
  int batch;
};

static void once(void *argument) {
  struct job *job = argument;
  for (int index = 0; index < job->batch; index += 1) {
    struct stat stat;
    int fd = shm_open(job->name, O_RDWR, 0);
    if (fd < 0 || fstat(fd, &stat) != 0) die("shm_open");
    void *memory = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) die("mmap");
    if (munmap(memory, (size_t)stat.st_size) != 0 || close(fd) != 0) die("munmap");
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  struct job job = {.batch = atoi(argv[1])};
  snprintf(job.name, sizeof job.name, "/os-ipc-bench-c-%d", getpid());
  int fd = shm_open(job.name, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0 || ftruncate(fd, 65536) != 0) die("shm_open");
  serve(once, &job);
  shm_unlink(job.name);
  return 0;
}
