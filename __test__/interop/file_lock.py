"""Locks on a file as Python programs take them: the same words as file-lock.c."""
import errno
import fcntl
import os
import struct
import sys

F_OFD_SETLK, F_OFD_SETLKW = 37, 38


def lock(kind, fd, shared, start, length, waits):
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    if not waits:
        how |= fcntl.LOCK_NB
    if kind == "flock":
        fcntl.flock(fd, how)
    elif kind == "posix":
        fcntl.lockf(fd, how, length, start)
    else:
        # struct flock on 64-bit machines: type, whence, start, length, pid.
        fields = (fcntl.F_RDLCK if shared else fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
        fcntl.fcntl(fd, F_OFD_SETLKW if waits else F_OFD_SETLK, struct.pack("hhqqi4x", *fields))


verb, kind, path, how, start, length = sys.argv[1:]
fd = os.open(path, os.O_RDWR)
try:
    lock(kind, fd, how == "shared", int(start), int(length), verb != "try")
    print("free" if verb == "try" else "held", flush=True)
except OSError as error:
    if error.errno not in (errno.EAGAIN, errno.EACCES):
        raise
    print("taken")
if verb == "hold":
    sys.stdin.read()
