"""The page of a run as one file: styles, scripts, drawings and sounds inside it, nothing outside it.

Conventions
-----------
The page holds everything without its scripts: these add sorting, search and pages to tables, and a choice of light or
dark. Its policy forbids every request. Ids are stable: tables ``rates-AXIS``, ``disparities-AXIS``, ``coverage-AXIS``,
``words-AXIS`` (AXIS is ``overall`` for all speakers), charts ``forest-AXIS-RECOGNISER``, ``heat-AXIS-RECOGNISER`` and
``ladder-LADDER-AXIS-RECOGNISER-N``, sections ``overview``, ``together``, ``by-AXIS``, ``ladder-N``, ``measures``,
``sensitivity-1``, ``made-up-1``, ``calibration-1``, ``repeated-1``, ``words``, ``utterances``, ``conditions-1``,
``recordings-1``, ``failures-1``, ``timing-1``,
``made``; in names all but letters, digits and hyphens of ASCII are written out (`blocks.slug`). A table inside
``details`` is hidden until that is opened. The button is ``#theme``; where scripts run, a table ``ID`` of more than 10
rows has the search field ``#ID-search`` and for its columns of choices ``#ID-choice-K``. The box ``#ID-more`` shows the
columns that are seldom wanted.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from asrfair import __version__
from asrfair.errors import InputError
from asrfair.report import sentences
from asrfair.report.html.blocks import Block, Section
from asrfair.report.html.sections import Given, closing_sections, sections
from asrfair.report.html.spoken import Spoken
from asrfair.report.html.tables import Limits
from asrfair.report.html.told import told
from asrfair.report.overview import what_was_run
from asrfair.report.shareable import shareable_told
from asrfair.report.text import corpus_title, safe
from asrfair.report.view import View
from asrfair.results import Results

INSTALL = "pip install 'asrfair[html]'"
NEEDED = ("altair", "itables", "jinja2", "vl_convert")
TOP = 30
MOST_BYTES = 3_000_000
"""The size that a page without sounds stays below, whatever the run: its tables get shorter."""
ROWS = (600, 250, 100, 40, 15)
"""Rows of each table, from which the first is taken that keeps the page below its size."""
MANY_RATES = 10_000
"""Rows of the table ``rates`` from which on a page is not tried with tables that are surely too long."""
_EXPORTS = re.compile(r"export\{([^{}]*)\};?")
_TABLES_SCRIPT, _TABLES_STYLE = "html/dt_bundle.js", "html/dt_bundle.css"


def check_installed() -> None:
    """Raise InputError naming the command that installs what drawing a page needs, where it is missing."""
    from importlib import import_module

    missing = []
    for name in NEEDED:
        # What is there may still not load: another version, or half an installation.
        try:
            import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise InputError(f"--html: a page needs {', '.join(missing)}; expected it installed: {INSTALL}")


def render_page(results: Results, given: Given, spoken: Spoken, *, top: int = TOP) -> str:
    """Return the page as HTML; of more than ``top`` groups charts show the worst, and all tables are cut alike.

    The same results give the same text. Raises InputError where the extra ``html`` is not installed.
    """
    check_installed()
    view = View.of(results)
    sounds = sum(len(clip.data) for item in spoken.utterances for clip in _clips(item)) * 4 // 3
    page = ""
    for rows in _tried(view):
        page = _page(view, given, spoken, Limits(rows=rows, groups=min(top, max(rows // 4, 4))))
        if len(page.encode()) - sounds <= MOST_BYTES:
            break
    return page


def _tried(view: View) -> tuple[int, ...]:
    """Return the rows to try; of a run with very many groups the first tries would be in vain."""
    many = view.results.rates.height > MANY_RATES
    tables = 4 * len(view.axes) + 3
    return tuple(rows for rows in ROWS if not many or rows * tables <= MANY_RATES / 4) or ROWS[-1:]


def _clips(item: Any) -> list[Any]:
    return [clip for clip in (item.recorded, *(sound.clip for sound in item.sounds)) if clip is not None]


def _page(view: View, given: Given, spoken: Spoken, limits: Limits) -> str:
    first, last = sections(view, given, limits), closing_sections(view, given, limits)
    scripts = [_tables_script(), _text("script.js")] if any(map(_sorts, [*first, *last])) else [_text("script.js")]
    page: str = (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=safe(corpus_title(view.corpus, unknown="transcripts")),
            notice=sentences.SYNTHETIC if view.synthetic else "",
            shareable=[view.who(line) for line in shareable_told(view.signature.get("shareable"))],
            facts=_facts(view),
            sections=first,
            closing=last,
            spoken=spoken,
            version=__version__,
            created=safe(str(view.signature.get("created") or "an unknown date")),
            policy=_policy(scripts),
            tables_style=_resource("itables", _TABLES_STYLE) if len(scripts) > 1 else "",
            style=_text("style.css") + _text("utterances.css"),
            scripts=scripts,
            kind=lambda block: type(block).__name__,
        )
    )
    return page


def _sorts(section: Section) -> bool:
    return any(table.sortable for table in section.tables())


def _facts(view: View) -> list[Block]:
    """Return what was run, without its first line, which is the page's title."""
    blocks = [block for section in told(what_was_run, view, prefix="run") for block in section.blocks]
    return blocks[1:]


def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    # Everything is escaped, whatever a template is called.
    return Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _text(name: str) -> str:
    return _resource("asrfair.report.html", name)


def _resource(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _tables_script() -> str:
    """Return the bundle of DataTables as a script that hands its parts to the page's own instead of exporting them."""
    text = _resource("itables", _TABLES_SCRIPT)
    found = list(_EXPORTS.finditer(text))
    if not found:
        raise InputError(f"itables: found no exports in {_TABLES_SCRIPT}; expected itables 2.5 or later: {INSTALL}")
    last = found[-1]
    pairs = (part.split(" as ") for part in last[1].split(","))
    parts = ",".join(f'"{pair[-1].strip()}":{pair[0].strip()}' for pair in pairs)
    return f"{text[: last.start()]}globalThis.asrfairTables={{{parts}}};{text[last.end() :]}"


def _policy(scripts: Sequence[str]) -> str:
    """Return a policy that lets the page's own scripts run and forbids every request."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; media-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
