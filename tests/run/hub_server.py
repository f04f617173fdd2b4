"""A server on this machine that speaks the Hub's protocol, as far as fetching a dataset needs it.

Written after huggingface_hub 2.4: `/api/datasets/REPO/revision/REV`, `/api/datasets/REPO/tree/REV/FOLDER` in pages,
and `/datasets/REPO/resolve/COMMIT/PATH`, which answers small files itself and sends for large ones elsewhere (another
port, as the Hub sends to its store), with ETag, X-Repo-Commit, X-Linked-ETag, X-Linked-Size and ranges.
"""

import hashlib
import json
import os
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

REPO = "someone/voices"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Hub:
    """What is on the Hub, how it misbehaves, and what was asked of it."""

    files: dict[str, bytes]
    large: set[str]
    branches: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    token: str = ""
    """Without this token, files are gated."""
    status: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """By a part of the address: a status, X-Error-Code and X-Error-Message to answer instead."""
    drop_after: list[int] = field(default_factory=list)
    """For each answer of the store, in order: break the connection after so many bytes; 0: do not."""
    reset: bool = False
    """Break it with a reset instead of an end."""
    stored: dict[str, bytes] = field(default_factory=dict)
    """What the store answers in place of a file's true bytes."""
    ranges: bool = True
    endpoint: str = ""
    store: str = ""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Address, range and Authorization of every request; the store's addresses begin with «store:»."""

    def entry(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        if path not in self.large:
            return {"type": "file", "path": path, "size": len(content), "oid": blob_id(content)}
        lfs = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        return {"type": "file", "path": path, "size": len(content), "oid": "f" * 40, "lfs": lfs}

    def data_requests(self) -> list[str]:
        return [address for address, _, _ in self.asked if "/resolve/" in address or address.startswith("store:")]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def note(self, kind: str = "") -> str:
        path = unquote(self.path)
        headers = self.headers
        self.hub.asked.append((kind + path, headers.get("Range", ""), headers.get("Authorization", "")))
        return path

    def answer(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def bytes_of(self, content: bytes, etag: str, drops: list[int]) -> None:
        """Answer a file or the range asked for, and break off where the test says so."""
        start, status, headers = 0, 200, {"ETag": f'"{etag}"'}
        wanted = self.headers.get("Range", "")
        if wanted and self.hub.ranges:
            start, status = int(wanted.removeprefix("bytes=").split("-")[0]), 206
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        part = content[start:]
        stop = drops.pop(0) if drops else 0
        if not stop:
            self.answer(part, status, **headers)
            return
        self.answer(b"", status, Content_Length=str(len(part)), **headers)
        self.wfile.write(part[:stop])
        self.wfile.flush()
        self.close_connection = True
        if self.hub.reset:
            # Give the client time to read what was sent: a reset throws away what is still under way.
            threading.Event().wait(0.1)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())


class _HubHandler(_Handler):
    def do_GET(self) -> None:
        path = self.note()
        for part, (status, code, message) in self.hub.status.items():
            if part in path:
                self.answer(b"{}", status, X_Error_Code=code, X_Error_Message=message, Retry_After="0")
                return
        address = urlsplit(path)
        kind, _, rest = address.path.removeprefix("/api").removeprefix(f"/datasets/{REPO}/").partition("/")
        if f"/datasets/{REPO}/" not in address.path:
            self.answer(b"{}", 404, X_Error_Code="RepoNotFound")
        elif kind == "revision":
            self.revision(rest)
        elif kind == "tree":
            revision, _, folder = rest.partition("/")
            self.tree(revision, folder, parse_qs(address.query))
        else:
            revision, _, file = rest.partition("/")
            self.file(revision, file)

    do_HEAD = do_GET  # noqa: N815

    def revision(self, name: str) -> None:
        commit = self.hub.branches.get(name, name if name in self.hub.branches.values() else "")
        if not commit:
            self.answer(b"{}", 404, X_Error_Code="RevisionNotFound")
            return
        facts = {"id": REPO, "sha": commit, "private": False, "gated": "auto" if self.hub.token else False}
        more = {"disabled": False, "downloads": 1, "likes": 1, "tags": [], "cardData": {"license": "cc-by-4.0"}}
        self.answer(json.dumps(facts | more).encode(), Content_Type="application/json")

    def tree(self, revision: str, folder: str, query: dict[str, list[str]]) -> None:
        """Answer two entries a page, with the next page's address."""
        paths = [path for path in self.hub.files if not folder or path.startswith(f"{folder}/")]
        if not paths:
            self.answer(b"{}", 404, X_Error_Code="EntryNotFound")
            return
        folders = {path.rpartition("/")[0] for path in paths} - {"", folder}
        entries = [{"type": "directory", "path": each, "oid": "d" * 40, "size": 0} for each in sorted(folders)]
        entries += [self.hub.entry(path) for path in paths]
        start = int(query.get("cursor", ["0"])[0])
        headers = {"Content_Type": "application/json"}
        if start + 2 < len(entries):
            place = f"{self.hub.endpoint}/api/datasets/{REPO}/tree/{revision}/{folder}"
            headers["Link"] = f'<{place}?recursive=True&cursor={start + 2}>; rel="next"'
        self.answer(json.dumps(entries[start : start + 2]).encode(), **headers)

    def file(self, revision: str, path: str) -> None:
        if self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self.answer(b"{}", 401, X_Error_Code="GatedRepo")
        elif path not in self.hub.files or revision not in self.hub.branches.values():
            self.answer(b"{}", 404, X_Error_Code="EntryNotFound")
        elif path in self.hub.large:
            entry = self.hub.entry(path)["lfs"]
            headers = {"X_Linked_ETag": f'"{entry["oid"]}"', "X_Linked_Size": str(entry["size"])}
            self.answer(b"", 302, Location=f"{self.hub.store}/{path}", X_Repo_Commit=revision, **headers)
        else:
            content = self.hub.files[path]
            self.bytes_of(self.hub.stored.get(path, content), blob_id(content), [])


class _StoreHandler(_Handler):
    def do_GET(self) -> None:
        path = self.note("store:").removeprefix("/")
        content = self.hub.files[path]
        self.bytes_of(self.hub.stored.get(path, content), hashlib.sha256(content).hexdigest(), self.hub.drop_after)

    do_HEAD = do_GET  # noqa: N815


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that went away."""


def start(hub: Hub) -> list[ThreadingHTTPServer]:
    """Serve in two threads until the servers that are returned are shut down."""
    servers = []
    for handler in (_HubHandler, _StoreHandler):
        server = _Server(("127.0.0.1", 0), type("Handler", (handler,), {"hub": hub}))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
    hub.endpoint, hub.store = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    return servers
