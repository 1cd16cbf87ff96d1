"""A JSON-RPC server on a Unix socket, with Python's standard library alone. It is started by rpc-python.js."""
import json
import os
import socketserver
import statistics
import sys

METHODS = {
    'median': statistics.median,
    'words': lambda text: sorted(set(text.lower().split())),
    'pid': lambda: os.getpid(),
}


def answer(frame):
    params = frame.get('params')
    try:
        method = METHODS[frame['method']]
        result = method() if params is None else method(params)
        return {'jsonrpc': '2.0', 'id': frame['id'], 'result': result}
    except KeyError:
        error = {'code': -32601, 'message': 'no such method'}
    except Exception as thrown:
        error = {'code': -32000, 'message': str(thrown), 'data': type(thrown).__name__}
    return {'jsonrpc': '2.0', 'id': frame['id'], 'error': error}


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            length = 0
            line = self.rfile.readline()
            while line.strip():
                name, value = line.split(b':')
                if name.lower() == b'content-length':
                    length = int(value)
                line = self.rfile.readline()
            if length == 0:
                return
            frame = json.loads(self.rfile.read(length))
            if 'id' not in frame:
                continue
            body = json.dumps(answer(frame)).encode()
            self.wfile.write(b'Content-Length: %d\r\n\r\n' % len(body) + body)


with socketserver.ThreadingUnixStreamServer(sys.argv[1], Connection) as server:
    print('serves', flush=True)
    server.daemon_threads = True
    server.serve_forever()
