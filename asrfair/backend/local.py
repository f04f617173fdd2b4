"""What recognisers that run here have in common: where a model lies, what identifies it, devices, too short audio.

For a backend that loads a model: `require` its packages, `find_model` (a folder here, or a repository of the Hugging
Face Hub at one commit) or `files_digest` over the files that it names itself, `check_device` (torch's names),
`check_least` and `check_choice` for options, then `answer_each` for what no model should be asked.
`word_confidence` is one definition for all of them.
"""

import hashlib
import importlib.metadata
import importlib.util
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asrfair.backend.base import Outcome, Request
from asrfair.backend.wire import printable, unusable_audio
from asrfair.errors import BackendError, expected

COMMIT = re.compile(r"[0-9a-f]{40}")
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
LONGEST_ID = 96
DEVICE = re.compile(r"(cpu|cuda|mps)(:\d+)?")
# Half a window of speech is heard by no model: 25 ms is the shortest frame in use.
FRAME_S = 0.025
_digests: dict[tuple[str, int, int, int], str] = {}


@dataclass(frozen=True)
class Model:
    """A folder here (``revision`` None), or a repository of the Hugging Face Hub at one commit."""

    name: str
    revision: str | None = None

    def identity(self) -> str:
        """Return the folder's name with a digest of its files, or the repository with its commit."""
        if self.revision is not None:
            return f"{self.name} at {self.revision}"
        folder = Path(self.name).resolve()
        return f"{folder.name} {files_digest(model_files(folder), root=folder)}"


def require(packages: Sequence[str], *, where: str, extra: str) -> None:
    """Raise BackendError naming the extra unless the packages can be found; imports none of them."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise BackendError(f'{where}: {package} is not installed; install it with pip install "asrfair[{extra}]"')


def versions(*packages: str) -> str:
    """Return «package version» of each, which must be installed."""
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)


def find_model(model: str, revision: str | None, *, where: str) -> Model:
    """Return where a model is; raises BackendError for no folder, and for a hub id without a commit.

    A branch or a tag may point elsewhere tomorrow, or to another worker: only a commit's hash says what was run.
    """
    if _is_folder(model):
        if revision is not None:
            raise BackendError(f"{where}: found revision {revision!r} of the folder {model}; expected it for a hub id")
        return Model(model)
    if not HUB_ID.fullmatch(model) or len(model) > LONGEST_ID or Path(model).exists():
        raise BackendError(f"{where}: found model {model!r}; expected a folder that exists, or an id of the hub")
    if revision is None or not COMMIT.fullmatch(revision):
        found = "no revision" if revision is None else f"revision {revision!r}"
        raise BackendError(
            f"{where}: model {model!r} is no folder here, and {found} is given; expected a folder, or with an id of "
            "the hub the commit's hash of 40 hexadecimal digits, since a branch can change"
        )
    return Model(model, revision)


def check_on_hub(model: Model, file: str, *, where: str, repository: str = "") -> Path:
    """Return a small file of a hub's model, from the cache or else fetched; raises BackendError if there is none.

    So an unknown, gated or unreachable model is told before the weights are wanted.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(hf_hub_download(repository or model.name, file, revision=model.revision))
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        raise hub_error(model, error, where=where) from error


def hub_error(model: Model, error: Exception, *, where: str) -> BackendError:
    """Return what a failed fetch from the hub means, on one line and without an address."""
    from huggingface_hub import errors

    meanings: Mapping[type[Exception], str] = {
        errors.GatedRepoError: "is gated; expected access granted on its page, and a token (HF_TOKEN)",
        errors.RepositoryNotFoundError: "is unknown there, or private; expected its id, and a token if it is private",
        errors.RevisionNotFoundError: "has no such commit; expected one of its history",
        errors.LocalEntryNotFoundError: "is not in the cache, and the hub cannot be reached; expected either",
        errors.EntryNotFoundError: "lacks a file that such a model has; expected another model",
    }
    for kind, meaning in meanings.items():
        if isinstance(error, kind):
            return BackendError(f"{where}: model {model.identity()!r} {meaning}")
    return BackendError(f"{where}: model {model.identity()!r} cannot be fetched: {one_line(error)}")


def model_files(folder: Path) -> list[Path]:
    """Return the files in a model's folder, not those of folders within, of hidden ones and of its page."""
    return sorted(
        path for path in folder.iterdir() if path.is_file() and path.name[0] != "." and path.suffix.lower() != ".md"
    )


