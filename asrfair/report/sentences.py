"""Findings in words, for the terminal and the card alike.

A bound is claimed only at the end of the interval that supports it; no finding says how large a
disparity could still be, with how many speakers; a label's provenance stands beside its axis.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asrfair.report.findings import (
    SHOWN,
    Contrast,
    Costs,
    Standing,
    extra_finding,
)
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
from asrfair.report.view import View, is_few

SYNTHETIC = "Synthetic voices: this demonstrates the tool and says nothing about people."
IMPUTED = "These labels are imputed, not given by or asked of the speakers: groups may be mixed up."
INDEPENDENT = "Utterances are treated as independent: the intervals may be far too narrow."
# Parts of a note that say how an interval was made, not why there is none.
NO_REASON = ("under 10 ", "utterances treated as independent", "spread from ", "no errors: upper end")
KINDS = {
    "read": "read speech",
    "natural": "natural speech",
    "scripted": "scripted speech",
    "synthetic": "synthetic voices",
}


def cut(signature: Mapping[str, Any], *, article: bool = False) -> str | None:
    """Say that a run heard part of its corpus, and which; None where it heard all of it."""
    limit, sample = signature.get("limit"), signature.get("sample")
    if sample is not None:
        groups = " and ".join(label(axis) for axis in signature.get("axes") or ())
        return (
            f"{'a ' if article else ''}sample of up to {counted(sample, 'utterance')} per group"
            f"{f' of {groups}' if groups else ''}, spread over speakers; overall rates are of the sample, not of the "
            "corpus"
        )
    return None if limit is None else f"{'the ' if article else ''}first {counted(limit, 'utterance')} only"


def kind(view: View) -> str:
    """Say what kind of speech the corpus holds."""
    return KINDS.get(str(view.corpus.get("kind")), "speech of unknown kind")


def evidence(view: View, row: Row) -> str:
    """Say on how many speakers and words a rate rests: «8 speakers, 320 words»."""
    words = row["reference_words"]
    told = "words withheld" if words is None and view.signature.get("shareable") else counted(words, "word")
    return f"{people(view, row['speakers'])}, {told}"


def people(view: View, speakers: int | None) -> str:
    """Say a number of speakers, or of voices where they are synthetic; fewer than ten are «few»."""
    noun = "voice" if view.synthetic else "speaker"
    return f"{counted(speakers, noun)}{' (few)' if is_few(speakers) else ''}"


def rate(view: View, row: Row) -> str:
    """Say a rate with its interval and evidence: «WER 31.2 % [24.0, 40.1], 8 speakers, 320 words»."""
    wer = "WER unknown" if row["wer"] is None else f"WER {percent(row['wer'])} %"
    return f"{wer} {percent_interval(row)}, {evidence(view, row)}"


def both_sides(view: View, contrast: Contrast) -> str:
    """Say on how many speakers a comparison rests: «8 speakers against 14»."""
    row = contrast.row
    return f"{counted(row['speakers'], view.who('speaker'))} against {number(row['reference_speakers'])}"


def size(contrast: Contrast, *, to: str) -> str:
    """Say a contrast: «2.56 times the WER of us [1.82, 3.60], adjusted p < 0.001»; without an interval, its size."""
    row = contrast.row
    if row["estimate"] is None:
        return f"unknown against {to}"
    if row is contrast.ratio:
        told = f"{factor(row['estimate'])} times the WER of {to}", factor_interval(row)
    else:
        told = f"{points(row['estimate'])} points against {to}", points_interval(row)
    return told[0] if not contrast.judged else f"{' '.join(told)}, adjusted {p_equals(contrast.p)}"


def verdict(view: View, contrast: Contrast, *, to: str) -> str:
    """Say what could be shown about a group against a named other."""
    found = contrast.verdict(view.alpha)
    told = {
        "worse": f"served worse than {to}",
        "better": f"served better than {to}",
        "not shown": "a disparity could not be shown",
        "not judged": "could not be judged",
    }
    return told[found] + (unnamed(view, contrast.row) if found in SHOWN else "")


def named_beforehand(view: View) -> str:
    """Say which disparities the plan named, and that all others are exploratory; nothing where there is none."""
    rows = view.whole.disparities
    if rows.is_empty():
        return ""
    if not view.confirmed:
        return "no disparities were named beforehand: every finding is exploratory (false-discovery p in the tables)"
    named = counted(int((~rows["exploratory"]).sum()), "disparity", plural="disparities")
    return f"{named} named beforehand ({'; '.join(view.confirmed)}), Holm over these; all others are exploratory"


def adjusted(view: View) -> str:
    """Say over which comparisons p are adjusted, and over which not."""
    family = view.signature.get("family")
    anew = ", or by Bonferroni where comparisons of the family are withheld" if view.signature.get("shareable") else ""
    if not family:
        return f"p are adjusted by Holm {'over their family' if family is None else 'among all rows'}{anew}"
    *others, last = columns = [str(name).replace("backend", "recogniser") for name in family]
    equal = f"{', '.join(others)} and {last}" if others else last
    plural = {"recogniser": "recognisers", "axis": "axes", "condition": "conditions"}
    apart = [plural[name] for name in ("recogniser", "axis", "condition") if name in columns]
    beyond = f", not across {' or '.join(apart)}" if apart else ""
    first = "; those named beforehand are a family of their own" if view.confirmed else ""
    return f"p are adjusted by Holm among rows equal in {equal}{beyond}{first}{anew}"


def unnamed(view: View, row: Row) -> str:
    """Return « (exploratory)» for a finding outside the family that was named beforehand, if one was."""
    return " (exploratory)" if view.is_unnamed(row) else ""


def not_judged(view: View, standing: Standing) -> str | None:
    """Say which groups and how many unlabelled speakers could not be judged, and why; None where there are none."""
    parts = []
    if standing.not_judged:
        why: dict[str, list[str]] = {}
        for row in standing.not_judged:
            why.setdefault(view.who(reason(row)), []).append(label(row["group"]))
        names = "; ".join(f"{listed(groups)} ({words})" for words, groups in why.items())
        parts.append(f"{counted(len(standing.not_judged), 'group')}: {names}")
    if standing.unlabelled is not None:
        row = standing.unlabelled
        who = counted(row["speakers"], view.who("speaker")) if row["speakers"] else view.who("speakers")
        because = "" if view.who(reason(row)) == who else f"; {view.who(reason(row))}"
        parts.append(f"{who} without a label ({counted(row['utterances'], 'utterance')}{because})")
    return "; ".join(parts) or None


def reason(row: Row) -> str:
    """Say why a cell has no interval, in the words of its note."""
    parts = [part.strip().removesuffix(": not judged") for part in (row["note"] or "").split("; ")]
    why = [part for part in parts if part and not part.startswith(NO_REASON)]
    if why:
        return ", ".join(why)
    if row["wer"] is None:
        return "no reference words"
    if row["speakers"] is None:
        return "speakers unknown"
    return counted(row["speakers"], "speaker") if row["speakers"] < 2 else "no interval"


def condition_cost(view: View, contrast: Contrast) -> str:
    """Say what a condition costs, and what is shown of that by which p.

    «telephone: +21.0 points [+15.1, +27.3], 2.40 times [1.90, 3.00] against clean, adjusted p < 0.001 (of the ratio):
    shown to raise the WER».
    """
    row, difference, relative = contrast.row, contrast.difference, contrast.ratio
    scales = [
        _scale(difference, points, points_interval, " points"),
        _scale(relative, factor, factor_interval, " times"),
    ]
    sizes = ", ".join(filter(None, scales)) or "unknown"
    where = f"{label(row['condition'])}: {sizes} against {label(row['reference_condition'])}"
    if not contrast.judged:
        return f"{where}: could not be judged"
    told = {
        "worse": "shown to raise the WER",
        "better": "shown to lower the WER",
        "not shown": "no change could be shown",
    }
    scale = "ratio" if row is relative else "difference"
    found = contrast.verdict(view.alpha)
    verdict = told.get(found, "could not be judged") + (unnamed(view, row) if found in SHOWN else "")
    return f"{where}, adjusted {p_equals(contrast.p)} (of the {scale}): {verdict}"


def extra_cost(view: View, contrast: Contrast) -> str:
    """Say how much more a condition costs a group than the reference group: each scale with its p, then the finding."""
    row, difference, relative = contrast.row, contrast.difference, contrast.ratio
    scales = [
        _scale(difference, points, points_interval, " points", with_p=True),
        _scale(relative, factor, factor_interval, " times", with_p=True),
    ]
    sizes = ", and ".join(filter(None, scales)) or "unknown"
    finding = extra_finding(contrast, view.alpha)
    mark = next(filter(None, (unnamed(view, row) for row in contrast.shown_rows(view.alpha))), "")
    verdict = finding if finding.startswith("not ") else f"shown: {finding}{_but(contrast, view)}{mark}"
    return (
        f"{label(row['group'])} under {label(row['condition'])}: {sizes}, beyond what it costs "
        f"{label(row['reference_group'])} ({both_sides(view, contrast)}); {verdict}"
    )


def _but(contrast: Contrast, view: View) -> str:
    if contrast.on_points(view.alpha) == "not shown":
        return "; in points nothing is shown"
    return "; as a factor nothing is shown" if contrast.on_ratio(view.alpha) == "not shown" else ""


def _scale(
    row: Row | None,
    shown: Callable[[float | None], str],
    interval: Callable[[Row], str],
    unit: str,
    *,
    with_p: bool = False,
) -> str:
    if row is None or row["estimate"] is None:
        return ""
    told = f"{shown(row['estimate'])}{unit}"
    if row["low"] is None or row["p_adjusted"] is None:
        return f"{told} (not judged)"
    p = f", adjusted {p_equals(row['p_adjusted'])}" if with_p else ""
    return f"{told} {interval(row)}{p}"


def no_cost(costs: Costs) -> str:
    """Say that no condition raised the WER of all speakers, and what is left open; or that none could be judged."""
    if not costs.judged:
        return "none could be judged"
    which = "condition" if costs.complete else "condition that could be judged"
    return f"no {which} raised the WER{_left_open(costs, by_group=False)}"


def no_extra_cost(costs: Costs) -> str:
    """Say that no condition cost a group more points than its reference group, or that none could be judged."""
    if not costs.judged:
        return "none could be judged"
    where = "" if costs.complete else ", where that could be judged"
    return f"no condition cost a group more points than its reference group{where}{_left_open(costs, by_group=True)}"


def _left_open(costs: Costs, *, by_group: bool) -> str:
    highest = costs.highest
    if highest is None or highest.difference is None:
        return ""
    row = highest.difference
    which = f"{label(row['group'])} under {label(row['condition'])}" if by_group else label(row["condition"])
    return f"; the highest upper end is {points(row['high'])} points, {which}"


def untold(notes: Iterable[str], *, synthetic: bool) -> list[str]:
    """Return the notes without those that say again, under the notice of a synthetic corpus, what it says."""
    said = SYNTHETIC.casefold().rstrip(".")
    return [note for note in notes if not (synthetic and note.casefold().rstrip(".") == said)]
