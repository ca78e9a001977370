"""The fake over HTTP, on loopback only, for the SDK's own transport and for other processes."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.fakes.stripe.api import Api
from tests.fakes.stripe.http import Dropped, Headers, Request


class Server:
    """A server of its own thread; each connection carries one request, so none is left open."""

    def __init__(self, api: Api) -> None:
        handler = type("Handler", (_Handler,), {"api": api})
        self._server = _Quiet(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[BaseException]:
        """Ends it; gives what broke inside it, which its callers saw as dropped connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        return self._server.broken


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    # A delayed answer whose caller is gone must not hold up the end of a test.
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.broken: list[BaseException] = []

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exc_info()[1]
        # A caller that hung up is no news.
        if error is not None and not isinstance(error, ConnectionError):
            self.broken.append(error)


class _Handler(BaseHTTPRequestHandler):
    api: Api

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        parts = urlsplit(self.path)
        sent = Headers(dict(self.headers.items()))
        try:
            response = self.api.handle(Request(self.command, parts.path, parts.query, body, sent))
        except Dropped:
            self.close_connection = True
            return
        payload = response.body.encode()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815 - the names the base class calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Tests are quiet."""
