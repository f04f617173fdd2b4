"""The card's sentences on all groups of an axis, and on all groups and intersections: range, bound, median.

A bound is claimed at the end of the interval that supports it, of as many groups as were judged, and the sentence that
claims it names those that were not.
"""

from collections.abc import Sequence

from asrfair.report import sentences
from asrfair.report.card.bounds import Bounds, find_bounds, is_product
from asrfair.report.findings import Standing
from asrfair.report.text import Row, counted, label, listed, number, percent, percent_interval, under
from asrfair.report.view import View

WHOLE = 1.0
"""A WER of 100 %, from which on a bound says nothing worth claiming."""


def among(view: View) -> str:
    """Return, after a comma, whom a sentence is about where they are not people; nothing where they are."""
    return ", among synthetic voices" if view.synthetic else ""


def who(view: View) -> str:
    """Return the people, or the voices where they are synthetic."""
    return "synthetic voices" if view.synthetic else "speakers"


def where(view: View, found: Standing) -> str:
    """Say of what a sentence speaks: «By accent (self-reported), with small in clean»."""
    return place(view, axis=found.axis, backend=found.backend, condition=found.condition)


def place(view: View, *, axis: str, backend: str, condition: str | None) -> str:
    """Say of what a sentence speaks, over all conditions where none is given."""
    cell = "" if condition is None else f" {under(condition)}"
    among = ", among synthetic voices" if view.synthetic else ""
    return f"By {view.provenance(axis)}, with {label(backend)}{cell}{among}"


def rate_told(view: View, row: Row) -> str:
    """Say a rate: «WER 31.2 % [24.0, 40.1] (95 % interval; 8 speakers (few), 320 words)»."""
    interval = f"{percent_interval(row)} ({view.level} interval; " if row["low"] is not None else "(not judged; "
    wer = "unknown" if row["wer"] is None else f"{percent(row['wer'])} %"
    return f"WER {wer} {interval}{sentences.evidence(view, row)})"


def about_bounds(view: View, bounds: Sequence[Bounds], *, axis: str, backend: str) -> list[str]:
    """Say the range of an axis's rates, the bounds its ends support, and the median; nothing if none is judged."""
    found = find_bounds(bounds, axis=axis, backend=backend, condition=view.condition)
    if found is None or not found.judged:
        return []
    lead = place(view, axis=axis, backend=backend, condition=view.condition)
    if len(found.judged) == 1:
        (row,) = found.judged
        one = "one group is shown" if view.withheld(axis) else "one group could be judged"
        told = f"{one}, {label(row['group'])}: {rate_told(view, row)}{_but_not(found)}"
        return [f"{lead}, {told}."]
    highest, lowest = found.highest, found.lowest
    told = (
        f"{claim(view, found)}: highest {label(highest['group'])}, {rate_told(view, highest)}; "
        f"lowest {label(lowest['group'])}, {rate_told(view, lowest)}{_but_not(found)}"
    )
    return [f"{lead}, {told}.", *_median(view, found, lead)]


def about_everyone(view: View, bounds: Sequence[Bounds], *, backend: str) -> list[str]:
    """Say the bound over the groups of all axes, intersections among them, where there are several axes."""
    found = find_bounds(bounds, axis=None, backend=backend, condition=view.condition)
    if found is None or len(found.judged) < 2:
        return []
    axes = [axis for axis in view.axes if any(row["axis"] == axis for row in found.judged)]
    over = "groups and intersections" if any(map(is_product, axes)) else "groups of all axes"
    names = listed((view.provenance(axis) for axis in axes), most=8)
    among = ", among synthetic voices" if view.synthetic else ""
    lead = f"Over {over}, with {label(backend)} {under(view.condition)}{among}, by {names}"
    return [f"{lead}: {claim(view, found)}{_but_not(found)}."]


def claim(view: View, found: Bounds, *, each: str = "groups") -> str:
    """Say the bound that the largest upper end supports, of the judged cells alone; and of those of ten speakers."""
    which = f"{number(len(found.judged))} {each} {view.judgeable(found.axis)}"
    bound = found.bound
    top = f"{named(found, bound)}; {view.level} intervals, {sentences.evidence(view, bound)}"
    if bound["high"] >= WHOLE:
        told = f"that all {which} are under a WER of 100 % could not be shown"
        return f"{told} (the largest upper bound is {percent(bound['high'])} %, {top}){_of_many(view, found, each)}"
    told = f"WER is at most {percent(bound['high'])} % in each of the {which}"
    return f"{told} (the largest upper bound, {top}){_of_many(view, found, each)}"


def _of_many(view: View, found: Bounds, each: str) -> str:
    """Say the bound over the groups of ten speakers or more, where others are few and it is lower."""
    many = found.not_few
    few = len(found.judged) - len(many.judged)
    if few == 0 or len(many.judged) < 2 or many.bound["high"] >= min(found.bound["high"], WHOLE):
        return ""
    bound = many.bound
    which = view.who("10 speakers or more")
    return (
        f"; at most {percent(bound['high'])} % in each of the {number(len(many.judged))} {each} with {which} "
        f"({named(found, bound)}, {sentences.evidence(view, bound)})"
    )


def named(found: Bounds, row: Row) -> str:
    """Name a group with what of its axis and condition the bounds leave open."""
    axis = f" by {label(row['axis'])}" if found.axis is None else ""
    cell = f" {under(row['condition'])}" if found.condition is None else ""
    return f"{label(row['group'])}{axis}{cell}"


def _but_not(found: Bounds) -> str:
    """Name the groups that could not be judged, for the same sentence; with the axis where several are meant."""
    if not found.not_judged:
        return ""
    names = [
        f"{label(row['group'])} by {label(row['axis'])}" if found.axis is None else label(row["group"])
        for row in found.not_judged
    ]
    return f"; {counted(len(names), 'group')} could not be judged ({listed(names)})"


def _median(view: View, found: Bounds, lead: str) -> list[str]:
    middle = found.median
    if middle is None:
        return []
    people, words = (_sum([row[key] for row in found.judged]) for key in ("speakers", "reference_words"))
    evidence = f"{sentences.people(view, people)}, {counted(words, 'word')}"
    rate = f"WER {percent(middle['wer'])} % {percent_interval(middle)}"
    how = "the medians of the rates and of the ends of their intervals"
    of = f"in the {number(len(found.judged))} groups {view.judgeable(found.axis)} ({evidence})"
    return [f"Median over groups, {lead[0].lower()}{lead[1:]}: {rate}, {how} {of}."]


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
