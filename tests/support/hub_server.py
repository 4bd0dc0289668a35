"""A local stand-in for the Hugging Face hub: the parts of its protocol that a download and an upload use.

HEAD and GET of ``/datasets/<owner>/<name>/resolve/<revision>/<file>``, with Range; and the ways in which it goes wrong.
POST of what ``hf upload`` sends: the repository, the card to be validated, the list of files, the commit with them.
"""

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support import local_server

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CUT, RESET, STALL = "cut", "reset", "stall"  # the connection ends, is reset, or nothing more comes


@dataclass
class Hub:
    """A server's files, its faults, and the requests it got.

    Attributes:
        files: ``owner/name/path`` -> content.
        breaks: how the next GETs go wrong, in turn: (bytes sent before it, ``CUT``, ``RESET`` or ``STALL``).
        refusal: (status, X-Error-Code) of every answer.
        commit: X-Repo-Commit of every answer; None for a server that is no hub.
        ranges: whether Range is honoured.
        requests: (method, path, Range or None) of every request for a file, in the order they came.
        cards: those that were sent to be validated; one that holds ``refused_card`` is refused.
        uploaded: path -> content of every file that a commit brought.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    breaks: list[tuple[int, str]] = field(default_factory=list)
    refusal: tuple[int, str] | None = None
    commit: str | None = COMMIT
    ranges: bool = True
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    refused_card: str | None = None
    uploaded: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def asked(self, method: str) -> list[str | None]:
        """Return the Range of every request of one method."""
        return [wanted for verb, _, wanted in self.requests if verb == method]


@contextlib.contextmanager
def serve() -> Iterator[Hub]:
    """Run a hub on a free port of this machine."""
    hub = Hub()
    with local_server.serving(type("Handler", (_Handler,), {"hub": hub})) as hub.url:
        try:
            yield hub
        finally:
            hub.closing.set()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        body, status, answer = self._body(), 200, {}
        if self.path == "/api/repos/create":
            name = "{organization}/{name}".format(**json.loads(body))
            answer = {"name": name, "id": "1", "url": f"{self.hub.url}/datasets/{name}"}
        elif self.path == "/api/validate-yaml":
            self.hub.cards.append(json.loads(body)["content"])
            refused = self.hub.refused_card is not None and self.hub.refused_card in self.hub.cards[-1]
            status, answer = (400, {"errors": [{"message": "refused"}]}) if refused else (200, {})
        elif "/preupload/" in self.path:
            plain = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}
            answer = {"files": [{"path": one["path"], **plain} for one in json.loads(body)["files"]]}
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.hub.uploaded[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            repository = self.path.removeprefix("/api/").partition("/commit/")[0]
            answer = {"commitUrl": f"{self.hub.url}/{repository}/commit/{COMMIT}", "commitOid": COMMIT}
        else:
            status = 404
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        if not self.path.startswith("/datasets/"):  # the client may ask the hub about itself; an answer is not needed
            self._refuse(404, "")
            return
        wanted = self.headers.get("Range")
        self.hub.requests.append((self.command, self.path, wanted))
        repository, _, rest = self.path.removeprefix("/datasets/").partition("/resolve/")
        content = self.hub.files.get(f"{repository}/{rest.partition('/')[2]}")
        if self.hub.refusal or content is None:
            self._refuse(*(self.hub.refusal or (404, "EntryNotFound")))
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.hub.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.hub.commit:
            self.send_header("X-Repo-Commit", self.hub.commit)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "GET":
            self._send(content[start:])

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes) -> None:
        end, how = self.hub.breaks.pop(0) if self.hub.breaks else (len(content), "")
        self.wfile.write(content[:end])
        if not how:
            return
        self.close_connection = True
        if how == STALL:
            self.hub.closing.wait()
        elif how == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
