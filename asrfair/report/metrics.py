"""What else is measured of all speakers together, beside the headline; and the score that others publish."""

from asrfair.report.footnotes import footnotes
from asrfair.report.made_up import APART
from asrfair.report.page import QUIET, Column, Page
from asrfair.report.text import Row, label, listed, percent, percent_interval, under
from asrfair.report.view import View
from asrfair.tables import OVERALL

HEADLINE = "WER: all errors over all words"
NAMES = {
    "word_precision": "precision of words",
    "word_recall": "recall of words",
    "word_f1": "F1 of words",
    "mean_utterance_wer": "mean of utterances' WERs",
    "macro_average_wer": "mean of speakers' WERs",
    "median_speaker_wer": "median of speakers' WERs",
}
SHARES = {"share_of_utterances_above_": "utterances", "share_of_speakers_above_": "speakers"}


def metric_name(metric: str) -> str:
    """Return a metric of table ``metrics`` in words: «mean of utterances' WERs»."""
    for stem, whose in SHARES.items():
        if metric.startswith(stem):
            return f"{whose} with WER above {100 * float(metric.removeprefix(stem)):g} %"
    return NAMES.get(metric, metric.replace("_", " "))


def other_measures(page: Page, view: View) -> None:
    """Write the metrics of all speakers together under the main condition, a column for each recogniser."""
    condition = view.condition
    rows = [row for row in view.rows("metrics", axis=OVERALL, condition=condition) if row["metric"] not in APART]
    if condition is None or not rows:
        return
    found = {(row["metric"], row["backend"]): row for row in rows}
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    names = [view.who(metric_name(metric)) for metric in metrics]
    page.gap()
    page.line(f"Other measures, {under(condition)}, in per cent", indent=2, hang=2)
    columns = {backend: [_rate(view, backend, condition)] for backend in view.backends}
    for backend, cells in columns.items():
        cells += [_told(found.get((metric, backend))) for metric in metrics]
    room = page.width - max(map(len, (HEADLINE, *names))) - 4
    widest = max(len(cell) for backend, cells in columns.items() for cell in (*cells, label(backend)))
    block = max(room // (widest + 2), 1)
    for start in range(0, len(view.backends), block):
        shown = view.backends[start : start + block]
        body = zip((HEADLINE, *names), *(columns[backend] for backend in shown), strict=True)
        page.table(
            [Column("", wraps=True, narrowest=12), *(Column(label(name), wraps=True, narrowest=8) for name in shown)],
            [list(cells) for cells in body],
        )
    page.line(
        view.who(
            "The first row is the headline. Published tables often show the mean of utterances' WERs, in which short "
            "utterances weigh as much as long ones. By group: table metrics."
        ),
        style=QUIET,
        indent=2,
        hang=2,
    )
    footnotes(page, view, [(view.who(metric_name(row["metric"])), row) for row in rows])


def _rate(view: View, backend: str, condition: str) -> str:
    row = view.overall(backend=backend, condition=condition)
    return "-" if row is None else f"{percent(row['wer'])} {percent_interval(row)}"


def _told(row: Row | None) -> str:
    return "-" if row is None or row["estimate"] is None else f"{percent(row['estimate'])} {percent_interval(row)}"


def published_score(page: Page, view: View) -> None:
    """Write the scores of ASR-FAIRBENCH with their warning, if they were asked for."""
    rows = view.rows("disparities", measure="faas", condition=view.condition)
    if not rows:
        return
    scores = [
        f"{label(row['backend'])} {'not defined' if row['estimate'] is None else format(row['estimate'], '.1f')}"
        for row in rows
    ]
    notes = dict.fromkeys(part for row in rows for part in (row["note"] or "").split("; ") if part)
    page.gap()
    page.line(f"FAAS (ASR-FAIRBENCH): {listed(scores, most=20)}; {'; '.join(notes)}", indent=2, hang=2)
