# semaphore_set.py take|give|make KEY COUNT: the other side of the interop specs, by sysv_ipc.
import sys

import sysv_ipc

what, key, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if what == "make":
    print(sysv_ipc.Semaphore(key, sysv_ipc.IPC_CREX, initial_value=count).id)
else:
    semaphore = sysv_ipc.Semaphore(key)
    for number in range(count):
        semaphore.acquire() if what == "take" else semaphore.release()
