"""A service card as Markdown: every label escaped, every table with speakers and words, owner's parts marked.

The document is a frame (`asrfair.report.card.frame`) with measured parts between markers, which `blocks` makes from the
card's data alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from asrfair.report.card import tables as tables
from asrfair.report.card.changes import changes_table, changes_told
from asrfair.report.card.frame import frame
from asrfair.report.card.identity import identity_line
from asrfair.report.card.main_tables import conditions, contrasts, errors, handicaps, over_groups, worst_by_condition
from asrfair.report.card.markers import replaced
from asrfair.report.card.tables import Table, first_of_each, provenance
from asrfair.report.sentences import SYNTHETIC
from asrfair.report.shareable import shareable_told, withheld_here
from asrfair.report.text import corpus_title, is_withheld, label, listed, number, safe
from asrfair.report.view import voiced

TOP = 20
"""How many groups of an axis a table shows in each cell, unless asked otherwise."""
MOST_ROWS = 400
"""How many rows any table has, whatever is asked: a card is read by people."""
SPECIAL = "\\`*_<>|&~$"
OVER_ALL_GROUPS = (
    "The gap from the highest to the lowest group is a plug-in value, biased upward when groups are alike; the "
    "standard deviation between groups is corrected for the spread of speakers. Theil and Gini are positive by "
    "construction: read them beside it. Equality: speakers permuted over the groups; adjusted over conditions."
)
ADJUSTED = (
    "Ratios of error rates: raw, then with the covariates held equal (pooled rates, or the median speaker's). They say "
    "nothing about causes."
)
METRICS = "Published tables often show the mean of utterances' WERs; the headline is the pooled WER above."
TOLD = (
    "Where nothing is said the speech was taken away: every word is made up, and none is in a WER. An insertion in "
    "speech need not be made up. Confidences are those that the recogniser gives its words."
)
BOUNDS = (
    "A bound over groups is the largest upper end of their intervals. It needs no adjustment for their number: it "
    "fails only where the interval of the worst group itself does."
)
NOTHING_EARLIER = (
    "No earlier run was compared with: asrfair card --baseline FOLDER says what changed, and whether it is more than "
    "noise."
)
Card = Mapping[str, Any]


def markdown(card: Card, *, top: int = TOP) -> str:
    """Return the Markdown of a new card made by `metrics_card`, from its data alone."""
    names = listed((label(name) for name in card["what_was_measured"]["backends"]), most=3) or "a recogniser"
    return replaced(frame(escape(names)), blocks(card, top=top), where="card")


def blocks(card: Card, *, top: int = TOP) -> dict[str, str]:
    """Return the measured parts by name, without their markers; tables show ``top`` groups and count the rest."""
    said = str if card["what_was_measured"]["about_people"] else voiced
    made: dict[str, list[str]] = {
        "front": _front(card),
        "overview": [*_told(card["sections"]["overview"]), *_table(errors(card, said("speakers")))],
        "measured": [*_told(card["sections"]["measured"]), *_facts(card, said("speakers"))],
        "groups": _groups(card, said, top=top),
        "robustness": _robustness(card, said, top=top),
        "not-judged": _not_judged(card, said("speakers"), top=top),
        "deployment": _deployment(card, said("speakers"), top=top),
        "tables": _annex(card, said, top=top),
        "signature": _signature(card),
    }
    return {name: "\n".join(lines).strip("\n") for name, lines in made.items()}


def escape(content: str) -> str:
    """Return a text as Markdown that shows it and nothing else."""
    shown = "".join(f"\\{character}" if character in SPECIAL else character for character in safe(content))
    for open_link in ("](", "][", "]:"):
        shown = shown.replace(open_link, f"\\{open_link}")
    return shown


def _told(sentences: Sequence[str]) -> list[str]:
    return [*(f"- {escape(sentence)}" for sentence in sentences), ""] if sentences else []


def _table(table: Table, below: str = "") -> list[str]:
    if len(table) < 2:
        return []
    head, *rows = table
    lines = [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows[:MOST_ROWS]]
    told = [escape(below)] if below else []
    if len(rows) > MOST_ROWS:
        told.append(f"And {number(len(rows) - MOST_ROWS)} more rows: see card.json.")
    notes = [part for note in told for part in (note, "")]
    return [f"| {' | '.join(map(escape, head))} |", f"|{' --- |' * len(head)}", *lines, "", *notes]


def _section(title: str, table: Table, below: str = "") -> list[str]:
    lines = _table(table, below)
    return [f"### {escape(title)}", "", *lines] if lines else []


def _front(card: Card) -> list[str]:
    measured = card["what_was_measured"]
    corpus = measured["corpus"]
    notice = [f"**{escape(card['notice'])}**", ""] if card["notice"] else []
    title = corpus_title(corpus, unknown="unknown")
    date = measured["created"] or "an unknown date"
    by = f" with asrfair {measured['asrfair']}" if measured["asrfair"] else ""
    told = [f"Corpus: {escape(title)}. Measured on {escape(str(date) + by)}.", ""]
    table: Table = [("recogniser", "version")]
    table += [(label(name), _identity(facts)) for name, facts in measured["backends"].items()]
    return [identity_line(card), "", *notice, *_shareable(card, measured["about_people"]), *told, *_table(table)]


def _shareable(card: Card, about_people: bool) -> list[str]:
    said = str if about_people else voiced
    told = " ".join(shareable_told(card.get("shareable")))
    return [f"> {escape(said(told))}", ""] if told else []


def _identity(facts: Any) -> str:
    pairs = facts.items() if isinstance(facts, Mapping) else [("", facts)]
    return ", ".join(f"{key} {value}".strip() for key, value in pairs) or "unknown"


def _facts(card: Card, who: str) -> list[str]:
    return _table(tables.about(card["what_was_measured"], who))


def _groups(card: Card, said: Callable[[str], str], *, top: int) -> list[str]:
    lines = _told(card["sections"]["groups"])
    lines += _table(over_groups(card), BOUNDS)
    for axis in card["what_was_measured"]["axes"]:
        table, left = contrasts(card, axis, said("speakers"), top=top)
        rest = f"And {number(left)} more groups, whose WER is lower: see card.json." if left else ""
        if len(table) > 1:
            lines += [f"#### Groups by {escape(provenance(axis))}", "", *_table(table, rest)]
    return lines or ["No groups were told apart: no axis was measured.", ""]


def _robustness(card: Card, said: Callable[[str], str], *, top: int) -> list[str]:
    lines = _told(card["sections"]["robustness"])
    lines += _table(conditions(card, said("speakers")))
    lines += _table(worst_by_condition(card, said("speakers")))
    for ladder in card["ladders"]:
        table, left = handicaps(ladder, said("speakers"), top=top)
        rest = f"And {number(left)} more groups: see card.json." if left else ""
        lines += _table(table, rest)
    return lines or ["One acoustic condition alone was measured: of robustness nothing is said.", ""]


def _not_judged(card: Card, who: str, *, top: int) -> list[str]:
    told = _told(card["sections"]["not_judged"])
    shown = first_of_each(card["not_judged"], ("axis", "condition", "backend"), most=top)
    left = len(card["not_judged"]) - len(shown)
    rest = f"And {number(left)} more: see card.json." if left else ""
    lines = [*told, *_table(tables.not_judged(shown, who), rest)]
    gone = (card.get("shareable") or {}).get("withheld_by_axis") or {}
    if not lines:
        lines = [f"Every group that {'is shown' if gone else 'was measured'} could be judged.", ""]
    return lines + (["### Withheld here", "", *_withheld(card, gone)] if gone else [])


def _withheld(card: Card, gone: Mapping[str, int]) -> list[str]:
    """Return which groups of each axis are withheld, as items."""
    found: dict[str, dict[str | None, None]] = {}
    for row in card["groups"]:
        if is_withheld(row):
            found.setdefault(row["axis"], {})[row["group"]] = None
    told = [f"By {label(axis)}: {withheld_here(count, list(found.get(axis, ())))}." for axis, count in gone.items()]
    return _told(told)


def _deployment(card: Card, who: str, *, top: int) -> list[str]:
    changes = card["deployment"]
    if changes is None:
        return [escape(NOTHING_EARLIER), ""]
    told = changes_told(changes)
    shown = first_of_each(changes["entries"], ("axis", "condition", "backend"), most=top)
    left = len(changes["entries"]) - len(shown)
    rest = f"And {number(left)} more groups: see card.json." if left else ""
    return [*_told(told), *_table(changes_table(shown, who), rest)]


def _annex(card: Card, said: Callable[[str], str], *, top: int) -> list[str]:
    measured, who = card["what_was_measured"], said("speakers")
    lines = _section(f"All {who}", tables.rates(card["overall"], who, named=False))
    for axis in measured["axes"]:
        rows = [row for row in card["groups"] if row["axis"] == axis["axis"] and not is_withheld(row)]
        shown = first_of_each(rows, ("condition", "backend"), most=top)
        left = len(rows) - len(shown)
        rest = f"And {number(left)} more rows of groups whose WER is lower: see card.json." if left else ""
        lines += _section(f"By {provenance(axis)}", tables.rates(shown, who, named=True), rest)
    lines += _section("Over all groups", tables.over_all_groups(card["over_all_groups"]), said(OVER_ALL_GROUPS))
    left = card["disparities_left_out"]
    rest = (
        f"In the table disparities alone: {number(left)} comparisons of pairs of groups, of groups and the rest, and "
        "on common prompts too few to judge."
    )
    lines += _section("Disparities", tables.comparisons(_few(card["disparities"], top), who), rest if left else "")
    lines += _section("What conditions cost", tables.comparisons(_few(card["robustness"], top), who))
    adjusted = first_of_each(card["adjusted"], ("axis", "model", "condition", "backend"), most=top)
    lines += _section("Adjusted for covariates", tables.adjusted(adjusted, who), said(ADJUSTED))
    lines += _section(f"Other measures of all {who}", tables.metrics(card["metrics"], said), METRICS)
    lines += _section("Made up, sure and said again", tables.told(card["metrics"]), said(TOLD))
    failed = first_of_each(card["failures"], ("axis", "condition", "backend"), most=top)
    return lines + _section("Failures", tables.failures(failed))


def changes_page(changes: Mapping[str, Any], *, top: int = TOP) -> str:
    """Return what changed between two runs or cards as Markdown of its own."""
    about_people = changes["about_people"]
    card = {"deployment": changes, "what_was_measured": {"about_people": about_people}}
    who = "speakers" if about_people else "voices"
    notice = [] if about_people else [f"**{escape(SYNTHETIC)}**", ""]
    form = _shareable(changes, about_people)
    return "\n".join(["# What changed", "", *notice, *form, *_deployment(card, who, top=top)]).rstrip("\n") + "\n"


def _few(rows: Sequence[Mapping[str, Any]], top: int) -> list[Mapping[str, Any]]:
    return first_of_each(rows, ("axis", "measure", "condition", "backend"), most=top)


def _signature(card: Card) -> list[str]:
    notice = ["", f"**{escape(card['notice'])}**"] if card["notice"] else []
    return ["### Signature", "", f"    {safe(str(card['signature']))}", *notice]
