"""A service card as a model card of the Hugging Face Hub: one per recogniser, with a slice for every judged group.

Each slice is a result of the ``model-index``: the group is the data set's configuration, the condition its split; the
value is the WER in per cent, as the Hub shows it, and the interval, the speakers and words are the metric's arguments
and, in short, its name. What could not be judged is no result; the text of the card names it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.errors import InputError
from asrfair.report.card.markers import without_markers
from asrfair.report.card.tables import first_of_each
from asrfair.report.text import Row, corpus_title, counted, label, percent_interval
from asrfair.tables import OVERALL

TASK = "automatic-speech-recognition"
MOST = 500
"""How many slices a model card holds; the groups with the highest rates come first."""
Card = Mapping[str, Any]


def hub_cards(card: Card, markdown: str) -> dict[str, str]:
    """Return a README by folder name, one for each recogniser; ``markdown`` is the card's text.

    Raises InputError where huggingface_hub is not installed, or nothing could be judged.
    """
    try:
        from huggingface_hub import ModelCard, ModelCardData
    except ImportError as error:
        raise InputError(
            "card: found no package huggingface_hub; expected it for --format hub: pip install 'asrfair[hub]'"
        ) from error
    made: dict[str, str] = {}
    for name in card["what_was_measured"]["backends"]:
        results = _results(card, name)
        if not results:
            raise InputError(
                f"card: found nothing judged of {label(name)}; expected a WER with an interval for the Hub"
            )
        data = ModelCardData(
            model_name=label(name),
            eval_results=results,
            language=card["what_was_measured"]["languages"] or None,
            metrics=["wer"],
            pipeline_tag=TASK,
            tags=[TASK, "asrfair"],
        )
        folder = _folder(name, made)
        text = without_markers(markdown.removeprefix("\ufeff")).replace("\r\n", "\n")
        made[folder] = str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}"))
    return made


def _folder(name: str, taken: Mapping[str, str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60] or "recogniser"
    folder, number = plain, 2
    while folder in taken:
        folder, number = f"{plain}-{number}", number + 1
    return folder


def _results(card: Card, name: str) -> list[Any]:
    rows = [row for row in _rows(card) if row["backend"] == name and None not in (row["wer"], row["low"], row["high"])]
    everybody = [row for row in rows if row["axis"] == OVERALL]
    groups = [row for row in rows if row["axis"] != OVERALL]
    cells = len({(row["axis"], row["condition"]) for row in groups}) or 1
    each = max((MOST - len(everybody)) // cells, 1)
    return [_result(card, row) for row in [*everybody, *first_of_each(groups, ("axis", "condition"), most=each)]]


def _rows(card: Card) -> Sequence[Row]:
    everybody = [
        {"axis": OVERALL, "group": OVERALL, "assigned_by": None, "imputed": False, **row} for row in card["overall"]
    ]
    return [*everybody, *card["groups"]]


def _result(card: Card, row: Row) -> Any:
    from huggingface_hub import EvalResult

    measured = card["what_was_measured"]
    corpus, normalizer = measured["corpus"], measured["normalizer"] or {}
    return EvalResult(
        task_type=TASK,
        task_name="Automatic Speech Recognition",
        dataset_type=label(str(corpus.get("card") or "own")),
        dataset_name=label(corpus_title(corpus, unknown="own recordings")),
        dataset_config=_slice(row),
        dataset_split=label(row["condition"]),
        dataset_revision=corpus.get("digest"),
        metric_type="wer",
        metric_value=round(100 * row["wer"], 2),
        metric_name=_name(card, row),
        metric_args={
            "unit": "%",
            "level": measured["level"],
            "low": round(100 * row["low"], 2),
            "high": round(100 * row["high"], 2),
            "speakers": row["speakers"],
            "utterances": row["utterances"],
            "reference_words": row["reference_words"],
            "method": measured["method"],
            "normalizer": normalizer.get("label"),
            "assigned_by": row["assigned_by"],
            "imputed_labels": row["imputed"],
            "synthetic_voices": not measured["about_people"],
        },
    )


def _slice(row: Row) -> str:
    return OVERALL if row["axis"] == OVERALL else f"{label(row['axis'])}={label(row['group'])}"


def _name(card: Card, row: Row) -> str:
    measured = card["what_was_measured"]
    level = f"{100 * float(measured['level'] or 0.95):g} %"
    noun = "speaker" if measured["about_people"] else "synthetic voice"
    imputed = ", imputed labels" if row["imputed"] else ""
    sizes = f"{counted(row['speakers'], noun)}, {counted(row['reference_words'], 'word')}"
    where = f"{_slice(row)}{imputed}, {label(row['condition'])}"
    return f"WER ({where}), {level} interval {percent_interval(row)}, {sizes}"
