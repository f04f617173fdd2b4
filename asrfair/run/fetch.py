"""`asrfair fetch`: take a corpus's files from the Hugging Face Hub, pinned to a commit and checked against its digests.

The terms are shown, and acknowledged, before the first byte of data. ``fetched.json`` beside the files says which
commit they are of, and with which digests; a second call checks them against it, for a pinned commit without a
connection.
"""

import dataclasses
import importlib.util
import json
import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from asrfair.cards import build
from asrfair.corpus.card import COMMIT, CorpusCard, Fetch, load_card
from asrfair.corpus.layouts import LAYOUTS
from asrfair.errors import CardError, InputError
from asrfair.report.text import safe
from asrfair.results import write_text
from asrfair.run.hub import INSTALL, LOCK, HubFile, Snapshot, alone, check, download, listed, part_of, place, resolve

RECORD = "fetched.json"
VERSION = 1


@dataclass(frozen=True)
class FetchPlan:
    """What to fetch: a card (name or path); without ``revision`` the card's, without ``out`` a folder of its name.

    ``accept`` is the licence as the card says it, acknowledged in advance.
    """

    card: str
    revision: str = ""
    split: str = ""
    out: Path | None = None
    accept: str | None = None


@dataclass(frozen=True)
class Fetched:
    """What ``fetched.json`` says: whence and when the files are, what was asked for, and the licence accepted."""

    version: int
    card: str
    repo: str
    requested: str
    commit: str
    patterns: tuple[str, ...]
    licence_accepted: str
    date: str
    files: tuple[HubFile, ...]


def fetch(plan: FetchPlan, *, console: Console, ask: Callable[[str], bool] | None = None) -> Path:
    """Fetch a corpus and return its folder; ``ask`` puts a question to a person, None where there is none.

    Raises CardError for a card that cannot be fetched, InputError for what cannot be had or was not accepted, and
    IncompleteError for what ended early and goes on with the next call.
    """
    card = load_card(plan.card)
    source = _source(card)
    revision = _revision(plan, card, source)
    patterns = _patterns(plan.split, card, source)
    folder = plan.out or Path(card.name)
    _require_package(card)
    before = read_record(folder)
    commit = revision if COMMIT.fullmatch(revision) else ""
    if before:
        commit = commit or resolve(source.repo, revision).commit
        _require_same(before, folder, repo=source.repo, commit=commit)
    if before and set(patterns) <= set(before.patterns) and _whole(before, folder):
        _verify(before, folder, console)
    else:
        _fetch(plan, card, folder, before, revision, patterns, console, ask)
    console.print("Next:")
    split = ["--split", plan.split] if plan.split else []
    say(console, f"  {shlex.join(['asrfair', 'validate', f'{plan.card}={folder}', *split])}")
    return folder


def _fetch(
    plan: FetchPlan,
    card: CorpusCard,
    folder: Path,
    before: Fetched | None,
    revision: str,
    patterns: Sequence[str],
    console: Console,
    ask: Callable[[str], bool] | None,
) -> None:
    accepted = before is not None and before.licence_accepted == card.licence
    _show_terms(card, console)
    if not accepted:
        accepted = _accepted_ahead(plan, card, ask)
    snapshot = resolve(_source(card).repo, revision)
    if not COMMIT.fullmatch(snapshot.commit) or (COMMIT.fullmatch(revision) and snapshot.commit != revision):
        raise InputError(f"{snapshot.repo}: the Hub answers the commit {snapshot.commit!r}; expected {revision}")
    files = listed(snapshot, patterns)
    _require_other_names(files, folder)
    _show_files(snapshot, files, revision, console)
    left = _left(files, folder)
    _require_room(left, folder)
    if not accepted and ask and not ask(f"Accept the licence ({card.licence}) and the terms of access? [y/N] "):
        raise InputError(f"{card.name}: the licence was not accepted; nothing was fetched")
    with alone(folder):
        # Another fetch may have ended meanwhile.
        before = read_record(folder)
        if before:
            _require_same(before, folder, repo=snapshot.repo, commit=snapshot.commit)
        for number, file in enumerate(files, start=1):
            there = place(file, folder).exists()
            say(console, f"{number}/{len(files)} {safe(file.path)} {_bytes(file.size)}{', is there' if there else ''}")
            if there:
                check(file, folder)
            else:
                download(snapshot, file, folder)
        _write_record(_record(plan, card, snapshot, revision, patterns, files, before), folder)
    say(console, f"Fetched and checked: {_count(files)} of {snapshot.repo} at {snapshot.commit} in {folder}")


def _source(card: CorpusCard) -> Fetch:
    if card.fetch is None:
        how = f"; how to get it: {card.obtain}" if card.obtain else ""
        raise CardError(f"{card.name}: found no table [fetch] in the card; expected one with 'repo' and 'files'{how}")
    return card.fetch


def _revision(plan: FetchPlan, card: CorpusCard, source: Fetch) -> str:
    revision = plan.revision or source.revision
    if revision:
        return revision
    commits = f"https://huggingface.co/datasets/{source.repo}/commits/{source.branch}"
    raise CardError(
        f"{card.name}: the card pins no revision; expected --revision COMMIT (40 hexadecimal digits, from {commits}), "
        f"or --revision {source.branch} for what that branch holds today"
    )


