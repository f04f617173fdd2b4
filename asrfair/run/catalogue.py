"""What can be named in a plan: cards and backends, listed one line each, and one card in full."""

import inspect
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asrfair.backend.registry import backend_class, backend_classes
from asrfair.cards import find_card, shipped
from asrfair.condition import load_condition, shipped_conditions
from asrfair.corpus import CorpusCard, load_card
from asrfair.errors import BackendError


def list_names(kind: str, console: Console) -> None:
    """Print the shipped corpora or conditions, or the installed backends."""
    table = Table("name", "what it is", box=None, pad_edge=False)
    for name, line in LISTS[kind]().items():
        table.add_row(escape(name), escape(line))
    console.print(table)


def _corpora() -> dict[str, str]:
    cards = {name: load_card(name) for name in shipped("corpora")}
    return {name: f"{card.title}: {', '.join(card.axes)}" for name, card in cards.items()}


def _conditions() -> dict[str, str]:
    return {condition.name: condition.summary for condition in shipped_conditions()}


def _backends() -> dict[str, str]:
    return {name: _first_line(name) for name in backend_classes()}


def _first_line(backend: str) -> str:
    try:
        return (inspect.getdoc(backend_class(backend)) or "").partition("\n")[0]
    except BackendError as error:
        return str(error)


NORMALIZERS = {
    "none": "the text as it is",
    "basic": "NFKC, lower case, no punctuation, any script",
    "whisper-english": "Whisper's English normaliser: numbers, contractions and British spelling too",
    "american-spelling": "British spelling folded to American",
    "alternations": "braces such as { gonna / going to / @ } are alternatives",
    "glm=FILE": "the rules of a NIST global mapping file",
    "equivalences=FILE": "a list of yours, one line for each: gonna = going to",
}
INTERVALS = {
    "skewed-log-t": "the default: log-t, its upper end stretched for what few speakers do not show of skew",
    "log-t": "log scale, Mancl and DeRouen's variance, moment degrees of freedom",
    "delta-t": "natural scale, CR1 variance, t",
    "jackknife": "delete one speaker, log scale, t",
    "moments": "from merged sums only, log scale, t",
    "bootstrap-percentile": "speakers drawn again, percentiles",
    "bootstrap-bca": "speakers drawn again, bias-corrected and accelerated",
    "bootstrap-studentised": "speakers drawn again, studentised",
    "utterance": "utterances as if of different speakers: for comparison only, covers about half",
}
LISTS: dict[str, Callable[[], dict[str, str]]] = {
    "corpora": _corpora,
    "conditions": _conditions,
    "backends": _backends,
    "normalizers": lambda: NORMALIZERS,
    "intervals": lambda: INTERVALS,
}


def show_card(kind: str, name: str, console: Console) -> None:
    """Print a card's file, after checking that it can be used; raises CardError."""
    if kind == "corpus":
        _print_corpus(load_card(name), console)
        return
    load_condition(name, complete=False)
    console.print(escape(find_card("conditions", name).read_text(encoding="utf-8").rstrip()))


def _print_corpus(card: CorpusCard, console: Console) -> None:
    facts = {
        "kind": card.kind,
        "language": card.language,
        "licence": card.licence,
        "citation": card.citation,
        "homepage": card.homepage,
        "how to get it": card.obtain,
        "layout": str(card.layout["type"]),
    }
    console.print(escape(f"{card.name}: {card.title}"), style="bold")
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        if value:
            table.add_row(name, escape(value))
    console.print(table)
    axes = Table("axis", "assigned by", "levels", "note", box=None, pad_edge=False)
    for name, axis in card.axes.items():
        levels = ", ".join(dict.fromkeys(axis.levels.values())) or ("bands" if axis.bands else "as they are")
        axes.add_row(escape(name), axis.assigned_by, escape(levels), escape(axis.note))
    console.print(axes)
    for caveat in card.caveats:
        console.print(escape(f"Note: {caveat}"))
