"""Channels for Python programs, from docs/channel-format.md alone: ctypes, mmap, socket, struct and nothing else.

Python has no atomics. On x86-64 (and only this module's words are meant):
- an aligned word of 32 bits, read or written through ctypes, is one instruction, so it is never half-written;
- loads and stores keep their order, but that a load may come before an earlier store. Where that matters (a side announces
  that it sleeps, then looks once more) a lock is taken and released between: that is an instruction with a full barrier;
- an exchange is a load and a store. Between them the other side may announce itself once more, so that one announcement is
  lost; but the bell is rung after the store, and whoever is woken looks again. So at worst a bell rings twice.
A rendezvous (flag 3) needs a compare-exchange, so such a channel is refused. On other processors use the C header.

Run as a program it does what core/examples/channel_peer.rs does: channel.py HOW WHERE [WORDS...].
"""
import array
import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import select
import socket
import struct
import sys
import threading
import time

TAIL, HEAD, RECEIVER_SLEEPS, SENDER_SLEEPS, SENDER_WANTS = 0, 64, 128, 192, 196
WHOLE, START, PIECE, ABORT, HANDLES = range(5)
ATTACHED, CLOSED = 1, 2
CHECKSUM, RENDEZVOUS = 4, 8
LONGEST_FRAME, MOST_FDS, MOST_SUPPLIES = 65536, 253, 64
F_ADD_SEALS, F_GET_SEALS = 1033, 1034
SEAL_SEAL, SEAL_SHRINK, SEAL_GROW, SEAL_WRITE = 1, 2, 4, 8
PAGE = mmap.PAGESIZE
WORDS = 1 << 32

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_MAP_SHARED, _MAP_PRIVATE, _MAP_FIXED, _MAP_ANONYMOUS = 1, 2, 16, 32


class PeerDied(Exception):
    """The other side has gone without closing."""


class Corrupt(Exception):
    """The other side has written what cannot be."""


def _table():
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        yield value


_CRC = list(_table())


def crc32c(data):
    total = 0xFFFFFFFF
    for byte in data:
        total = (total >> 8) ^ _CRC[(total ^ byte) & 255]
    return total ^ 0xFFFFFFFF


def _size(length):
    return (length + 15) & ~7


def _map(address, length, protection, flags, fd, offset):
    place = _libc.mmap(address, length, protection, flags, fd, offset)
    if place == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    return place


def _frame(letter, body):
    return (letter + json.dumps(body)).encode()


def _descriptors(ancillary):
    fds = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)


def _receive_frame(control):
    """(letter, body, fds), None if there is none yet, False at the end."""
    room = socket.CMSG_SPACE(4 * MOST_FDS) + socket.CMSG_SPACE(12)
    flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
    try:
        data, ancillary, _, _ = control.recvmsg(LONGEST_FRAME, room, flags)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return False
    fds = _descriptors(ancillary)
    if not data:
        return False
    try:
        body = json.loads(data[1:])
    except ValueError:
        body = None
    if not isinstance(body, dict):
        for fd in fds:
            os.close(fd)
        raise Corrupt("a frame that is not JSON")
    return chr(data[0]), body, fds


def _wait_for_frame(control, letters):
    while True:
        if not select.select([control], [], [], 10)[0]:
            raise TimeoutError
        got = _receive_frame(control)
        if got is False:
            raise ConnectionResetError
        if got is not None:
            if got[0] == "E":
                raise ConnectionRefusedError(got[1].get("code"))
            if got[0] in letters:
                return got


def _address(text):
    return "\0" + text[1:] if text.startswith("@") else text