def _patterns(split: str, card: CorpusCard, source: Fetch) -> list[str]:
    named = any("{split}" in file for file in source.files)
    if split and not named:
        raise InputError(f"{card.name}: found the split '{split}'; expected none: the card's files have no splits")
    split = split or str(card.layout.get("split", getattr(LAYOUTS[card.layout["type"]].options, "split", "")))
    if named and not re.fullmatch(r"[\w.-]+", split):
        raise InputError(f"{card.name}: found the split {split!r}; expected --split with a name such as test")
    return [file.replace("{split}", split) for file in source.files]


def _require_package(card: CorpusCard) -> None:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise InputError(f"{card.name}: found no package huggingface_hub; expected it for asrfair fetch: {INSTALL}")


def _accepted_ahead(plan: FetchPlan, card: CorpusCard, ask: Callable[[str], bool] | None) -> bool:
    """Tell whether the licence was accepted by the option; raises InputError where nobody can be asked."""
    option = f"--accept {shlex.quote(card.licence)}"
    if plan.accept is None:
        if ask is None:
            raise InputError(f"{card.name}: the licence is not accepted; expected, once the terms are read: {option}")
        return False
    if " ".join(plan.accept.split()).casefold() != " ".join(card.licence.split()).casefold():
        raise InputError(f"{card.name}: found --accept {plan.accept!r}; expected the card's licence: {option}")
    return True


def _show_terms(card: CorpusCard, console: Console) -> None:
    say(console, f"{card.name}: {card.title}")
    for name in ("licence", "citation", "homepage", "obtain"):
        text = getattr(card, name)
        if text:
            say(console, f"  {'access' if name == 'obtain' else name}: {text}")


def _show_files(snapshot: Snapshot, files: Sequence[HubFile], revision: str, console: Console) -> None:
    if snapshot.licence:
        say(console, f"  licence, as the Hub's page says: {safe(snapshot.licence)}")
    if snapshot.gated:
        say(console, "  gated: the Hub lets in who accepted the terms there")
    asked = "" if revision == snapshot.commit else f" ({revision} today; pin it: --revision {snapshot.commit})"
    say(console, f"  commit: {snapshot.commit}{asked}")
    say(console, f"  size: {_bytes(sum(file.size for file in files))} in {_count(files)}")


def _left(files: Sequence[HubFile], folder: Path) -> int:
    """Return how many bytes are still to come."""
    missing = [file for file in files if not place(file, folder).exists()]
    parts = {file: part_of(file, folder) for file in missing}
    return sum(max(0, file.size - (part.stat().st_size if part.is_file() else 0)) for file, part in parts.items())


def _require_other_names(files: Sequence[HubFile], folder: Path) -> None:
    """Raise InputError for a file that what is written beside the dataset would overwrite."""
    for file in files:
        if place(file, folder).relative_to(folder).as_posix().casefold() in (RECORD, LOCK):
            raise InputError(
                f"the Hub's list of files: found {safe(file.path)}; expected another name: it is written here"
            )


def _require_room(left: int, folder: Path) -> None:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if left > free:
        raise InputError(f"{folder}: found {_bytes(free)} free; expected {_bytes(left)} for what is to come")


def read_record(folder: Path) -> Fetched | None:
    """Read ``fetched.json``, None where there is none; raises InputError naming the file."""
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise InputError(f"{path}: found another version of this file; expected version {VERSION}")
    return build(Fetched, values, where=str(path))


def _record(
    plan: FetchPlan,
    card: CorpusCard,
    snapshot: Snapshot,
    revision: str,
    patterns: Sequence[str],
    files: Sequence[HubFile],
    before: Fetched | None,
) -> Fetched:
    every = {file.path: file for file in (*(before.files if before else ()), *files)}
    return Fetched(
        version=VERSION,
        card=card.name,
        repo=snapshot.repo,
        requested=revision,
        commit=snapshot.commit,
        patterns=tuple(dict.fromkeys([*(before.patterns if before else ()), *patterns])),
        licence_accepted=card.licence,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        files=tuple(every[path] for path in sorted(every)),
    )


def _write_record(record: Fetched, folder: Path) -> None:
    write_text(folder / RECORD, json.dumps(dataclasses.asdict(record), indent=2, ensure_ascii=False) + "\n")


def _require_same(before: Fetched, folder: Path, *, repo: str, commit: str) -> None:
    if before.repo != repo or before.commit != commit:
        raise InputError(
            f"{folder}: found {before.repo} at {before.commit}; expected {repo} at {commit}: "
            "choose another folder with --out, or the revision that is there"
        )


def _whole(before: Fetched, folder: Path) -> bool:
    return all(place(file, folder).exists() for file in before.files)


def _verify(before: Fetched, folder: Path, console: Console) -> None:
    for file in before.files:
        check(file, folder)
    say(console, f"Checked: {_count(before.files)} of {before.repo} at {before.commit}, as fetched {before.date}")


def _count(files: Sequence[HubFile]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def say(console: Console, text: str) -> None:
    """Print a line as it is, however long: no markup, no wrapping."""
    console.print(text, markup=False, emoji=False, soft_wrap=True)
