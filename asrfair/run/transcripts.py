"""Transcript tables from elsewhere: which columns mean what, read into one row per utterance and system."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from asrfair.corpus import ASSIGNED_BY, ascending, cut_bands, unmapped
from asrfair.corpus.synthetic import flags
from asrfair.errors import InputError, expected
from asrfair.reading import read_table
from asrfair.run.analysis import check_axes
from asrfair.run.covariates import carried, numbers_or_labels
from asrfair.run.ctm import ENDING, read_time_marks
from asrfair.run.measuring import Measuring, check_measuring
from asrfair.run.synthetic import FLAG
from asrfair.scoring import find_normalizer
from asrfair.tables import INTERSECTION, RESERVED, UTTERANCES, conform, require_columns

INTERNAL = ("_table", "_backend", "_key", "_synthetic")
GIVEN = ("reference_words", "substitutions", "deletions", "insertions")


@dataclass(frozen=True)
class ScorePlan(Measuring):
    """What to score: tables and the names of their columns; how it is measured is in `Measuring`.

    ``tables`` are paths or BACKEND=PATH; ``.ctm`` files are cut by the STM file ``segments``. ``words`` set means that
    the tables hold counts instead of texts. ``labels`` is a second table joined by ``key`` (in the tables) and
    ``key_label`` (in the labels), with ``key_stem`` without their file endings. ``null`` lists texts that mean missing;
    ``unquoted`` reads quotation marks as text; ``blank`` says whether a blank hypothesis is an empty transcript or a
    failure. ``bands`` cuts a label column of numbers, as the bands of a corpus card do: ``{"age": (30, 40)}`` gives
    "under 30", "30-39" and "40 and over". ``title``, ``licence`` and ``citation`` are what reports say of the corpus.

    ``synthetic`` is the column that says of each utterance whether it is synthetic (default: `FLAG`, where a table has
    it); such utterances are left out unless ``include_synthetic``. ``card`` is the corpus's card
    (`asrfair.run.carded`): it makes levels of labels, and says what the plan itself does not of title, licence,
    citation, reference groups, who assigned an axis and the synthetic column.
    """

    tables: tuple[str, ...]
    id: str = "utterance_id"
    speaker: str = ""
    reference: str = "reference"
    hypothesis: str = "hypothesis"
    condition: str = ""
    backend: str = ""
    words: str = ""
    substitutions: str = "substitutions"
    deletions: str = "deletions"
    insertions: str = "insertions"
    segments: str = ""
    labels: str = ""
    key: str = ""
    key_label: str = ""
    key_stem: bool = False
    null: tuple[str, ...] = ()
    unquoted: bool = False
    blank: str = "empty"
    assigned_by: dict[str, str] = field(default_factory=dict)
    bands: dict[str, tuple[float, ...]] = field(default_factory=dict)
    title: str = ""
    licence: str = ""
    citation: str = ""
    synthetic: str = ""
    include_synthetic: bool = False
    card: str = ""

    def __post_init__(self) -> None:
        check_measuring(self)
        if self.segments and not any(text.lower().endswith(ENDING) for text in self.tables):
            raise InputError("--segments: found no table of time-marked words (.ctm); expected one to cut by them")
        if (self.key or self.key_label or self.key_stem) and not self.labels:
            raise InputError("--key: found no --labels; expected a table of labels to join by it")
        if self.blank not in ("empty", "failure"):
            raise InputError(expected("--blank", f"'{self.blank}'", ["empty", "failure"]))
        for axis, who in self.assigned_by.items():
            if who not in ASSIGNED_BY:
                raise InputError(expected(f"--assigned-by {axis}", f"'{who}'", ASSIGNED_BY))
        for axis, edges in self.bands.items():
            if axis not in self.parts:
                raise InputError(expected("--bands", f"the axis '{axis}'", self.parts))
            if not edges or not ascending(edges):
                shown = ",".join(f"{edge:g}" for edge in edges) or "nothing"
                raise InputError(f"--bands {axis}: found {shown}; expected ascending numbers, such as 18,30,45")

    @property
    def parts(self) -> tuple[str, ...]:
        """The label columns: axes, and the parts of products like ``accent*gender``."""
        return tuple(dict.fromkeys(part for axis in self.by for part in axis.split(INTERSECTION)))


def inputs(plan: ScorePlan) -> list[Path]:
    """Return the files that the plan reads."""
    paths = [_backend_and_path(text)[1] for text in plan.tables]
    return [*paths, *(Path(text) for text in (plan.segments, plan.labels) if text)]


def _backend_and_path(text: str) -> tuple[str, Path]:
    name, sign, path = text.partition("=")
    # A path may itself hold «=»; a file that exists under the whole text is that file.
    return ("", Path(text)) if not sign or Path(text).is_file() else (name, Path(path))


def read_tables(plan: ScorePlan) -> tuple[pl.DataFrame, list[str]]:
    """Read and stack the tables; the column ``_table`` says which file a row came from. Return notes, too."""
    frames, notes = [], list[str]()
    for text in plan.tables:
        backend, path = _backend_and_path(text)
        if path.suffix.lower() == ENDING:
            rows = read_time_marks(path, plan.segments, notes, keep=find_normalizer(plan.normalizer).alternations)
        else:
            rows = read_table(path, null_texts=plan.null, quoted=not plan.unquoted)
        for name in INTERNAL:
            if name in rows.columns:
                raise InputError(f"{path}: found a column '{name}'; expected another name for it")
        if backend:
            if plan.backend:
                raise InputError(f"{text}: found both BACKEND=FILE and --backend {plan.backend}; expected one of them")
            rows = rows.with_columns(_backend=pl.lit(backend))
        frames.append(rows.with_columns(_table=pl.lit(str(path))))
    _check_same_columns(frames, plan)
    try:
        return pl.concat(frames, how="diagonal_relaxed"), list(dict.fromkeys(notes))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{', '.join(plan.tables)}: the tables do not fit together: {error}") from error


def _check_same_columns(frames: Sequence[pl.DataFrame], plan: ScorePlan) -> None:
    """Raise InputError where one table lacks a column that the plan names and another table has."""
    texts = (plan.words, plan.substitutions, plan.deletions, plan.insertions) if plan.words else (plan.hypothesis,)
    others = (plan.reference, plan.speaker, plan.condition, plan.backend, plan.key, plan.synthetic)
    for name in filter(None, (plan.id, *texts, *others, *plan.parts)):
        if any(name in rows.columns for rows in frames):
            for rows in frames:
                require_columns(
                    rows.drop(INTERNAL, strict=False), [name], where=rows["_table"][0] if len(rows) else name
                )


def join_labels(rows: pl.DataFrame, plan: ScorePlan) -> tuple[pl.DataFrame, list[str]]:
    """Add the columns of the labels table; return the rows and notes on what found no partner.

    Raises InputError for a key that occurs twice, and where no row finds its labels.
    """
    if not plan.labels:
        return rows, []
    labels = read_table(Path(plan.labels), null_texts=plan.null, quoted=not plan.unquoted)
    key, key_label = plan.key or plan.id, plan.key_label or plan.key or plan.id
    require_columns(rows, [key], where=plan.tables[0])
    require_columns(labels, [key_label], where=plan.labels)
    labels = labels.with_columns(_key=_key(key_label, plan))
    twice = labels.filter(pl.col("_key").is_duplicated())
    if len(twice):
        raise InputError(f"{plan.labels}: found the key '{twice['_key'][0]}' more than once; expected each once")
    rows = rows.with_columns(_key=_key(key, plan))
    unlabelled = rows.join(labels, on="_key", how="anti")
    if len(unlabelled) == len(rows):
        raise InputError(
            f"{plan.labels}: found no labels for any row, such as '{rows[key][0]}'; expected keys like "
            f"'{labels[key_label][0]}' (file endings that differ are ignored with --key-stem)"
        )
    silent = labels.join(rows, on="_key", how="anti")
    notes = [
        f"{len(found)} {what} (first: {found['_key'][0]})"
        for found, what in (
            (unlabelled, "transcripts have no row in the labels table and stay unlabelled"),
            (silent, "rows of the labels table have no transcript and are not counted"),
        )
        if len(found)
    ]
    shared = [name for name in labels.columns if name in rows.columns and name != "_key"]
    doubled = [name for name in shared if name not in (key, key_label)]
    if doubled:
        notes.append(f"in both tables, taken from the transcripts: {', '.join(doubled)}")
    return rows.join(labels.drop(shared), on="_key", how="left", maintain_order="left"), notes


def _key(column: str, plan: ScorePlan) -> pl.Expr:
    key = _label(column)
    return key.str.replace(r"\.[^./]*$", "") if plan.key_stem else key


def standardise(rows: pl.DataFrame, plan: ScorePlan) -> pl.DataFrame:
    """Return the rows under the contract's column names, with one row per utterance, condition and backend.

    The column ``_synthetic`` says which are no recordings.
    """
    where = ", ".join(str(path) for path in inputs(plan))
    texts = [] if plan.words else [plan.reference, plan.hypothesis]
    counts = [plan.words, plan.substitutions, plan.deletions, plan.insertions] if plan.words else []
    given = [name for name in (plan.speaker, plan.condition, plan.backend) if name]
    visible = rows.select(name for name in rows.columns if name not in INTERNAL)
    require_columns(visible, [plan.id, *texts, *counts, *given, *_covariates(plan, visible.columns)], where=where)
    require_columns(visible, [part for part in plan.parts if part in visible.columns], where=where)
    check_axes(plan.by, visible.columns, where=where)
    for name in _covariates(plan, visible.columns):
        if name in RESERVED:
            raise InputError(f"{where}: found the covariate '{name}'; expected another name, the tables use this one")
    backend = pl.col("_backend").fill_null("system") if "_backend" in rows.columns else pl.lit("system")
    backend = _label(plan.backend) if plan.backend else backend
    columns = {
        # Where ids are the keys, systems may name the same utterance with different file endings, too.
        "utterance_id": _key(plan.id, plan) if (plan.key or plan.id) == plan.id else _label(plan.id),
        "speaker_id": _label(plan.speaker) if plan.speaker else pl.lit(None, dtype=pl.String),
        "condition": _label(plan.condition) if plan.condition else pl.lit("as recorded"),
        "backend": backend,
        **({"reference": pl.col(plan.reference), "hypothesis": pl.col(plan.hypothesis)} if texts else {}),
        **{name: pl.col(column) for name, column in zip(GIVEN, counts, strict=False)},
    }
    standard = rows.select(
        *(column.alias(name) for name, column in columns.items()),
        *(_label(part).alias(part) for part in (*plan.parts, *_covariates(plan, visible.columns))),
    )
    standard = standard.with_columns(_synthetic=flags(visible, _flag(plan, visible.columns), where=where))
    if standard.is_empty():
        raise InputError(f"{where}: found no rows; expected at least one")
    for name in ("utterance_id", "condition", "backend"):
        if standard[name].null_count():
            raise InputError(f"{where}: found {standard[name].null_count()} rows without {name}; expected none")
    twice = standard.filter(pl.struct("utterance_id", "condition", "backend").is_duplicated())
    if len(twice):
        raise InputError(
            f"{where}: found '{twice['utterance_id'][0]}' more than once for one condition and backend; expected "
            "each once (several systems: --backend COLUMN, or NAME=FILE for each)"
        )
    return standard


def _flag(plan: ScorePlan, columns: Sequence[str]) -> str:
    """The column that marks what is synthetic, "" if there is none."""
    return plan.synthetic or (FLAG if FLAG in columns else "")


def _covariates(plan: ScorePlan, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that covariates need, without axes."""
    return tuple(name for name in carried(plan.covariates, columns) if name not in plan.parts)


