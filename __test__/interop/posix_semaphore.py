# The other side of the interop specs of semaphores, by posix_ipc.
#   posix_semaphore.py echo A B COUNT     waits upon the semaphore A and posts B, so often
#   posix_semaphore.py make NAME VALUE    makes one, says so, and waits until it can take one more than VALUE
import sys

import posix_ipc

if sys.argv[1] == "echo":
    mine, theirs = posix_ipc.Semaphore(sys.argv[2]), posix_ipc.Semaphore(sys.argv[3])
    for _ in range(int(sys.argv[4])):
        mine.acquire()
        theirs.release()
else:
    value = int(sys.argv[3])
    semaphore = posix_ipc.Semaphore(sys.argv[2], posix_ipc.O_CREX, initial_value=value)
    print("made", semaphore.value, flush=True)
    for _ in range(value + 1):
        semaphore.acquire()