class Channel:
    """One end, used by one thread."""

    def __init__(self, control, side, fds):
        if platform.machine() != "x86_64":
            raise NotImplementedError("the order of loads and stores is that of x86-64 here")
        self._control, self._side, self._fds = control, side, list(fds)
        self._memory, self._bell, self._other = fds
        self._fence = threading.Lock()
        self._supplies = {}
        self._gone = False
        self._partial = None
        self._announced = None
        self._abandoned = 0
        self.fds = []
        """Descriptors of the message that was received last."""
        self._attach()

    @classmethod
    def from_fd(cls, number):
        control = socket.socket(fileno=number)
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        _, body, fds = _wait_for_frame(control, "S")
        return cls(control, body["side"], fds)

    @classmethod
    def connect(cls, address):
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        control.connect(_address(address))
        control.send(_frame("H", {"version": 1}))
        _, body, fds = _wait_for_frame(control, "S")
        return cls(control, body["side"], fds)

    @classmethod
    def answer(cls, control, capacity=1 << 20, flags=0, starts=(0, 0), max_message_size=16 << 20):
        """Makes the channel for whoever has connected to a seqpacket socket."""
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        _, body, _ = _wait_for_frame(control, "H")
        if body.get("version") != 1:
            control.send(_frame("E", {"code": "ERR_IPC_VERSION", "message": "this is version 1"}))
            raise ConnectionRefusedError
        memory = os.memfd_create("channel", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.posix_fallocate(memory, 0, PAGE + 2 * capacity)
        for ring, start in enumerate(starts):
            for word in (TAIL, HEAD):
                os.pwrite(memory, struct.pack("=I", start), 512 + 512 * ring + word)
        os.pwrite(memory, struct.pack("=8s6I", b"OSIPCCHN", 1, PAGE, capacity, capacity, max_message_size, flags), 0)
        fcntl.fcntl(memory, F_ADD_SEALS, SEAL_SHRINK | SEAL_GROW | SEAL_SEAL)
        (bell, theirs), (bell_of_theirs, other) = os.pipe(), os.pipe()
        socket.send_fds(control, [_frame("S", {"side": 1})], [memory, bell_of_theirs, theirs])
        os.close(theirs)
        os.close(bell_of_theirs)
        return cls(control, 0, (memory, bell, other))

    def _attach(self):
        if not fcntl.fcntl(self._memory, F_GET_SEALS) & SEAL_SHRINK:
            raise Corrupt("memory that can be shortened")
        header = os.pread(self._memory, 32, 0)
        if len(header) != 32 or header[:8] != b"OSIPCCHN":
            raise Corrupt("memory of another kind")
        version, offset, first, second, self.max_message_size, flags = struct.unpack("=6I", header[8:])
        if version != 1 or flags & ~15 or flags & 3 == 3:
            raise ConnectionRefusedError("another version of the format")
        if flags & RENDEZVOUS:
            raise NotImplementedError("a rendezvous needs a compare-exchange")
        fits = all(size & (size - 1) == 0 and 0 < size <= 1 << 30 and size % PAGE == 0 for size in (first, second))
        size = offset + first + second
        if not fits or offset < 4096 or offset % PAGE or os.fstat(self._memory).st_size != size:
            raise Corrupt("a geometry that cannot be")
        self.checksum = bool(flags & CHECKSUM)
        capacities = (first, second)
        self._span = offset + 2 * (first + second)
        # Room for everything at once, then each part at its place; each ring twice in a row.
        self._base = _map(None, self._span, 0, _MAP_PRIVATE | _MAP_ANONYMOUS, -1, 0)
        at, rings = self._base, []
        parts = [(0, offset), (offset, first), (offset, first), (offset + first, second), (offset + first, second)]
        for place, length in parts:
            rings.append(at)
            _map(at, length, mmap.PROT_READ | mmap.PROT_WRITE, _MAP_SHARED | _MAP_FIXED, self._memory, place)
            at += length
        rings = (rings[1], rings[3])
        self._out, self._in = rings[self._side], rings[1 - self._side]
        self._out_capacity, self._in_capacity = capacities[self._side], capacities[1 - self._side]
        words = (512, 1024)
        self._out_words = {at: self._word(words[self._side] + at) for at in (0, 64, 128, 192, 196)}
        self._in_words = {at: self._word(words[1 - self._side] + at) for at in (0, 64, 128, 192, 196)}
        self._states = self._word(64), self._word(128)
        own = self._states[self._side]
        if own.value & ATTACHED:
            raise PermissionError("somebody else has this end")
        own.value |= ATTACHED
        self._tail, self._head_seen = self._out_words[TAIL].value, self._out_words[HEAD].value
        self._head = self._tail_seen = self._in_words[HEAD].value
        if (self._tail - self._head_seen) % WORDS > self._out_capacity or self._tail % 8 or self._head % 8:
            raise Corrupt("positions")
        try:
            self._control.send(_frame("H", {"version": 1}), socket.MSG_DONTWAIT)
        except (BrokenPipeError, ConnectionResetError, BlockingIOError):
            pass

    def _word(self, offset):
        return ctypes.c_uint32.from_address(self._base + offset)

    def _barrier(self):
        with self._fence:
            pass

    # Sleep and wake.

    def _ring(self):
        # Nobody may set O_NONBLOCK, which belongs to both sides: room is asked for first. Full is rung.
        if select.select([], [self._other], [], 0)[1]:
            try:
                os.write(self._other, b"\1")
            except BrokenPipeError:
                pass

    def _wake(self, word):
        self._barrier()
        if word.value:
            asleep, word.value = word.value == 1, 0
            if asleep:
                self._ring()

    def _block(self):
        both = select.poll()
        both.register(self._bell, select.POLLIN)
        both.register(self._control, select.POLLIN)
        for fd, events in both.poll(1000):
            if fd == self._bell and not (events & select.POLLIN and os.read(self._bell, 4096)):
                self._gone = True
        self._look()

    def _look(self):
        while True:
            got = _receive_frame(self._control)
            if got is None:
                return
            if got is False:
                self._gone = True
                return
            letter, body, fds = got
            sequence = body.get("sequence")
            if letter == "X":
                if len(self._supplies) >= MOST_SUPPLIES or sequence in self._supplies:
                    raise Corrupt("descriptors of no message")
                self._supplies[sequence] = fds
                continue
            if letter == "D":
                fds += self._supplies.pop(sequence, [])
            for fd in fds:
                os.close(fd)

    def _supply(self, sequence):
        if sequence not in self._supplies:
            self._look()
        if sequence not in self._supplies:
            raise Corrupt("descriptors that were never sent")
        return self._supplies.pop(sequence)

    @property
    def _ended(self):
        return bool(self._states[1 - self._side].value & CLOSED)

    # Sending.

    def _room(self, size):
        head = self._out_words[HEAD].value
        if (head - self._head_seen) % WORDS > (self._tail - self._head_seen) % WORDS:
            raise Corrupt("more was taken than was sent")
        self._head_seen = head
        return size <= self._out_capacity - (self._tail - head) % WORDS

    def _wait_for_head(self, position):
        while True:
            self._out_words[SENDER_WANTS].value = position % WORDS
            self._out_words[SENDER_SLEEPS].value = 1
            self._barrier()
            self._room(0)
            if (self._head_seen - position) % WORDS < WORDS // 2:
                return
            self._check_peer()
            self._block()

    def _check_peer(self):
        if self._gone:
            raise BrokenPipeError if self._ended else PeerDied

    def _record(self, kind, payload):
        self._check_peer()
        size = _size(len(payload))
        if size > self._out_capacity - (self._tail - self._head_seen) % WORDS and not self._room(size):
            self._wait_for_head(self._tail + size - self._out_capacity)
        at = self._out + self._tail % self._out_capacity
        total = crc32c(payload) if self.checksum else 0
        ctypes.memmove(at + 8, bytes(payload), len(payload))
        ctypes.memmove(at, struct.pack("=II", len(payload) | kind << 28, total), 8)
        self._tail = (self._tail + size) % WORDS
        self._out_words[TAIL].value = self._tail
        self._wake(self._out_words[RECEIVER_SLEEPS])

    def send(self, message):
        if len(message) > self.max_message_size:
            raise OSError(errno.EMSGSIZE, "too long")
        if len(message) <= self._out_capacity // 2 - 8:
            self._record(WHOLE, message)
            return
        self._record(START, struct.pack("=II", len(message), 0))
        piece = self._out_capacity // 4 - 8
        for at in range(0, len(message), piece):
            self._record(PIECE, message[at : at + piece])

    def flush(self):
        """Waits until the other side has received everything."""
        self._wait_for_head(self._tail)

    # Receiving.

    def _published(self):
        tail = self._in_words[TAIL].value
        published = (tail - self._head) % WORDS
        if published > self._in_capacity or published % 8:
            raise Corrupt("positions")
        self._tail_seen = tail
        return published != 0

    def _payload(self, at, length):
        payload = ctypes.string_at(at + 8, length)
        # Of the copy: the other side may go on writing.
        if self.checksum and crc32c(payload) != ctypes.c_uint32.from_address(at + 4).value:
            raise Corrupt("a wrong checksum")
        return payload

    def _acceptable(self, length, least=1):
        if not least <= length <= self.max_message_size:
            raise Corrupt("a message of an impossible length")
        return length

    def _take(self):
        """The next message, or None."""
        for fd in self.fds:
            os.close(fd)
        self.fds = []
        while True:
            if self._head == self._tail_seen and not self._published():
                return None
            at = self._in + self._head % self._in_capacity
            word = ctypes.c_uint32.from_address(at).value
            length, kind = word & 0x0FFFFFFF, word >> 28
            if _size(length) > (self._tail_seen - self._head) % WORDS:
                raise Corrupt("a record beyond what was sent")
            message = self._read(kind, at, length)
            self._head = (self._head + _size(length)) % WORDS
            self._in_words[HEAD].value = self._head
            self._barrier()
            if self._in_words[SENDER_SLEEPS].value:
                if (self._head - self._in_words[SENDER_WANTS].value) % WORDS < WORDS // 2:
                    self._wake(self._in_words[SENDER_SLEEPS])
            if message is not None:
                self._abandoned = 0
                if self._announced is not None:
                    self.fds, self._announced = self._supply(self._announced), None
                return message

    def _read(self, kind, at, length):
        within = self._partial is not None
        if kind == WHOLE and not within:
            return self._payload(at, self._acceptable(length, 0))
        if kind == START and not within and length == 8:
            self._wanted = self._acceptable(struct.unpack("=II", self._payload(at, 8))[0])
            self._partial = b""
        elif kind == PIECE and within and 0 < length <= self._wanted - len(self._partial):
            self._partial += self._payload(at, length)
            if len(self._partial) == self._wanted:
                message, self._partial = self._partial, None
                return message
        elif kind == ABORT and within:
            self._partial = None
            self._abandoned += 1
            if self._abandoned > self._in_capacity // 8:
                raise Corrupt("messages that are given up without end")
            if self._announced is not None:
                for fd in self._supply(self._announced):
                    os.close(fd)
                self._announced = None
        elif kind == HANDLES and not within and length == 8 and self._announced is None:
            self._announced = struct.unpack("=II", self._payload(at, 8))[0]
        else:
            raise Corrupt("a record that cannot stand there")
        return None

    def recv(self):
        """Waits for the next message. None at the end."""
        while True:
            gone = self._gone
            message = self._take()
            if message is not None:
                return message
            if gone:
                if self._ended:
                    return None
                raise PeerDied
            self._in_words[RECEIVER_SLEEPS].value = 1
            self._barrier()
            if not self._published():
                self._abandoned = 0
                self._block()

    def close(self):
        """Says that this side sends no more, then hangs up."""
        self._states[self._side].value |= CLOSED
        self._barrier()
        _libc.munmap(self._base, self._span)
        for fd in [*self._fds, *self.fds, *(fd for fds in self._supplies.values() for fd in fds)]:
            os.close(fd)
        self._control.close()


PERIOD = 65536


class Plan:
    """Messages that both sides know: each has its number, then a part of a text that repeats itself."""

    def __init__(self, count, sizes):
        self.count, self.sizes = int(count), [int(size) for size in sizes.split(",")]
        text = bytes(at * 2654435761 % WORDS >> 24 for at in range(PERIOD))
        self.text = text * (2 + max(self.sizes) // PERIOD)

    def __iter__(self):
        for number in range(self.count):
            at = number * 7 % PERIOD
            yield struct.pack("=I", number) + self.text[at : at + self.sizes[number % len(self.sizes)]]


def listen(address, start0, start1, capacity, flags):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(_address(address))
        server.listen(1)
        print("listens", flush=True)
        control, _ = server.accept()
    return Channel.answer(control, int(capacity), int(flags), (int(start0), int(start1)))


def run(how, where, *words):
    if how == "listen":
        channel = listen(where, *words)
    else:
        channel = Channel.from_fd(int(where)) if where.isdigit() else Channel.connect(where)
    if how in ("echo", "listen"):
        for message in iter(channel.recv, None):
            for fd in channel.fds:
                os.write(fd, b"from Python")
            channel.send(message)
    elif how == "idle":
        channel.send(b"here")
        time.sleep(30)
    elif how == "count":
        for message in Plan(*words):
            channel.send(message)
        channel.flush()
    elif how == "verify":
        for expected in Plan(*words):
            if channel.recv() != expected:
                sys.exit("a message is not what was sent")
        channel.send(b"all")
        channel.flush()
    channel.close()


if __name__ == "__main__":
    try:
        run(*sys.argv[1:])
    except PeerDied:
        print("the other side died", file=sys.stderr)
        sys.exit(3)
    except Corrupt as error:
        print(error, file=sys.stderr)
        sys.exit(4)
