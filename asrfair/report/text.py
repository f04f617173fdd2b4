"""Numbers and labels as text: one place for units, signs, brackets and what cannot be printed.

Conventions: rates are fractions in and per cent out; an unknown number is «unknown», never zero.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from asrfair.errors import counted as base_counted
from asrfair.errors import safe as safe

Row = Mapping[str, Any]

UNKNOWN = "unknown"
WITHHELD = "withheld"
UNLABELLED = "(unlabelled)"
LONGEST_LABEL = 60


def corpus_title(corpus: Mapping[str, Any], *, unknown: str = "the corpus") -> str:
    """Return what a corpus is called: its title, else its card's name."""
    return str(corpus.get("title") or corpus.get("card") or unknown)


def label(value: str | None) -> str:
    """Return a group's name as shown: null is «(unlabelled)», a blank is quoted, a long one shortened."""
    if value is None:
        return UNLABELLED
    if not value.strip():
        return f"'{safe(value)}'"
    shown = safe(value)
    return shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 3]}..."


def under(condition: str | None) -> str:
    """Return a condition as a sentence names it: «as recorded», «in clean», «under telephone»."""
    shown = label(condition)
    if shown.replace("-", " ") == "as recorded":
        return shown
    return f"{'in' if shown == 'clean' else 'under'} {shown}"


def listed(values: Iterable[str], *, most: int = 5) -> str:
    """Return «a, b, c and 4 more»."""
    names = list(values)
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {number(len(names) - most)} more"


def number(value: int | None) -> str:
    """Return a count with thousands separated."""
    return UNKNOWN if value is None else f"{value:,}"


def is_withheld(row: Row) -> bool:
    """Return whether a row of ``rates`` is that of a group that a shareable form withholds."""
    return str(row["note"] or "").startswith(f"{WITHHELD}:")


def sized(row: Row, key: str) -> str:
    """Return a count of a ``rates`` row; of a shareable form «withheld» where it is not told."""
    told = row[key] is None and WITHHELD in str(row["note"] or "")
    return WITHHELD if told else number(row[key])


def counted(value: int | None, noun: str, *, plural: str | None = None) -> str:
    """Return «1 speaker», «8 speakers», «unknown speakers»."""
    return f"{UNKNOWN} {plural or noun + 's'}" if value is None else base_counted(value, noun, plural=plural or "")


def percent(rate: float | None) -> str:
    """Return a fraction in per cent without the sign: 0.312 is «31.2»."""
    return UNKNOWN if rate is None else f"{100 * rate:.1f}"


def points(difference: float | None) -> str:
    """Return a difference of fractions in signed percentage points: 0.19 is «+19.0»."""
    return UNKNOWN if difference is None else f"{100 * difference:+.1f}"


def factor(ratio: float | None) -> str:
    """Return a ratio: «2.56», from 100 on without decimals, below 0.1 to one significant digit."""
    if ratio is None:
        return UNKNOWN
    if 0 < ratio < 0.095:
        return "< 0.001" if ratio < 0.001 else f"{ratio:.1g}"
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def chance(p: float | None) -> str:
    """Return a p-value: «0.032», «< 0.001»."""
    if p is None:
        return UNKNOWN
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float | None) -> str:
    """Return «p = 0.032», «p < 0.001», «p unknown» for use after «adjusted»."""
    if p is None:
        return f"p {UNKNOWN}"
    return f"p {chance(p)}" if p < 0.001 else f"p = {chance(p)}"


def percent_interval(row: Row) -> str:
    """Return a rate's interval «[24.0, 40.1]», or «not judged»."""
    return _interval(row, percent)


def points_interval(row: Row) -> str:
    """Return a difference's interval «[+11.2, +28.0]», or «not judged»."""
    return _interval(row, points)


def factor_interval(row: Row) -> str:
    """Return a ratio's interval «[1.82, 3.60]», or «not judged»."""
    return _interval(row, factor)


def _interval(row: Row, shown: Any) -> str:
    if row["low"] is None or row["high"] is None:
        return WITHHELD if "note" in row and is_withheld(row) else "not judged"
    return f"[{shown(row['low'])}, {shown(row['high'])}]"


def short_points_interval(row: Row) -> str:
    """Return a difference's interval for a table, without plus signs: «[11.2, 28.0]»."""
    return _interval(row, percent)
