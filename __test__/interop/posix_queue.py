# posix_queue.py send|receive NAME COUNT: the other side of the interop specs, by posix_ipc. Messages as in posix-queue.c.
import sys

import posix_ipc

what, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
queue = posix_ipc.MessageQueue(name)
following = list(range(7))
for index in range(count):
    if what == "send":
        queue.send(b"%d:" % index + b"x" * (index % 50), priority=index % 7)
        continue
    data, priority = queue.receive()
    number = following[priority]
    if data != b"%d:" % number + b"x" * (number % 50):
        sys.exit(f"message {index}: priority {priority}, {data}")
    following[priority] += 7
