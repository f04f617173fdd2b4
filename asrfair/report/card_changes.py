"""What changed since an earlier run, in sentences and a table, from data made by `asrfair.run.card_changes`.

A change is named only where its adjusted p shows it; otherwise what the interval leaves open is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asrfair.report.card_tables import Table, provenance
from asrfair.report.text import (
    Row,
    chance,
    counted,
    factor,
    factor_interval,
    label,
    listed,
    number,
    p_equals,
    percent,
    percent_interval,
    points,
    points_interval,
)
from asrfair.report.view import is_few, voiced
from asrfair.tables import OVERALL

MOST = 10
"""How many changed groups of a kind are sentences; the rest are counted and in the table."""
TOLD = {"raised": "rose", "lowered": "fell"}
Changes = Mapping[str, Any]


def changes_told(changes: Changes) -> list[str]:
    """Return the sentences; voices for speakers where the voices of either side are synthetic."""
    told = [*_lead(changes), *_overall(changes), *_groups(changes), *_disparities(changes), *_alone(changes)]
    return told if changes["about_people"] else [f"Among synthetic voices: {voiced(sentence)}" for sentence in told]


def _lead(changes: Changes) -> Iterator[str]:
    old, new = (changes[side]["created"] or "an unknown date" for side in ("old", "new"))
    on = f", on the {counted(changes['utterances'], 'utterance')} that both have" if changes["paired"] else ""
    how = {
        True: "changes are paired by utterance and speaker",
        False: "changes are judged from each run's own intervals, as if no speaker were in both",
    }[bool(changes["paired"])]
    level = f"{100 * float(changes['level'] or 0.95):g} %"
    yield f"The later run ({label(new)}) is compared with the earlier ({label(old)}){on}: {how}; {level} intervals."
    for difference in changes["differs"]:
        what = f"{label(difference['what'])}: {label(difference['old'])} before, {label(difference['new'])} now"
        yield f"Made otherwise: {what}{'; the numbers are no comparison' if difference['matters'] else ''}."
    if not changes["comparable"]:
        yield "Because the runs were made differently in a way that matters, no change could be judged."
    elif not changes["entries"]:
        yield "Nothing was measured in both runs: no change could be judged."


def _overall(changes: Changes) -> list[str]:
    if not changes["comparable"]:
        return []
    return [f"{_told(entry)}." for entry in changes["entries"] if entry["axis"] == OVERALL]


def _groups(changes: Changes) -> Iterator[str]:
    entries = [entry for entry in changes["entries"] if entry["axis"] != OVERALL]
    if not entries or not changes["comparable"]:
        return
    for verdict in ("raised", "lowered"):
        found = sorted((e for e in entries if e["verdict"] == verdict), key=lambda e: -abs(_size(e)))
        for entry in found[:MOST]:
            yield f"{_told(entry)}."
        if len(found) > MOST:
            yield f"WER {TOLD[verdict]} in {counted(len(found) - MOST, 'more group')}: see the tables."
    open_still = [entry for entry in entries if entry["verdict"] == "not shown"]
    unjudged = [entry for entry in entries if entry["verdict"] == "not judged"]
    of = counted(len(entries), "comparison of a group", plural="comparisons of groups")
    if open_still:
        yield f"In {number(len(open_still))} of {of} no change could be shown{_open(open_still)}."
    if unjudged:
        names = listed((f"{label(entry['group'])} by {provenance(entry)}" for entry in unjudged), most=3)
        yield f"In {number(len(unjudged))} of {of} a change could not be judged: {names}."


def _disparities(changes: Changes) -> Iterator[str]:
    entries = changes["disparities"]
    if not entries:
        return
    shown = [entry for entry in entries if entry["verdict"] in ("widened", "narrowed")]
    for entry in sorted(shown, key=lambda e: -abs(_size(e)))[:MOST]:
        reference = label(entry["reference_group"])
        yield (
            f"{_place(entry)}: the disparity to {reference} {entry['verdict']}: "
            f"{_scales(entry)}, adjusted {p_equals(entry['p_adjusted'])} "
            f"({counted(entry['speakers'], 'speaker')} of the group)."
        )
    if len(shown) > MOST:
        yield f"The disparity to the reference group changed in {counted(len(shown) - MOST, 'more group')}."
    judged = [entry for entry in entries if entry["verdict"] != "not judged"]
    if judged and not shown:
        of = counted(len(judged), "disparity", plural="disparities")
        yield f"None of {of} to reference groups was shown to change."


def _alone(changes: Changes) -> Iterator[str]:
    for side, said in (("only_old", "earlier"), ("only_new", "later")):
        groups = [f"{label(cell['group'])} by {label(cell['axis'])}" for cell in changes[side]]
        if groups:
            yield f"Measured in the {said} run alone, for at least one condition: {listed(groups)}."


def _told(entry: Row) -> str:
    """Say both rates with their evidence, the difference, and what is shown."""
    old, new = (_rate(entry[side]) for side in ("old", "new"))
    rates = f"{_place(entry)}: {old} before, {new} now"
    if entry["verdict"] == "not judged":
        return f"{rates}; a change could not be judged"
    verdict = f"WER {TOLD[entry['verdict']]}" if entry["verdict"] in TOLD else "no change could be shown"
    return f"{rates}; {_scales(entry)}, adjusted {p_equals(entry['p_adjusted'])}: {verdict}"


def _place(entry: Row) -> str:
    where = f"with {label(entry['backend'])} in {label(entry['condition'])}"
    if entry["axis"] == OVERALL:
        return f"All speakers together, {where}"
    return f"{label(entry['group'])} by {provenance(entry)}, {where}"


def _rate(side: Row | None) -> str:
    if side is None:
        return "not measured"
    wer = "WER unknown" if side["wer"] is None else f"WER {percent(side['wer'])} %"
    return f"{wer} {percent_interval(side)} ({counted(side['speakers'], 'speaker')}, {_words(side)})"


def _words(side: Row) -> str:
    return counted(side["reference_words"], "word")


def _evidence(entry: Row) -> str:
    told = (f"{counted(side['speakers'], 'speaker')}, {_words(side)}" for side in _sides(entry))
    return "; ".join(dict.fromkeys(told))


def _scales(entry: Row) -> str:
    difference, ratio = entry["difference"], entry["ratio"]
    told = [
        f"{points(difference['estimate'])} points {points_interval(difference)}"
        if difference["low"] is not None
        else "",
        f"{factor(ratio['estimate'])} times {factor_interval(ratio)}" if ratio["low"] is not None else "",
    ]
    return ", ".join(filter(None, told)) or "size unknown"


def _size(entry: Row) -> float:
    return float(entry["difference"]["estimate"] or 0.0)


def _open(entries: Sequence[Row]) -> str:
    """Say the largest rise that is left open; of groups of ten speakers or more, if there are any."""
    rises = [entry for entry in entries if entry["difference"]["high"] is not None]
    many = [entry for entry in rises if not any(is_few(side["speakers"]) for side in _sides(entry))]
    if not rises:
        return ""
    highest = max(many or rises, key=lambda entry: float(entry["difference"]["high"]))
    among = " in a group of 10 speakers or more" if many else ""
    rise = f"{points(highest['difference']['high'])} points"
    return f"; the largest rise that cannot be ruled out{among} is {rise} ({_place(highest)}, {_evidence(highest)})"


def _sides(entry: Row) -> list[Row]:
    return [entry[side] for side in ("old", "new") if entry[side] is not None]


def changes_table(entries: Sequence[Row], who: str) -> Table:
    """Return the changes, a cell a row: both rates with their intervals, the difference, the factor, adjusted p."""
    table: Table = [
        ("group", "condition", "recogniser", "before, WER %", "now, WER %", who, "words", "points", "times",
         "adjusted p", "finding")
    ]  # fmt: skip
    for entry in entries:
        sides = [entry[side] for side in ("old", "new")]
        group = "all" if entry["axis"] == OVERALL else f"{label(entry['axis'])}: {label(entry['group'])}"
        counts = [
            " / ".join("-" if side is None else number(side[key]) for side in sides)
            for key in ("speakers", "reference_words")
        ]
        rates = ["-" if side is None else f"{percent(side['wer'])} {percent_interval(side)}" for side in sides]
        difference, ratio = entry["difference"], entry["ratio"]
        on_points = (
            "-" if difference["estimate"] is None else f"{points(difference['estimate'])} {points_interval(difference)}"
        )
        times = "-" if ratio["low"] is None else f"{factor(ratio['estimate'])} {factor_interval(ratio)}"
        where = (label(entry["condition"]), label(entry["backend"]))
        table.append((group, *where, *rates, *counts, on_points, times, chance(entry["p_adjusted"]), entry["verdict"]))
    return table
