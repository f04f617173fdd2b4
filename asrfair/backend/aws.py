"""Amazon Web Services through boto3: credentials, clients, and what an error of theirs means.

Credentials, the region and other addresses come from boto3's own chain (environment, profile, single sign-on,
container or instance role, ``AWS_ENDPOINT_URL_S3`` and ``AWS_ENDPOINT_URL_TRANSCRIBE``:
https://docs.aws.amazon.com/boto3/latest/guide/credentials.html). botocore's own tries are switched off
(https://docs.aws.amazon.com/boto3/latest/guide/retries.html): they sleep, and nobody could interrupt them.
`with_retries` asks again instead, for the codes that botocore's standard mode would.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from asrfair.backend.credentials import SHORTEST, hidden
from asrfair.backend.exchange import check_url
from asrfair.backend.remote import RefusedError
from asrfair.backend.retrying import TransientError, retry_after_s
from asrfair.backend.wire import printable
from asrfair.errors import BackendError

INSTALL = 'pip install "asrfair[transcribe]"'
QUOTED_CHARACTERS = 200
READ_CHARACTERS = 20_000
# botocore/retries/standard.py, and what Transcribe's and S3's own pages add.
AGAIN = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "InternalError",
        "InternalFailureException",
        "LimitExceededException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
# Common errors of all services, and those of S3
# (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html): every other utterance would meet them too.
HOPELESS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "AllAccessDisabled",
        "AuthFailure",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "ExpiredTokenException",
        "IllegalLocationConstraintException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidBucketName",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "NoSuchBucket",
        "NotSignedUp",
        "OptInRequired",
        "PermanentRedirect",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
T = TypeVar("T")


@dataclass(frozen=True)
class AwsCredential:
    """What boto3's chain found; it may be renewed while a run lasts. The id of a key is hidden like the key."""

    source: str
    found: Any = field(repr=False)

    def headers(self) -> Mapping[str, str]:
        """Return none: boto3 signs what it sends itself."""
        return {}

    def hide(self, text: str) -> str:
        """Return the text without any of it."""
        for secret in self._secrets():
            text = hidden(text, secret)
        return text

    def is_in(self, text: str) -> bool:
        """Return whether the text holds all of one part of it."""
        return any(len(secret) >= SHORTEST and secret in text for secret in self._secrets())

    def _secrets(self) -> list[str]:
        from botocore.exceptions import BotoCoreError

        try:
            now = self.found.get_frozen_credentials()
        except BotoCoreError:
            # They cannot be renewed, so that no service has seen them either.
            return []
        return [secret for secret in (now.secret_key, now.token, now.access_key) if secret]


class Account:
    """Clients for S3 and Transcribe; ``call_timeout_s`` bounds connecting and each silence of one call.

    Raises BackendError without boto3, credentials or a region.
    """

    def __init__(self, *, region: str | None, call_timeout_s: float, connections: int, where: str) -> None:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise BackendError(f"{where}: boto3 is not installed ({error}); install it with {INSTALL}") from error
        config = Config(
            connect_timeout=call_timeout_s,
            read_timeout=call_timeout_s,
            max_pool_connections=connections,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        try:
            session = boto3.session.Session(region_name=region)
            found = session.get_credentials()
            if session.region_name is None:
                raise BackendError(f"{where}: found no region; expected the option region, or AWS_DEFAULT_REGION")
            if found is None:
                raise BackendError(
                    f"{where}: found no credentials; expected them where boto3 looks: the environment, a profile, "
                    "single sign-on, or the machine's role"
                )
            self.s3 = session.client("s3", config=config)
            self.transcribe = session.client("transcribe", config=config)
        except (BotoCoreError, ValueError) as error:
            # Its text may quote a file or a program that holds credentials.
            raise BackendError(
                f"{where}: {type(error).__name__}: boto3 cannot start with the region, profile or credentials that it "
                "finds; expected such as `aws sts get-caller-identity` works with"
            ) from None
        self.region: str = session.region_name
        self.credential = AwsCredential(f"boto3's chain ({found.method})", found)
        self.url = check_url(
            self.transcribe.meta.endpoint_url, carries_key=False, where=where, option="AWS_ENDPOINT_URL"
        )
        self._call_timeout_s = call_timeout_s
        self._where = where

    def once(self, call: Callable[[], T]) -> T:
        """Return what a call returns; raises TransientError, `ServiceRefusedError`, and BackendError for all others."""
        from botocore import exceptions
        from botocore.parsers import ResponseParserError

        try:
            return call()
        except exceptions.ClientError as error:
            raise self._meaning(error.response) from None
        except (exceptions.NoCredentialsError, exceptions.CredentialRetrievalError) as error:
            raise BackendError(f"{self._where}: {type(error).__name__}: {self.credential.source} gives none") from None
        except exceptions.ParamValidationError as error:
            raise ServiceRefusedError(type(error).__name__, self.shown(str(error))) from None
        except (
            exceptions.ConnectionError,
            exceptions.HTTPClientError,
            exceptions.IncompleteReadError,
            exceptions.FlexibleChecksumError,
            ResponseParserError,
        ) as error:
            # Its own text holds an address, and may hold the request's.
            raise TransientError(_trouble(error, self._call_timeout_s)) from None
        except exceptions.BotoCoreError as error:
            # Single sign-on that ran out, for one.
            raise BackendError(f"{self._where}: {type(error).__name__}: boto3 cannot send this") from None

    def shown(self, text: str) -> str:
        """Return a service's words: short, on one line, without credentials."""
        # Hidden before it is cut: the beginning of a key would not be known for one.
        text = printable(self.credential.hide(text[:READ_CHARACTERS]))
        return text if len(text) <= QUOTED_CHARACTERS else f"{text[:QUOTED_CHARACTERS]}…"

    def close(self) -> None:
        """Close the connections."""
        self.s3.close()
        self.transcribe.close()

    def _meaning(self, response: Mapping[str, Any]) -> Exception:
        error, about = response.get("Error", {}), response.get("ResponseMetadata", {})
        code, status = self.shown(str(error.get("Code", ""))), int(about.get("HTTPStatusCode", 0))
        message = self.shown(str(error.get("Message", "")))
        if code == "LimitExceededException":
            return LimitedError(f"{code}: {message}", least_wait_s=retry_after_s(about.get("HTTPHeaders", {})))
        if code in AGAIN or status in (408, 425, 429) or status >= 500:
            return TransientError(f"{code}: {message}", least_wait_s=retry_after_s(about.get("HTTPHeaders", {})))
        if code in HOPELESS or status in (301, 401, 402, 403):
            return BackendError(f"{self._where}: {code}: {message} (credentials: {self.credential.source})")
        return ServiceRefusedError(code, message)


class LimitedError(TransientError):
    """Too many requests, or as many jobs as the account may have at a time."""


class ServiceRefusedError(RefusedError):
    """A refusal with its ``code``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


def _trouble(error: Exception, timeout_s: float) -> str:
    from botocore import exceptions

    found = (
        (exceptions.ConnectTimeoutError, f"no connection within {timeout_s:g} s"),
        (exceptions.ReadTimeoutError, f"no answer within {timeout_s:g} s"),
        (exceptions.EndpointConnectionError, "the service cannot be reached"),
        (exceptions.SSLError, "no secure connection"),
        (exceptions.ConnectionClosedError, "the connection broke off"),
        (exceptions.ResponseStreamingError, "the connection broke off"),
        (exceptions.IncompleteReadError, "the connection broke off"),
    )
    return next((text for kind, text in found if isinstance(error, kind)), type(error).__name__)
