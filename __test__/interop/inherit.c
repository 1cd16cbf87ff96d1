/* inherit NAME...: says what each handle is that `spawn` gave to this program under that name, by the variables of its
   environment alone; a pipe is copied to stdout, and memory is written to. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

static int number(const char *prefix, const char *name) {
  char variable[128];
  snprintf(variable, sizeof variable, "%s%s", prefix, name);
  const char *text = getenv(variable);
  return text == NULL ? -1 : atoi(text);
}

int main(int count, char **words) {
  for (int index = 1; index < count; index += 1) {
    const int fd = number("OS_IPC_FD_", words[index]);
    const int id = number("OS_IPC_ID_", words[index]);
    struct stat facts;
    if (id >= 0) {
      struct {
        long type;
        char text[64];
      } message;
      printf("%s: %.*s\n", words[index], (int)msgrcv(id, &message, sizeof message.text, 0, 0), message.text);
    } else if (fd < 0 || fstat(fd, &facts) != 0) {
      printf("%s: nothing\n", words[index]);
    } else if (S_ISREG(facts.st_mode)) {
      char *memory = mmap(NULL, (size_t)facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      printf("%s: %s\n", words[index], memory);
      memory[0] = 'C';
    } else {
      char text[64];
      const ssize_t length = read(fd, text, sizeof text);
      printf("%s: %.*s\n", words[index], (int)length, text);
    }
    fflush(stdout);
  }
  return 0;
}
