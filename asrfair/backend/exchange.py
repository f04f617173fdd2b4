"""One request to a service and its reply, over HTTP, by urllib3.

Nothing here follows a redirect or takes a proxy from the environment, so that a key reaches the host it is for, or
none. A key is never sent unencrypted, except to this machine itself.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from asrfair.backend.retrying import TransientError
from asrfair.errors import BackendError, CardError

INSTALL = 'pip install "asrfair[services]"'
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
LARGEST_REPLY = 16 * 2**20
CHUNK = 65_536


@dataclass(frozen=True)
class Part:
    """A field of a form; with a file name it is a file."""

    name: str
    content: str | bytes
    file_name: str | None = None
    media_type: str = "text/plain"


@dataclass(frozen=True)
class Post:
    """What is sent: a body as it is, or a form of parts, to a path below the service's address."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    media_type: str = "application/json"
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What came back, and the seconds from sending to the last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 shows as such."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """Return the body as JSON; raises ValueError, for NaN too."""
        return json.loads(self.body.decode("utf-8"), parse_constant=_refuse)


class Exchange:
    """Keeps connections to a service, for several threads.

    ``timeout_s`` bounds connecting, each silence, and receiving as a whole. Raises BackendError without urllib3.
    """

    def __init__(self, url: str, *, timeout_s: float, where: str) -> None:
        try:
            import urllib3
        except ImportError as error:
            raise BackendError(f"{where}: urllib3 is not installed ({error}); install it with {INSTALL}") from error
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._pool = urllib3.PoolManager(
            maxsize=64,
            retries=False,
            timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s),
            cert_reqs="CERT_REQUIRED",
        )

    def send(self, post: Post, headers: Mapping[str, str]) -> Reply:
        """Send and return the reply, whatever its status; raises TransientError where none came."""
        import urllib3

        body, media_type = _encoded(post)
        address = self._url + post.path
        if post.query:
            from urllib.parse import urlencode

            address += "?" + urlencode(post.query)
        started = time.monotonic()
        try:
            answer = self._pool.request(
                "POST",
                address,
                body=body,
                headers={"Accept": "application/json", "User-Agent": "asrfair", "Content-Type": media_type, **headers},
                redirect=False,
                preload_content=False,
            )
            content = self._received(answer, started)
        except urllib3.exceptions.HTTPError as error:
            # The exception's own text holds the address of an object, and may hold the request's.
            raise TransientError(_trouble(error, self._timeout_s)) from None
        return Reply(answer.status, dict(answer.headers), content, time.monotonic() - started)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def _received(self, answer: Any, started: float) -> bytes:
        """Return the body; a service that sends a byte now and then is as good as silent."""
        content = bytearray()
        try:
            while chunk := answer.read1(CHUNK):
                content += chunk
                if len(content) > LARGEST_REPLY:
                    raise TransientError(f"the answer is longer than {LARGEST_REPLY} bytes")
                if time.monotonic() - started > self._timeout_s:
                    raise TransientError(f"no complete answer within {self._timeout_s:g} s")
        except TransientError:
            answer.close()
            raise
        answer.release_conn()
        return bytes(content)


def check_url(url: str, *, carries_key: bool, where: str, option: str) -> str:
    """Return the address of a service; raises CardError for one that is none, holds a secret or would leak one."""
    # Not shown below, except for its host: it may hold a password.
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise CardError(f"{where}: '{option}': found no address; expected one such as https://HOST/v1") from None
    if parts.scheme not in ("http", "https") or not host or any(character.isspace() for character in url):
        raise CardError(f"{where}: '{option}': found no address; expected one such as https://HOST/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise CardError(
            f"{where}: '{option}': found a user, a query or a fragment in the address of {host}; expected an address "
            "without, since plans hold no keys"
        )
    if parts.scheme == "http" and carries_key and host not in LOCAL_HOSTS:
        raise CardError(
            f"{where}: '{option}': found http for {host}, which would send the key unencrypted; expected https, or "
            'key_variable = "" where the service wants no key'
        )
    return url.rstrip("/")


def _encoded(post: Post) -> tuple[bytes, str]:
    if not post.parts:
        return post.body, post.media_type
    from urllib3.fields import RequestField
    from urllib3.filepost import encode_multipart_formdata

    fields = []
    for part in post.parts:
        field = RequestField(part.name, part.content, filename=part.file_name)
        field.make_multipart(content_type=part.media_type if part.file_name else None)
        fields.append(field)
    return encode_multipart_formdata(fields)


def _trouble(error: Exception, timeout_s: float) -> str:
    from urllib3 import exceptions

    found: Sequence[tuple[type[Exception], str]] = (
        (exceptions.NewConnectionError, "the service cannot be reached"),
        (exceptions.ConnectTimeoutError, f"no connection within {timeout_s:g} s"),
        (exceptions.ReadTimeoutError, f"no answer within {timeout_s:g} s"),
        (exceptions.SSLError, "no secure connection"),
        (exceptions.ProtocolError, "the connection broke off"),
    )
    return next((text for kind, text in found if isinstance(error, kind)), type(error).__name__)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