def _label(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def with_bands(rows: pl.DataFrame, plan: ScorePlan) -> tuple[pl.DataFrame, list[str]]:
    """Cut the label columns that the plan names into bands; return the rows and notes on labels that are no number.

    ``rows`` are as from `standardise`. A label that is no number stays a group of its own, as a label that a
    corpus card does not map.
    """
    notes = []
    for axis, edges in plan.bands.items():
        levels = cut_bands(rows[axis], edges)
        others = unmapped(rows.unique("utterance_id")[axis], list(levels))
        if others:
            some = ", ".join(f"'{label}' ({count})" for label, count in list(others.items())[:5])
            notes.append(f"{axis}: {sum(others.values())} utterances have labels that are no number: {some}")
        rows = rows.with_columns(pl.col(axis).replace(levels))
    return rows, notes


def distinct_utterances(rows: pl.DataFrame, plan: ScorePlan) -> pl.DataFrame:
    """Return one row per utterance; raises InputError where its label, speaker or reference differs by row."""
    covariates = _covariates(plan, rows.columns)
    constant = ["speaker_id", *([] if plan.words else ["reference"]), *plan.parts, *covariates]
    distinct = rows.select("utterance_id", *constant).unique(maintain_order=True)
    twice = distinct.filter(pl.col("utterance_id").is_duplicated())
    if len(twice):
        one = twice.filter(pl.col("utterance_id") == twice["utterance_id"][0])
        differing = [name for name in constant if one[name].n_unique() > 1]
        raise InputError(
            f"utterance '{one['utterance_id'][0]}': found different values of {', '.join(differing)}; expected one "
            "speaker, reference and label per utterance"
        )
    values = [numbers_or_labels(distinct[name], where=plan.labels or plan.tables[0]) for name in covariates]
    return conform(distinct, UTTERANCES, axes=plan.parts).with_columns(values).sort("utterance_id")
