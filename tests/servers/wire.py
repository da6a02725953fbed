"""HTTP/1.1, HTTP/2 and WebSocket as bytes on a socket, so that nothing a client library would mend is mended."""

import base64
import os
import socket
import struct

import h2.config
import h2.connection
import h2.events


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)


class Line:
    """One connection, to a port or to the path of a Unix socket: what was received and not read yet is kept."""

    def __init__(self, port):
        if isinstance(port, int):
            self.socket = socket.create_connection(('127.0.0.1', port), timeout=60)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.settimeout(60)
                self.socket.connect(port)
            except OSError:
                self.socket.close()
                raise
        self.rest = b''

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        data = self.socket.recv(65536)
        self.rest += data
        return bool(data)

    def until(self, mark):
        while mark not in self.rest:
            assert self.more(), f'closed after {self.rest!r}'
        found, _, self.rest = self.rest.partition(mark)
        return found

    def exactly(self, size):
        while len(self.rest) < size:
            assert self.more(), f'closed after {self.rest!r}'
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def head(self):
        status, *lines = self.until(b'\r\n\r\n').decode('latin-1').split('\r\n')
        pairs = [line.partition(':')[::2] for line in lines]
        return int(status.split()[1]), [(name.lower(), value.strip()) for name, value in pairs]

    def reply(self, method='GET'):
        status, headers = self.head()
        while status == 100:
            status, headers = self.head()
        given, body = dict(headers), b''
        if method == 'HEAD' or status in (204, 304):
            pass
        elif 'content-length' in given:
            body = self.exactly(int(given['content-length']))
        elif given.get('transfer-encoding') == 'chunked':
            while size := int(self.until(b'\r\n'), 16):
                body += self.exactly(size)
                self.exactly(2)
            self.exactly(2)
        else:
            while self.more():
                pass
            body, self.rest = self.rest, b''
        return Reply(status, headers, body)


def ask(port, target='/', method='GET', headers=(), body=b'', line=None):
    """One HTTP/1.1 request whose target goes out as it is."""
    lines = [f'{method} {target} HTTP/1.1', *(f'{name}: {value}' for name, value in headers)]
    if 'host' not in dict(headers):
        lines.append(f'host: 127.0.0.1:{port}' if isinstance(port, int) else 'host: localhost')
    if body:
        lines.append(f'content-length: {len(body)}')
    data = '\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n' + body
    if line is not None:
        line.send(data)
        return line.reply(method)
    with Line(port) as line:
        line.send(data)
        return line.reply(method)


def ask2(port, target='/', method='GET', headers=(), body=b''):
    """One HTTP/2 request, with prior knowledge."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding='utf-8'))
    with Line(port) as line:
        connection.initiate_connection()
        pseudo = [(':method', method), (':path', target), (':scheme', 'http'), (':authority', f'127.0.0.1:{port}')]
        connection.send_headers(1, [*pseudo, *headers], end_stream=not body)
        for at in range(0, len(body), 16_384):
            connection.send_data(1, body[at : at + 16_384], end_stream=at + 16_384 >= len(body))
        line.send(connection.data_to_send())
        status, fields, data = 0, [], b''
        while True:
            received = line.socket.recv(65536)
            assert received, 'closed'
            for event in connection.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    fields = [pair for pair in event.headers if pair[0] != ':status']
                    status = int(dict(event.headers)[':status'])
                elif isinstance(event, h2.events.DataReceived):
                    data += event.data
                    connection.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, h2.events.StreamEnded):
                    return Reply(status, fields, data)
                elif isinstance(event, h2.events.StreamReset):
                    raise ConnectionResetError(event.error_code)
            line.send(connection.data_to_send())


class Socket(Line):
    """A WebSocket; `refused` is the answer where the handshake was not accepted."""

    def __init__(self, port, target, headers=(), subprotocol=None):
        super().__init__(port)
        fields = [('upgrade', 'websocket'), ('connection', 'Upgrade'), ('sec-websocket-version', '13'), *headers]
        fields += [('sec-websocket-key', base64.b64encode(os.urandom(16)).decode())]
        fields += [('sec-websocket-protocol', subprotocol)] if subprotocol else []
        lines = [f'GET {target} HTTP/1.1', f'host: 127.0.0.1:{port}', *(f'{name}: {value}' for name, value in fields)]
        self.send('\r\n'.join(lines).encode() + b'\r\n\r\n')
        self.refused = None
        self.status, fields = self.head()
        self.headers = dict(fields)
        if self.status != 101:
            length = int(self.headers.get('content-length', 0))
            self.refused = Reply(self.status, fields, self.exactly(length))

    def say(self, data, opcode=None):
        payload = data.encode() if isinstance(data, str) else data
        opcode = opcode or (1 if isinstance(data, str) else 2)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack('>H', size)
        self.send(bytes([0x80 | opcode]) + length + b'\0\0\0\0' + payload)

    def hear(self):
        """The next message, or the code and reason of the close."""
        while True:
            first, second = self.exactly(2)
            size = second & 0x7F
            size = struct.unpack('>H', self.exactly(2))[0] if size == 126 else size
            payload = self.exactly(size)
            if first & 0xF == 8:
                return struct.unpack('>H', payload[:2])[0] if payload else 1005, payload[2:].decode()
            if first & 0xF in (1, 2):
                return payload.decode() if first & 0xF == 1 else payload
