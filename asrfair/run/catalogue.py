"""What can be named in a plan: cards and backends, listed one line each, and one card in full."""

import inspect
import re
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asrfair.backend.registry import backend_class, backend_classes
from asrfair.cards import find_card, shipped
from asrfair.condition import EFFECTS, Condition, load_rungs, shipped_conditions
from asrfair.condition.card import RUNG
from asrfair.condition.effect import Parameter
from asrfair.condition.names import numbered, unit_of
from asrfair.corpus import Axis, CorpusCard, load_card
from asrfair.errors import BackendError
from asrfair.run.layouts import layout_lines, show_layout


def list_names(kind: str, console: Console) -> None:
    """Print what there is of a kind of `LISTS`: a name and a line each."""
    table = Table("name", "what it is", box=None, pad_edge=False)
    for name, line in LISTS[kind]().items():
        table.add_row(escape(name), escape(line))
    console.print(table)
    if kind == "conditions":
        console.print(escape(CONDITION_KEY), style="dim")


def _corpora() -> dict[str, str]:
    cards = {name: load_card(name) for name in shipped("corpora")}
    return {name: f"{card.title}: {', '.join(card.axes)}" for name, card in cards.items()}


def _conditions() -> dict[str, str]:
    return {name: _condition_line(rungs) for name, rungs in sorted(shipped_conditions().items())}


def _condition_line(rungs: Sequence[Condition]) -> str:
    """Return a condition's summary, the rungs of a ladder, and what it needs, as ``[=RECORDINGS, codecs]``."""
    first = rungs[0]
    needs = ", ".join(condition_needs(first))
    return _whole_summary(first) + _rungs_shortly(rungs) + (f" [{needs}]" if needs else "")


def condition_needs(condition: Condition) -> list[str]:
    """Return what a condition asks for that is not in asrfair: recordings, extras, a Debian package."""
    own = any(
        EFFECTS[step.effect].needs in ("recording", "response") and not step.parameters.get("recordings")
        for step in condition.steps
    )
    libraries = (name for step in condition.steps for name in LIBRARIES.get(step.effect, ()))
    return (["=RECORDINGS"] if own else []) + list(dict.fromkeys(libraries))


def _whole_summary(condition: Condition) -> str:
    """Return the summary of the card: that of a rung ends in its value."""
    return condition.summary.rpartition(": ")[0] if condition.rung else condition.summary


def _rungs_shortly(rungs: Sequence[Condition]) -> str:
    values = [condition.rung for condition in rungs if condition.rung]
    if not values:
        return ""
    unit = unit_of(values[0].parameter)
    return f" ({values[0].value:g} … {values[-1].value:g}{f' {unit}' if unit else ''}, {len(values)} rungs)"


def _backends() -> dict[str, str]:
    return {name: _first_line(name) for name in backend_classes()}


def _first_line(backend: str) -> str:
    try:
        return (inspect.getdoc(backend_class(backend)) or "").partition("\n")[0]
    except BackendError as error:
        return str(error)


LIBRARIES = {
    "amr_nb": ("codecs",),
    "amr_wb": ("codecs", "debian"),
    "g722": ("codecs",),
    "g726": ("codecs",),
    "mp3": ("codecs",),
    "opus": ("codecs",),
    "simulated_room": ("rooms",),
}
"""What effects need besides asrfair itself: its extras, or a library of the system."""
CONDITION_KEY = (
    "A ladder is planned whole by its name; NAME@VALUE is one rung. "
    "[=RECORDINGS]: plan NAME=RECORDINGS, yours (asrfair show condition NAME says where some are to be had). "
    "[codecs], [rooms]: pip install 'asrfair[codecs,rooms]'. [debian]: apt-get install libvo-amrwbenc0. "
    "asrfair doctor says what is installed."
)
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
    "layouts": layout_lines,
    "conditions": _conditions,
    "backends": _backends,
    "normalizers": lambda: NORMALIZERS,
    "intervals": lambda: INTERVALS,
}


def show_card(kind: str, name: str, console: Console) -> None:
    """Print a card, checked, and what a condition expands to; or the keys of a layout; raises CardError."""
    if kind == "layout":
        show_layout(name, console)
        return
    if kind == "corpus":
        _print_corpus(load_card(name), console, name=name)
        return
    rungs = load_rungs(name, complete=False)
    bare = name if name.endswith(".toml") else re.split(f"[{RUNG}=]", name)[0]
    console.print(escape(find_card("conditions", bare).read_text(encoding="utf-8").rstrip()))
    _print_steps(rungs, console)


def _print_steps(rungs: Sequence[Condition], console: Console) -> None:
    swept = rungs[0].rung if len(rungs) > 1 else None
    console.print("\nWhat it does, in order:" if rungs[0].steps else "\nIt does nothing to the recording.")
    for name, step in zip(numbered([step.effect for step in rungs[0].steps]), rungs[0].steps, strict=True):
        given = (
            f"{key} = {'as the rung says' if swept and swept.parameter == f'{name}.{key}' else _written(value)}"
            for key, value in step.parameters.items()
        )
        console.print(escape(f"  {name}: {', '.join(given)}"))
    if swept:
        console.print(escape(f"Rungs: {', '.join(rung.name for rung in rungs)}"))
    needs = condition_needs(rungs[0])
    if needs:
        console.print(escape(f"Needs: {', '.join(needs)}"))


def _written(value: Parameter) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return repr(value) if isinstance(value, str) else f"{value:g}"


def _print_corpus(card: CorpusCard, console: Console, *, name: str) -> None:
    facts = {
        "kind": card.kind,
        "language": card.language,
        "licence": card.licence,
        "citation": card.citation,
        "homepage": card.homepage,
        "how to get it": card.obtain,
        "fetch": _fetching(card, name),
        "layout": str(card.layout["type"]),
    }
    console.print(escape(f"{card.name}: {card.title}"), style="bold")
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        if value:
            table.add_row(name, escape(value))
    console.print(table)
    axes = Table("axis", "assigned by", "levels", "how, and what to know", box=None, pad_edge=False)
    for name, axis in card.axes.items():
        origin = ", ".join(filter(None, [axis.assigned_by, axis.date]))
        told = "; ".join(filter(None, [axis.instrument, axis.note]))
        axes.add_row(escape(name), escape(origin), escape(_levels(axis)), escape(told))
    console.print(axes)
    for caveat in card.caveats:
        console.print(escape(f"Note: {caveat}"))


def _fetching(card: CorpusCard, name: str) -> str:
    """Return the command that fetches a corpus; where the card pins no commit, of what the branch holds today."""
    if not card.fetch:
        return ""
    revision = "" if card.fetch.revision else f" --revision {card.fetch.branch}"
    return f"asrfair fetch {name}{revision} (huggingface.co/datasets/{card.fetch.repo})"


def _levels(axis: Axis) -> str:
    """Return the levels of an axis in a line, or what they are made from."""
    known = list(dict.fromkeys(axis.levels.values()))
    if axis.bands:
        known.append("bands of numbers")
    if axis.taxonomy:
        derived = "" if axis.derive == "name" else f": {axis.derive.replace('_', ' ')}"
        known.append(f"the taxonomy {axis.taxonomy}{derived}")
    if axis.separator:
        known.append(SEVERAL_LABELS[axis.several])
    return ", ".join(known) or "as they are"


SEVERAL_LABELS = {
    "joined": "several labels joined",
    "first": "of several labels the first",
    "unknown": "several labels are unknown",
}
