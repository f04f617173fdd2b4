"""The service card of a run: as Markdown, HTML, JSON and for the Hugging Face Hub; refreshed; compared with another.

A card that is there already keeps all that its owner wrote: only what stands between its markers is replaced.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asrfair.errors import InputError, expected
from asrfair.report import markdown, metrics_card
from asrfair.report.card.data import FORMAT
from asrfair.report.card.html import html_of
from asrfair.report.card.hub import hub_cards
from asrfair.report.card.identity import differs
from asrfair.report.card.markers import marked, replaced
from asrfair.report.card.text import TOP, blocks, changes_page
from asrfair.results import SIGNATURE, Results, json_text, loaded, write_bytes, write_text
from asrfair.run.card_changes import changes_of_cards, changes_of_runs
from asrfair.run.card_checks import checked
from asrfair.run.shareable import Share, shareable_pair, shared

CARD_JSON = "card.json"
CARD_MARKDOWN = "card.md"
CARD_HTML = "card.html"
HUB_FOLDER = "hub"
FORMATS = ("md", "html", "json", "hub")
DEFAULT_FORMATS = ("json", "md", "html")


def write_card(
    results: Results | Path,
    folder: Path,
    *,
    formats: Sequence[str] = DEFAULT_FORMATS,
    baseline: Results | Path | None = None,
    top: int = TOP,
    insist: bool = False,
    share: Share | None = None,
) -> tuple[Path, ...]:
    """Write a run's card into a folder in the formats asked for, and return the files.

    ``baseline`` is an earlier run to compare with; ``top`` is how many groups a table shows. A ``card.md`` that is
    there is refreshed between its markers; HTML and the Hub's card are made of it, so they have the owner's words.
    One of other recognisers or another corpus is refused, unless ``insist``. With ``share`` it is of the run's
    shareable form.
    """
    for name in formats:
        if name not in FORMATS:
            raise InputError(expected("--format", f"'{name}'", FORMATS))
    card = make_card(results, baseline=baseline, share=share)
    path = folder / CARD_MARKDOWN
    text = _refreshed(path, card, top=top, insist=insist) if path.exists() else markdown(card, top=top)
    written: list[Path] = []
    if "json" in formats:
        write_text(folder / CARD_JSON, json_text(card))
        written.append(folder / CARD_JSON)
    if "md" in formats:
        write_bytes(path, text.encode("utf-8"))
        written.append(path)
    if "html" in formats:
        write_text(folder / CARD_HTML, html_of(text))
        written.append(folder / CARD_HTML)
    if "hub" in formats:
        for name, readme in hub_cards(card, text).items():
            write_text(folder / HUB_FOLDER / name / "README.md", readme)
            written.append(folder / HUB_FOLDER / name / "README.md")
    return tuple(written)


def make_card(
    results: Results | Path, *, baseline: Results | Path | None = None, share: Share | None = None
) -> dict[str, Any]:
    """Return a run's card as data, with what changed since the baseline run if one is given."""
    if baseline is None:
        return metrics_card(shared(results, share))
    old, new = _pair(loaded(baseline), loaded(results), share)
    return metrics_card(new, deployment=changes_of_runs(old, new))


def _pair(old: Results, new: Results, share: Share | None) -> tuple[Results, Results]:
    return (old, new) if share is None else shareable_pair(old, new, least=share.least)


def update_card(
    path: Path,
    results: Results | Path,
    *,
    baseline: Results | Path | None = None,
    top: int = TOP,
    html: bool = False,
    insist: bool = False,
    share: Share | None = None,
) -> tuple[Path, ...]:
    """Refresh the measured parts of a card that someone has written in, leaving every other byte; return the files.

    With ``html`` the page is written beside it. Raises InputError where the markers are not whole, and, unless
    ``insist``, where the card is of other recognisers or another corpus than the run; RunFolderError where there is no
    run or nothing can be written.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a card in Markdown, as asrfair card writes it")
    text = _refreshed(path, make_card(results, baseline=baseline, share=share), top=top, insist=insist)
    write_bytes(path, text.encode("utf-8"))
    if not html:
        return (path,)
    page = path.with_suffix(".html")
    write_text(page, html_of(text))
    return path, page


def _refreshed(path: Path, card: Mapping[str, Any], *, top: int, insist: bool) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is no UTF-8; expected a card in Markdown") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not marked(text):
        raise InputError(
            f"{path}: found no markers of asrfair; expected a card that asrfair card made: move this one away, or "
            "write elsewhere with --out"
        )
    other = "" if insist else differs(text, card)
    if other:
        raise InputError(f"{path}: {other}; expected the same recognisers and corpus (--even-so goes on)")
    return replaced(text, blocks(card, top=top), where=path)


def card_changes(old: Path, new: Path, *, share: Share | None = None) -> dict[str, Any]:
    """Return what changed between two run folders, two cards in JSON, or one of each.

    Two run folders that share utterances are paired; a card has no utterances to pair. With ``share`` a card has to be
    shareable already, of as many speakers at least.
    """
    if _is_run(old) and _is_run(new):
        first, second = _pair(Results.load(old), Results.load(new), share)
        changes, form = changes_of_runs(first, second), second.signature.get("shareable")
    else:
        cards = _card(old, share), _card(new, share)
        changes, form = changes_of_cards(*cards), cards[1].get("shareable")
    return changes if share is None else {"shareable": form, **changes}


def show_changes(old: Path, new: Path, *, top: int = TOP, share: Share | None = None) -> str:
    """Return what changed between two runs or cards as Markdown."""
    return changes_page(card_changes(old, new, share=share), top=top)


def changes_json(old: Path, new: Path, *, share: Share | None = None) -> str:
    """Return what changed between two runs or cards as JSON."""
    return json_text(card_changes(old, new, share=share))


def _is_run(path: Path) -> bool:
    return path.is_dir() and (path / SIGNATURE).is_file()


def _card(path: Path, share: Share | None) -> dict[str, Any]:
    if _is_run(path):
        return metrics_card(shared(path, share))
    file = path / CARD_JSON if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{path}: found no run and no {CARD_JSON}; expected a run folder, or a card in JSON")
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{file}: cannot be read as JSON: {first}") from error
    found = card.get("asrfair_card") if isinstance(card, dict) else None
    if found != FORMAT:
        told = "no card" if found is None else f"a card of format {found}"
        raise InputError(
            f"{file}: found {told}; expected format {FORMAT}: make it again from its run with asrfair card"
        )
    if share is not None:
        _check_shareable(card, share, where=file)
    return checked(card, where=file)


def _check_shareable(card: Mapping[str, Any], share: Share, *, where: Path) -> None:
    """Raise InputError for a card that shows cells of fewer speakers: of a card nothing can be withheld afterwards."""
    form = card.get("shareable")
    least = form.get("least_speakers") if isinstance(form, dict) else None
    if not isinstance(least, int) or least < share.least:
        found = "a card that is not shareable" if least is None else f"a card shareable from {least} speakers on"
        raise InputError(
            f"{where}: found {found}; expected one of {share.least} or more, or its run folder: make it again with "
            "asrfair card --shareable"
        )