def files_digest(paths: Iterable[Path], *, root: Path) -> str:
    """Return 16 hexadecimal digits of the SHA-256 over files by name (from ``root``) and content.

    A file that is unchanged by inode, size and time is read once per process. Raises BackendError if one is unreadable.
    """
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(f"{path.relative_to(root).as_posix()}\0{_digest(path)}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()[:16]


def check_device(device: str, *, where: str, torch: bool = True) -> None:
    """Raise BackendError unless a device has one of torch's names and is here; the processor needs no import."""
    if not DEVICE.fullmatch(device):
        raise BackendError(expected(f"{where}: option 'device'", repr(device), ("cpu", "cuda", "cuda:1", "mps")))
    if device.partition(":")[0] == "cpu" or not torch:
        return
    import torch as library

    try:
        library.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        raise BackendError(f"{where}: device {device!r}: found none ({one_line(error)}); expected one here") from error


def device_kind(device: str) -> str:
    """Return a device without its number, which changes no result."""
    return device.partition(":")[0]


def check_choice(option: str, value: object, valid: Iterable[str], *, where: str) -> None:
    """Raise BackendError unless an option is one of the valid ones."""
    if value not in (names := tuple(valid)):
        raise BackendError(expected(f"{where}: option '{option}'", repr(value), names))


def check_least(options: Mapping[str, float | None], *, where: str, least: float = 1) -> None:
    """Raise BackendError for an option below the least that makes sense; None is unset."""
    for name, value in options.items():
        if value is not None and not (math.isfinite(value) and value >= least):
            raise BackendError(f"{where}: option '{name}': found {value}; expected at least {least:g}")


def unusable(request: Request, *, sample_rate: int | None, least: int | None = None) -> str | None:
    """Return why a model should not be asked, None if it can be; ``least`` is in samples (None: 25 ms of them)."""
    reason = unusable_audio(request, sample_rate)
    if reason is not None or request.samples is None:
        return reason
    needed = math.ceil(FRAME_S * request.sample_rate) if least is None else least
    if len(request.samples) < needed:
        return f"found {len(request.samples)} samples; expected at least {needed}, one frame of the model"
    return None


def answer_each(
    requests: Sequence[Request],
    problem: Callable[[Request], str | None],
    transcribe: Callable[[list[Request]], list[Outcome]],
    *,
    where: str,
) -> list[Outcome]:
    """Return one outcome per request, in order: a failure for each that has a problem, else what the model says."""
    problems = [problem(request) for request in requests]
    usable = [request for request, reason in zip(requests, problems, strict=True) if reason is None]
    found = iter(transcribe(usable) if usable else [])
    return [next(found) if reason is None else Outcome(failure=f"{where}: {reason}") for reason in problems]


def word_confidence(log_probabilities: Iterable[float]) -> float:
    """Return the product of the probabilities of a word's units (letters, tokens), by the chain rule."""
    return min(1.0, math.exp(math.fsum(log_probabilities)))


def find_language(request: Request, option: str | None, known: Collection[str]) -> tuple[str | None, str | None]:
    """Return the language to ask for (None: detect it, or the model has but one) and why there is none.

    ``option`` None is the utterance's own language, without its region; "" is detection.
    """
    if not known or option == "":
        return None, None
    language = request.language.replace("_", "-").partition("-")[0].lower() if option is None else option
    if language and language not in known:
        return None, f"found language {language!r}; expected one of: {', '.join(sorted(known))}"
    return language or None, None


@contextmanager
def steady(device: str, threads: int | None) -> Iterator[None]:
    """Let torch compute the same each time: no gradients, no search for the fastest kernel, no rounding to TF32."""
    import torch

    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        if threads is not None:
            torch.set_num_threads(before)


def one_line(error: BaseException) -> str:
    """Return an error's first words on one line; their whole text may be a page."""
    text = printable(str(error)) or type(error).__name__
    return text if len(text) <= 300 else text[:299] + "…"


def _is_folder(model: str) -> bool:
    try:
        return bool(model) and Path(model).is_dir()
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str:
    try:
        found = path.stat()
        key = (str(path.resolve()), found.st_ino, found.st_size, found.st_mtime_ns)
        if key not in _digests:
            with path.open("rb") as file:
                _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BackendError(f"{path}: cannot be read ({error.strerror}); expected a file of a model") from error
    return _digests[key]
