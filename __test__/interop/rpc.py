"""JSON-RPC over a Unix stream socket by the standard library alone: a client, and a server."""
import json
import os
import socket
import sys


def read(file):
    length = 0
    line = file.readline().strip()
    while line:
        name, value = line.split(b':')
        if name.lower() == b'content-length':
            length = int(value)
        line = file.readline().strip()
    return json.loads(file.read(length)) if length else None


def write(stream, frame):
    body = json.dumps({'jsonrpc': '2.0', **frame}).encode()
    stream.sendall(b'Content-Length: %d\r\n\r\n' % len(body) + body)


def client(path):
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(path)
    file = stream.makefile('rb')

    def call(number, method, params):
        write(stream, {'id': number, 'method': method, 'params': params})
        return read(file)

    print(call(1, 'add', {'a': 1, 'b': 2})['result'])
    print(call('two', 'echo', ['ü', {'x': None}])['result'])
    print(call(3, 'throws', None)['error']['code'])
    print(call(4, 'who', None)['result']['pid'] == os.getpid())
    body = b'this is not JSON'
    stream.sendall(b'Content-Length: %d\r\n\r\n' % len(body) + body)
    print(read(file)['error']['code'])


def server(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print('serves', flush=True)
    stream, _ = listener.accept()
    file = stream.makefile('rb')
    frame = read(file)
    while frame is not None:
        if frame['method'] == 'add':
            write(stream, {'id': frame['id'], 'result': frame['params']['a'] + frame['params']['b']})
        elif frame['method'] == 'list':
            write(stream, {'id': frame['id'], 'result': [1, 2, 3]})
        elif 'id' in frame:
            write(stream, {'id': frame['id'], 'error': {'code': -32601, 'message': 'no such method'}})
        frame = read(file)


{'client': client, 'server': server}[sys.argv[1]](sys.argv[2])
