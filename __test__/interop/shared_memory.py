"""What Python does with a POSIX object: shared_memory.py WAY NAME. It reads five bytes at 10 and writes five at 20."""
import mmap
import sys

way, name = sys.argv[1:3]


def use(memory):
    print(bytes(memory[10:15]).decode())
    memory[20:25] = way.ljust(5)[:5].encode()


if way == "multiprocessing":
    from multiprocessing import resource_tracker, shared_memory

    memory = shared_memory.SharedMemory(name[1:])
    # Or Python unlinks at its end what others have made.
    resource_tracker.unregister(memory._name, "shared_memory")
    use(memory.buf)
    memory.close()
elif way == "posix_ipc":
    import posix_ipc

    memory = posix_ipc.SharedMemory(name)
    with mmap.mmap(memory.fd, memory.size) as mapped:
        use(mapped)
    memory.close_fd()
elif way == "mmap":
    with open("/dev/shm" + name, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        use(mapped)
elif way == "create":
    from multiprocessing import resource_tracker, shared_memory

    memory = shared_memory.SharedMemory(name[1:], create=True, size=5000)
    resource_tracker.unregister(memory._name, "shared_memory")
    memory.buf[4990:5000] = b"from there"
    memory.close()
else:
    sys.exit(2)
