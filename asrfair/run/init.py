"""A commented plan to start from, and a card for a corpus of one's own."""

from pathlib import Path

from asrfair.errors import RunFolderError
from asrfair.results import write_text

PLAN = """\
# A plan for: asrfair run plan.toml
# Every key is here; a key that is commented out shows its default. Paths are relative to this file.

# Axes to report, and products of axes. Default: every axis of the corpus card.
# by = ["accent", "gender", "accent*gender"]

# Condition cards by name (asrfair list conditions) or path; NAME=FOLDER where recordings are needed. A ladder, such
# as "snr-pink", is all of its rungs, louder and louder; "snr-pink@10" is one. asrfair listen plays one utterance.
conditions = ["clean", "pink-noise-10db", "telephone"]

# How text is normalised before it is compared: none, basic, whisper-english; more joined by +, such as
# "basic+american-spelling" or "basic+equivalences=our-words.txt" (asrfair list normalizers).
normalizer = "basic"
# sensitivity = ["none", "basic+american-spelling"]   # every disparity again under these

# What conditions and backends are compared with. Defaults: clean if planned, else the first; the first backend.
# baseline_condition = "clean"
# baseline_backend = "pocketsphinx"

# level = 0.95                     # confidence level of intervals
# interval = "skewed-log-t"        # method of the intervals of rates (asrfair list intervals)
# replicates = 2000                # bootstrap samples and permutations
# above = [0.5]                    # WERs that utterances and speakers are counted above
# seed = 0                         # for everything random
# sample_rate = 16000              # working rate in Hz, before conditions
# language = "en"                  # handed to backends; default: the corpus's own
# limit = 20                       # only the first utterances by id, for a quick look, marked everywhere
# sample = 20                      # instead: so many of each group of the axes, spread over speakers, marked everywhere
# failure_limit = 0.05             # share of failed utterances above which the exit code is 3
# allow_imputed = []               # axes with imputed labels that may be used all the same, marked
# independent_utterances = false   # treat utterances of unknown speakers as independent, marked
# confirm = ["axis=accent, measure=ratio, condition=clean"]   # what this run is to decide; all else is exploratory
# family = ["axis", "measure", "backend"]   # exploratory p-values are adjusted among disparities equal in these
# covariates = ["gender", "log_words"]      # disparities adjusted for these, besides
# faas = false                     # the score of ASR-FAIRBENCH too, for comparison with published ones
# include_synthetic = false        # count utterances that the corpus card marks as synthetic, with a notice
# workers = 0                      # processes; 0: one per processor core
# repeat_check = 0                 # transcriptions of each recogniser that are made again, to see whether they repeat
# engine = "ray"                   # on a Ray cluster (extra ray); default: local
# address = "auto"                 # of the cluster; default: one on this machine
# gpus_per_worker = 0.5            # of the cluster
# device = "cuda"                  # conditions by torch on it (extra torch); default: by numpy
# cache = "transcripts"            # a folder, or "none"; default: the user's own (asrfair cache tells which)
# out = "asrfair-run"              # the run folder

[corpus]
card = "my-corpus.toml"            # a card by name (asrfair list corpora) or path
root = "."                         # the corpus's folder, or its table
# split = ""                       # where the card has splits

# The group that the others of an axis are compared with. Default: the card's.
# [reference_groups]
# accent = "US"

# One table per recogniser; its name is how results call it. type: see asrfair list backends.
[backends.pocketsphinx]
# type = "pocketsphinx"            # default: the name
# language_model = "my-domain.arpa"

# [backends.stored]
# type = "replay"
# table = "hypotheses.csv"         # columns utterance_id, hypothesis and, if there are several, condition

# [backends.ours]
# type = "command"
# command = "python transcribe.py" # JSON lines of audio paths in, JSON lines of hypotheses out
"""

CARD = """\
# A card for a corpus of one's own: a table (csv, tsv, jsonl or parquet) with one row per utterance.
title = "My corpus"
# name = "my-corpus"               # in messages and tables; default: this file's name
kind = "read"                      # read, natural, scripted, synthetic or unknown
language = "en"
licence = "in-house"
# synthetic = "synthetic"          # the column that is true of utterances that are no recordings: left out of a run

# Other layouts: asrfair list layouts. Every key of this one: asrfair show layout table.
[layout]
type = "table"
file = "utterances.csv"            # in the corpus's root
# audio_folder = "audio"           # put before audio paths
# null = ["NA"]                    # texts that mean missing

# Ours = theirs. Columns that have our names need no line.
[layout.columns]
utterance_id = "utterance_id"
speaker_id = "speaker_id"
audio = "audio"                    # paths relative to the root; leave out for labels and references only
reference = "reference"
# start_s = "start"                # where an utterance is a part of a longer file, in seconds
# end_s = "end"
# channel = "channel"              # counted from 0

# One table per axis. Who assigned a label is part of the label: self-reported, annotated,
# region of recording, by design, imputed (refused unless allowed), not documented.
[axes.accent]
column = "accent"
assigned_by = "self-reported"
# reference_group = "US"
# levels = { us = "US", american = "US" }   # raw label = level; others stay visible, and are counted
# unknown = ["prefer not to say"]           # raw labels that mean unknown
# taxonomy = "accents"                      # maps what levels does not: "American", "us", "United States English"
# separator = ";"                           # parts several labels in one field (a regular expression)
# several = "joined"                        # of several: joined into a level of its own, the first, or unknown
# instrument = "a questionnaire"            # how and when the labels were taken
# date = "2025"

# [axes.age]
# column = "age"
# assigned_by = "self-reported"
# bands = [30, 50]                          # under 30, 30-49, 50 and over
"""


def write_starters(folder: Path) -> list[Path]:
    """Write ``plan.toml`` and ``my-corpus.toml``; raises RunFolderError rather than write over a file."""
    texts = {folder / "plan.toml": PLAN, folder / "my-corpus.toml": CARD}
    for path in texts:
        if path.exists():
            raise RunFolderError(f"{path}: exists already; expected a folder without it (or --folder)")
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)
