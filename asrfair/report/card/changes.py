"""What changed since an earlier run, in sentences and a table, from data made by `asrfair.run.card_changes`.

A change is named only where its adjusted p shows it; otherwise what the interval leaves open is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asrfair.report.card.tables import Table, p_cell, provenance
from asrfair.report.text import (
    Row,
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
MOST_NAMED = 6
TOLD = {"raised": "rose", "lowered": "fell"}
OPENINGS = ("The ", "Made ", "Because ", "Nothing ", "Left ", "Failed ", "All ", "In ", "None ", "Measured ")
Changes = Mapping[str, Any]


def changes_told(changes: Changes) -> list[str]:
    """Return the sentences; voices for speakers where the voices of either side are synthetic."""
    told = [*_lead(changes), *_losses(changes)]
    if _same(changes):
        told.append("Nothing differs: every rate is the same before and now.")
    else:
        told += [*_overall(changes), *_groups(changes), *_disparities(changes), *_alone(changes)]
    return told if changes["about_people"] else [f"Among synthetic voices: {_within(voiced(line))}" for line in told]


def _same(changes: Changes) -> bool:
    """Whether the two sides were made alike and have the same rates, as a run has with itself."""
    others = (changes[name] for name in ("differs", "left_out", "only_old", "only_new"))
    alike = changes["comparable"] and not any(others) and bool(changes["entries"])
    return alike and all(entry["old"] == entry["new"] for entry in changes["entries"])


def _within(sentence: str) -> str:
    """Return a sentence to stand after a colon; one that a group's name begins stays as it is."""
    return f"{sentence[0].lower()}{sentence[1:]}" if sentence.startswith(OPENINGS) else sentence


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


def _losses(changes: Changes) -> Iterator[str]:
    """Say which utterances one run alone has, and how many transcriptions failed: the changes are made without them."""
    for side, said, other in (("old", "earlier", "later"), ("new", "later", "earlier")):
        rows = [row for row in changes["left_out"] if row["side"] == side]
        whole = next((row["utterances"] for row in rows if row["axis"] == OVERALL), 0)
        if whole:
            counts = (f"{_group(row)} {number(row['utterances'])}" for row in rows if row["axis"] != OVERALL)
            names = listed(counts, most=MOST_NAMED)
            lead = f"Left out: {counted(whole, 'utterance')} of the {said} run that the {other} lacks"
            yield f"{lead}{f' ({names})' if names else ''}."
    for row in [row for row in changes["failures"] if row["axis"] == OVERALL][:MOST]:
        cell = (row["backend"], row["condition"])
        own = sorted(
            (r for r in changes["failures"] if r["axis"] != OVERALL and (r["backend"], r["condition"]) == cell),
            key=lambda r: -(r["new"] + r["old"]),
        )
        groups = "; ".join(f"{_group(r)}: {_counts(r)}" for r in own[:MOST_NAMED])
        groups += f"; and {counted(len(own) - MOST_NAMED, 'more group')}" if len(own) > MOST_NAMED else ""
        yield (
            f"Failed transcriptions, with {label(row['backend'])} in {label(row['condition'])}: {_counts(row)}"
            f"{f'; {groups}' if groups else ''}. They are in no WER; where more fail, a change in WER tells only a "
            "part."
        )


def _group(row: Row) -> str:
    return f"{label(row['group'])} by {label(row['axis'])}"


def _counts(row: Row) -> str:
    alone = f" ({number(row['new_alone'])} in this run alone)" if row["new_alone"] else ""
    return f"{number(row['old'])} before, {number(row['new'])} now{alone}"


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
    shown = [entry for entry in entries if entry["verdict"] not in ("not shown", "not judged")]
    for entry in sorted(shown, key=lambda e: -abs(_size(e)))[:MOST]:
        reference = label(entry["reference_group"])
        yield (
            f"{_place(entry)}: the gap to {reference} was {_gap(entry['old_gap'])} before and is "
            f"{_gap(entry['new_gap'])} now, {entry['verdict']}: change of the gap {_scales(entry)}, "
            f"adjusted {_chances(entry)} "
            f"({counted(entry['speakers'], 'speaker')} of the group)."
        )
    if len(shown) > MOST:
        yield f"The disparity to the reference group changed in {counted(len(shown) - MOST, 'more group')}."
    judged = [entry for entry in entries if entry["verdict"] != "not judged"]
    if judged and not shown:
        of = counted(len(judged), "disparity", plural="disparities")
        yield f"None of {of} to reference groups was shown to change."


def _chances(entry: Row) -> str:
    """Say the p of both scales, which are judged each on its own: «p < 0.001 in points, p = 0.030 as a factor»."""
    both = (("p_points", "in points"), ("p_factor", "as a factor"))
    return ", ".join(f"{p_equals(entry[key])} {scale}" for key, scale in both if entry[key] is not None)


def _gap(gap: float | None) -> str:
    return "unknown" if gap is None else f"{points(gap)} points"


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
        table.append((group, *where, *rates, *counts, on_points, times, p_cell(entry["p_adjusted"]), entry["verdict"]))
    return table
