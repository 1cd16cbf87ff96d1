# sysv_queue.py send|receive KEY COUNT: the other side of the interop specs, by sysv_ipc. Messages as in sysv-queue.c.
import sys

import sysv_ipc

what, key, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
queue = sysv_ipc.MessageQueue(key, max_message_size=8192)
for number in range(count):
    message = (b"%d:" % number + b"x" * (number % 200), 1 + number % 7)
    if what == "send":
        queue.send(message[0], type=message[1])
    elif queue.receive() != message:
        sys.exit(f"number {number} is not what it should be")
