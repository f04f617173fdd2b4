"""Ratios beside the plain ones: adjusted for covariates, and on the prompts that both groups have."""

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

from asrfair.report.disparities import aligned, explain, finding
from asrfair.report.findings import Contrast, contrasts
from asrfair.report.footnotes import footnotes
from asrfair.report.page import QUIET, Column, Page, Subhead
from asrfair.report.text import Row, counted, factor, factor_interval, label, listed, under
from asrfair.report.view import View, speakers
from asrfair.tables import OVERALL

POOLED, MEDIAN = "poisson_gee", "speaker_random_intercept"
# Parts of a model's note that the table's head or the line on covariates says.
TOLD = ("compares median speakers", "speakers' log rates", "speakers do not differ", "per ")
SAME = 1e-9
LEAST = 3
Models = Mapping[str, Row]


def models(page: Page, view: View, *, axis: str, top: int) -> None:
    """Write the ratios adjusted for covariates beside the raw ones, by recogniser, and those of the covariates."""
    rows = [row for row in view.rows("models", axis=axis) if row["condition"] in (view.condition, OVERALL)]
    found = {name: _by_term([row for row in rows if row["backend"] == name]) for name in view.backends}
    found = {backend: terms for backend, terms in found.items() if terms}
    if not found:
        return
    reference = next((row["reference_group"] for row in rows if row["reference_group"] is not None), None)
    where = "over all conditions" if rows[0]["condition"] == OVERALL else f"in {label(rows[0]['condition'])}"
    page.gap()
    title = f"Ratios to {label(reference)}, {where}, adjusted for {label(rows[0]['covariates'])}"
    page.line(title, indent=2, hang=2)
    groups = {
        backend: sorted((each for each in terms if _group(each) is not None), key=_largest_first)
        for backend, terms in found.items()
    }
    _ratios(page, view, groups, top=top)
    for backend, terms in found.items():
        lead = f"with {label(backend)}: " if len(found) > 1 else ""
        parts = [_most_changed(groups[backend]), *_covariates(terms)]
        page.line(f"{lead}{'; '.join(filter(None, parts))}", style=QUIET, indent=2, hang=2)
    told = [row for row in rows if row["group"] is not None or row["estimate"] is None]
    footnotes(page, view, [(label(row["group"] or row["term"]), _short(row)) for row in told])


def _by_term(rows: Sequence[Row]) -> list[Models]:
    terms: dict[str, dict[str, Row]] = {}
    for row in rows:
        terms.setdefault(row["term"], {})[row["model"]] = row
    return list(terms.values())


def _any(models: Models) -> Row:
    return next(iter(models.values()))


def _group(models: Models) -> str | None:
    group: str | None = _any(models)["group"]
    return group


def _raw(models: Models) -> float | None:
    raw: float | None = models[POOLED]["raw_ratio"] if POOLED in models else None
    return raw


def _largest_first(models: Models) -> tuple[bool, float]:
    judged = POOLED in models and models[POOLED]["low"] is not None
    return not judged, -(_raw(models) or 0.0)


