"""Says what each handle is that `spawn` gave to this program, by the variable that has them all, in the order of the words."""
import json, mmap, os, socket, sys

text, part = "", 1
while (piece := os.environ.get("OS_IPC_HANDLES" + (f"_{part}" if part > 1 else ""))) is not None:
    text, part = text + piece, part + 1
handles = json.loads(text)

for name in sys.argv[1:]:
    given = handles.get(name)
    if given is None:
        print(f"{name}: nothing, of {len(handles)}")
    elif given["kind"] == "shared-memory":
        with mmap.mmap(given["fds"][0], 0) as memory:
            print(f"{name}: {memory[:5].decode()}")
            memory[0:1] = b"P"
    elif given["kind"] == "unix-socket":
        end = socket.socket(fileno=given["fds"][0])
        print(f"{name}: {end.recv(64).decode()}")
        end.send(b"from Python")
    else:
        print(f"{name}: {given['kind']} {len(given['fds'])} {given['meta']}")
