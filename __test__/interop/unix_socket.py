"""The other side of Unix sockets, by Python's socket module alone.

echo TYPE ADDRESS   listens (or binds), and sends back what comes, with its descriptors, until an empty message or the end
give TYPE           has the socket as descriptor 3: sends 1000 numbered messages, each 100th with a pipe that holds its number
take TYPE           has it as 3: receives as many, and prints how many descriptors came, and what stood in them
"""
import array, os, socket, sys

KINDS = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET}
COUNT = 1000


def echo(kind, address):
    where = "\0" + address[1:] if address.startswith("@") else address
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(where)
    if kind != socket.SOCK_DGRAM:
        server.listen(1)
    print("listening", flush=True)
    end = server if kind == socket.SOCK_DGRAM else server.accept()[0]
    while True:
        data, fds, _flags, sender = socket.recv_fds(end, 1 << 16, 16)
        if not data:
            break
        if kind == socket.SOCK_DGRAM:
            end.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [], 0, sender)
        elif fds:
            socket.send_fds(end, [data], fds)
        else:
            end.sendall(data)
        for fd in fds:
            os.close(fd)


def give(kind):
    end = socket.socket(fileno=3)
    for index in range(COUNT):
        text = b"%d;" % index
        if index % 100:
            end.send(text)
            continue
        reader, writer = os.pipe()
        os.write(writer, b"%d" % index)
        os.close(writer)
        socket.send_fds(end, [text], [reader])
        os.close(reader)


def take(kind):
    end = socket.socket(fileno=3)
    text, found = b"", []
    while True:
        data, fds, _flags, _sender = socket.recv_fds(end, 1 << 16, 16)
        if not data:
            break
        text += data
        for fd in fds:
            found.append(os.read(fd, 16).decode())
            os.close(fd)
    print(text.decode() == "".join("%d;" % index for index in range(COUNT)), ",".join(found))


what, kind, *rest = sys.argv[1:]
{"echo": echo, "give": give, "take": take}[what](KINDS[kind], *rest)