def _ratios(page: Page, view: View, groups: Mapping[str, list[Models]], *, top: int) -> None:
    columns = [
        Column(f"group ({view.who('speakers')})", wraps=True, narrowest=10),
        Column("raw\nratio", align="right"),
        Column("adjusted", wraps=True, narrowest=14),
        Column(view.who("adjusted, median\nspeakers"), wraps=True, narrowest=14, drop=1),
    ]
    share = max(LEAST, top // len(groups))
    flat = [each for found in groups.values() for each in found[:share]]
    pooled, median = (
        aligned([each.get(model) for each in flat], factor, factor_interval) for model in (POOLED, MEDIAN)
    )
    cells = iter(zip(pooled, median, strict=True))
    body: list[list[str | Text] | Subhead] = []
    for backend, found in groups.items():
        if len(groups) > 1:
            body.append(Subhead(f"with {label(backend)}"))
        for each in found[:share]:
            name, raw = f"{label(_group(each))} ({speakers(_any(each)['speakers'])})", _raw(each)
            body.append([name, "-" if raw is None else factor(raw), *next(cells)])
        if len(found) > share:
            body.append(Subhead(f"and {counted(len(found) - share, 'more group')}"))
    page.table(columns, body)


def _most_changed(groups: Sequence[Models]) -> str:
    """Return which judged group's ratio adjusting moves most, from what to what."""
    sizes = [
        (abs(math.log(each[POOLED]["estimate"] / raw)), each, raw)
        for each in groups
        if (raw := _raw(each)) and each[POOLED]["low"] is not None and each[POOLED]["estimate"]
    ]
    if not sizes:
        return ""
    _, each, raw = max(sizes, key=lambda size: size[0])
    before, after = factor(raw), factor(each[POOLED]["estimate"])
    if before == after:
        return "no judged ratio moves by 0.01"
    return f"of the judged, {label(_group(each))} moves most, from {before} to {after}"


def _covariates(terms: Sequence[Models]) -> list[str]:
    rows = [each[POOLED] for each in terms if POOLED in each and _group(each) is None]
    told = [
        f"{label(row['term'])} "
        + ("not estimated" if row["estimate"] is None else f"{factor(row['estimate'])} {factor_interval(row)}")
        + "".join(f" {part}" for part in _parts(row) if row["estimate"] is not None and part.startswith("per "))
        for row in rows
    ]
    return [f"ratio of {listed(told, most=6)}"] if told else []


def _parts(row: Row) -> list[str]:
    return (row["note"] or "").split("; ")


def _short(row: Row) -> Row:
    parts = [part for part in _parts(row) if part and not part.startswith(TOLD)]
    return {**row, "note": "; ".join(parts) or None}


def matched(page: Page, view: View, *, axis: str, top: int) -> None:
    """Write the ratios on prompts that both groups have beside the plain ones, where any could be judged."""
    found = {backend: _matched(view, axis=axis, backend=backend)[:top] for backend in view.backends}
    found = {backend: pairs for backend, pairs in found.items() if pairs}
    flat = [pair for pairs in found.values() for pair in pairs]
    if not flat:
        return
    reference = label(flat[0][0].row["reference_group"])
    title = f"Ratios to {reference} on the prompts that both have, {under(view.condition)}"
    page.gap()
    if all(map(_same, flat)):
        page.line(f"{title}: the same as on all", indent=2, hang=2)
    else:
        page.line(title, indent=2, hang=2)
        _prompts(page, view, found)
    notes = [(label(own.group), row) for own, _ in flat for row in [own.ratio] if row is not None]
    footnotes(page, view, notes)


def _matched(view: View, *, axis: str, backend: str) -> list[tuple[Contrast, Contrast | None]]:
    plain, own = (
        contrasts(view, family, axis=axis, backend=backend, condition=view.condition)
        for family in ("reference", "matched")
    )
    by_group = {contrast.group: contrast for contrast in plain}
    return [(c, by_group.get(c.group)) for c in own if c.ratio is not None and c.ratio["low"] is not None]


def _same(pair: tuple[Contrast, Contrast | None]) -> bool:
    own, plain = (
        None if contrast is None or contrast.ratio is None else contrast.ratio["estimate"] for contrast in pair
    )
    return own is not None and plain is not None and math.isclose(own, plain, rel_tol=SAME)


def _prompts(page: Page, view: View, found: Mapping[str, list[tuple[Contrast, Contrast | None]]]) -> None:
    columns = [
        Column(f"group ({view.who('speakers')})", wraps=True, narrowest=10),
        Column("on all", wraps=True, narrowest=14),
        Column("on common prompts", wraps=True, narrowest=14),
        Column("adj. p", align="right", drop=1),
        Column("finding"),
    ]
    flat = [pair for pairs in found.values() for pair in pairs]
    plain = aligned([other.ratio if other is not None else None for _, other in flat], factor, factor_interval)
    common = aligned([own.ratio for own, _ in flat], factor, factor_interval)
    cells = [
        [on_all, own_ratio, *finding(page, view, own)]
        for on_all, own_ratio, (own, _) in zip(plain, common, flat, strict=True)
    ]
    each = iter(cells)
    body: list[list[str | Text] | Subhead] = []
    for backend, pairs in found.items():
        if len(view.backends) > 1:
            body.append(Subhead(f"with {label(backend)}"))
        body += [[f"{label(own.group)} ({speakers(own.row['speakers'])})", *next(each)] for own, _ in pairs]
    page.table(columns, body)
    explain(page, cells)
