"""Findings in words, for the terminal and the card alike.

A bound is claimed only at the end of the interval that supports it; no finding says how large a
disparity could still be, with how many speakers; a label's provenance stands beside its axis.
"""

from asrfair.report.findings import Contrast, Standing, open_factor
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
KINDS = {
    "read": "read speech",
    "natural": "natural speech",
    "scripted": "scripted speech",
    "synthetic": "synthetic voices",
}


def limited(limit: int) -> str:
    """Say that the corpus was cut short."""
    return f"first {counted(limit, 'utterance')} only"


def kind(view: View) -> str:
    """Say what kind of speech the corpus holds."""
    return KINDS.get(str(view.corpus.get("kind")), "speech of unknown kind")


def evidence(view: View, row: Row) -> str:
    """Say on how many speakers and words a rate rests: «8 speakers, 320 words»."""
    return f"{people(view, row['speakers'])}, {counted(row['reference_words'], 'word')}"


def people(view: View, speakers: int | None) -> str:
    """Say a number of speakers, or of voices where they are synthetic; fewer than ten are «few»."""
    noun = "voice" if view.synthetic else "speaker"
    return f"{counted(speakers, noun)}{' (few)' if is_few(speakers) else ''}"


def rate(view: View, row: Row) -> str:
    """Say a rate with its interval and evidence: «WER 31.2 % [24.0, 40.1], 8 speakers, 320 words»."""
    return f"WER {percent(row['wer'])} % {percent_interval(row)}, {evidence(view, row)}"


def both_sides(contrast: Contrast) -> str:
    """Say on how many speakers a comparison rests: «8 speakers against 14»."""
    row = contrast.row
    return f"{counted(row['speakers'], 'speaker')} against {number(row['reference_speakers'])}"


def ratio(contrast: Contrast, *, to: str) -> str:
    """Say a contrast: «2.56 times the WER of us [1.82, 3.60], adjusted p < 0.001»."""
    row = contrast.row
    if row["estimate"] is None:
        return f"against {to} it could not be judged"
    if row is contrast.ratio:
        size = f"{factor(row['estimate'])} times the WER of {to} {factor_interval(row)}"
    else:
        size = f"{points(row['estimate'])} points against {to} {points_interval(row)}"
    return f"{size}, adjusted {p_equals(contrast.p)}"


def verdict(contrast: Contrast, *, to: str, alpha: float) -> str:
    """Say what could be shown about a group against a named other."""
    return {
        "worse": f"served worse than {to}",
        "better": f"served better than {to}",
        "not shown": "a disparity could not be shown",
        "not judged": "could not be judged",
    }[contrast.verdict(alpha)]


def no_disparity(standing: Standing) -> str:
    """Say how large a disparity the data leave open, where none could be shown."""
    widest = standing.widest()
    if widest is None:
        return f"No group could be judged against {standing.other}."
    counts = (widest.row["speakers"], widest.row["reference_speakers"])
    return (
        f"No disparity against {standing.other} could be shown; one of up to a factor of "
        f"{factor(open_factor(widest))} cannot be ruled out ({label(widest.group)}, "
        f"{counted(counts[0], 'speaker')}, against {number(counts[1])})."
    )


def not_judged(standing: Standing) -> str | None:
    """Say which groups and how many unlabelled speakers could not be judged; None where there are none."""
    parts = []
    if standing.not_judged:
        names = listed(f"{label(row['group'])} ({reason(row)})" for row in standing.not_judged)
        parts.append(f"{counted(len(standing.not_judged), 'group')}: {names}")
    if standing.unlabelled is not None:
        row = standing.unlabelled
        who = counted(row["speakers"], "speaker") if row["speakers"] is not None else "speakers"
        parts.append(f"{who} without a label ({counted(row['utterances'], 'utterance')})")
    return "; ".join(parts) or None


def reason(row: Row) -> str:
    """Say why a cell has no interval."""
    if row["wer"] is None:
        return "no reference words"
    if row["speakers"] is None:
        return "speakers unknown"
    return counted(row["speakers"], "speaker") if row["speakers"] < 2 else "no interval"


def condition_cost(contrast: Contrast) -> str:
    """Say what a condition costs: «telephone: +21.0 points [+15.1, +27.3], 2.40 times [1.90, 3.00] against clean»."""
    row = contrast.row
    return f"{label(row['condition'])}: {_both_scales(contrast)} against {label(row['reference_condition'])}"


def extra_cost(contrast: Contrast) -> str:
    """Say how much more a condition costs a group than the reference group, on both scales."""
    row = contrast.row
    scale = "ratio" if row is contrast.ratio else "difference"
    return (
        f"{label(row['group'])} under {label(row['condition'])}: {_both_scales(contrast)} beyond what it costs "
        f"{label(row['reference_group'])}, adjusted {p_equals(contrast.p)} (of the {scale})"
    )


def _both_scales(contrast: Contrast) -> str:
    difference, relative = contrast.difference, contrast.ratio
    parts = []
    if difference is not None and difference["estimate"] is not None:
        parts.append(f"{points(difference['estimate'])} points {points_interval(difference)}")
    if relative is not None and relative["estimate"] is not None:
        parts.append(f"{factor(relative['estimate'])} times {factor_interval(relative)}")
    return ", ".join(parts) or "unknown"
