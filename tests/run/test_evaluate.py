"""The main job on a small corpus with real files and a real recogniser program."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jiwer
import polars as pl
import pytest

import asrfair
from asrfair.errors import CardError, InputError, RunFolderError
from asrfair.results import Results
from asrfair.run.analysis import exit_code
from asrfair.run.plan import CorpusPlan, Plan
from asrfair.tables import TABLES


@pytest.fixture
def plan(corpus: Path, recogniser: str, tmp_path: Path) -> Plan:
    return Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": {"type": "command", "command": recogniser}},
        conditions=("clean", "white-noise-10db", "telephone"),
        by=("accent", "gender", "accent*gender"),
        seed=3,
        workers=1,
        out=str(tmp_path / "run"),
    )


def files(folder: str | Path) -> dict[str, bytes]:
    return {f"{name}.parquet": (Path(folder) / f"{name}.parquet").read_bytes() for name in TABLES if name != "timings"}


def test_tables_follow_the_contract_and_agree_with_an_independent_count(plan: Plan) -> None:
    results = asrfair.evaluate(plan)
    for name, schema in TABLES.items():
        table = getattr(results, name)
        assert list(table.columns)[: len(schema)] == list(schema), name
        assert [table.schema[column] for column in schema] == [kind() for kind in schema.values()], name
    assert len(results.hypotheses) == 20 * 3
    texts = results.hypotheses.join(results.utterances, on="utterance_id")
    south = texts.filter((pl.col("accent") == "south") & (pl.col("condition") == "telephone"))
    wer = jiwer.wer(south["reference"].to_list(), south["hypothesis"].to_list())
    rate = results.rates.filter(
        (pl.col("axis") == "accent") & (pl.col("group") == "south") & (pl.col("condition") == "telephone")
    ).row(0, named=True)
    assert rate["wer"] == pytest.approx(wer, rel=1e-12)
    assert (rate["speakers"], rate["utterances"], rate["reference_words"], rate["failures"]) == (5, 10, 40, 0)
    assert rate["low"] < rate["wer"] < rate["high"]
    measures = set(results.disparities["measure"])
    assert {"difference", "ratio", "difference_to_overall", "ratio_to_overall"} <= measures
    assert {"interaction_difference", "interaction_ratio"} <= measures
    assert exit_code(results) == (0, None)


def test_the_folder_is_the_results(plan: Plan) -> None:
    results = asrfair.evaluate(plan)
    loaded = Results.load(Path(plan.out))
    for name in TABLES:
        assert getattr(loaded, name).equals(getattr(results, name)), name
    assert loaded.signature == results.signature
    assert loaded.signature["axes"]["accent"]["assigned_by"] == "self-reported"
    assert loaded.signature["axes"]["accent"]["reference_group"] == "north"


def test_worker_count_and_second_run_change_no_byte(plan: Plan, tmp_path: Path) -> None:
    asrfair.evaluate(plan)
    asrfair.evaluate(replace(plan, workers=2, out=str(tmp_path / "two")))
    assert files(plan.out) == files(tmp_path / "two")
    before = files(plan.out)
    asrfair.evaluate(plan)
    assert files(plan.out) == before


def test_limit_takes_the_first_and_leaves_their_numbers_alone(plan: Plan, tmp_path: Path) -> None:
    plan = replace(plan, conditions=("clean", "babble-10db"))
    whole = asrfair.evaluate(plan)
    part = asrfair.evaluate(replace(plan, limit=7, out=str(tmp_path / "part")))
    first = whole.hypotheses.filter(pl.col("utterance_id") <= "u06")
    assert part.hypotheses.equals(first)
    assert part.signature["limit"] == 7
    assert "limit:7" in part.signature["signature"]


def test_the_baseline_is_clean_where_it_is_planned(plan: Plan, tmp_path: Path) -> None:
    first = asrfair.evaluate(replace(plan, conditions=("telephone", "clean")))
    assert first.signature["baseline_condition"] == "clean"
    other = replace(plan, conditions=("telephone", "white-noise-10db"), out=str(tmp_path / "other"))
    assert asrfair.evaluate(other).signature["baseline_condition"] == "telephone"


def test_a_cards_reference_group_that_is_not_there_is_noted(plan: Plan, corpus: Path) -> None:
    card = corpus / "small.toml"
    card.write_text(card.read_text(encoding="utf-8").replace('"north"', '"nroth"'), encoding="utf-8")
    results = asrfair.evaluate(plan)
    assert "accent: no utterance of the reference group nroth in this corpus" in results.signature["notes"]


def test_signatures_differ_where_numbers_may(plan: Plan, tmp_path: Path) -> None:
    lines = {
        asrfair.evaluate(replace(plan, limit=2, out=str(tmp_path / str(number)), **change)).signature["signature"]
        for number, change in enumerate(
            ({}, {"sample_rate": 8_000}, {"seed": 1}, {"level": 0.9}, {"normalizer": "none"})
        )
    }
    assert len(lines) == 5


def test_a_limit_that_cuts_off_the_reference_group_is_noted(plan: Plan) -> None:
    results = asrfair.evaluate(replace(plan, limit=3, reference_groups={"accent": "south", "gender": "f"}))
    assert "accent: no utterance of the reference group south within the limit" in results.signature["notes"]
    compared = results.disparities.filter(pl.col("measure") == "difference")
    assert compared["axis"].unique().to_list() == ["gender"]


def test_a_different_plan_in_the_same_folder_is_refused(plan: Plan) -> None:
    asrfair.evaluate(plan)
    with pytest.raises(RunFolderError, match=r"plan\.seed: 3 there, 4 here"):
        asrfair.evaluate(replace(plan, seed=4))
    with pytest.raises(RunFolderError, match="conditions"):
        asrfair.evaluate(replace(plan, conditions=("clean",)))


def test_a_broken_batch_is_named_and_redone_once_deleted(plan: Plan) -> None:
    asrfair.evaluate(plan)
    before = files(plan.out)
    shard = shards(Path(plan.out))[1]
    shard.write_bytes(b"no parquet")
    with pytest.raises(RunFolderError, match=r"batch-000001\.parquet: expected a finished batch"):
        asrfair.evaluate(plan)
    other = pl.read_parquet(shards(Path(plan.out))[0])
    for wrong in (other, other.head(2), other.drop("reason")):
        wrong.write_parquet(shard)
        with pytest.raises(RunFolderError, match=r"batch-000001\.parquet: expected a finished batch"):
            asrfair.evaluate(plan)
    shard.unlink()
    asrfair.evaluate(plan)
    assert files(plan.out) == before


def test_a_folder_with_other_files_is_refused(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunFolderError, match="holds other files"):
        asrfair.evaluate(plan)
    assert (tmp_path / "run" / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_what_results_depend_on_is_the_content(plan: Plan, corpus: Path, tmp_path: Path) -> None:
    """Each change of content in place is noticed; another place for the same content is not a change."""
    card = tmp_path / "own-condition.toml"
    effect = '[[effect]]\ntype = "white_noise"\nsnr_db = {}\n'
    card.write_text('summary = "s"\n' + effect.format(10), encoding="utf-8")
    plan = replace(plan, conditions=("clean", str(card)), limit=4)
    before = asrfair.evaluate(plan)
    moved = tmp_path / "moved"
    corpus.rename(moved)
    there = CorpusPlan(card=str(moved / "small.toml"), root=str(moved))
    plan = replace(plan, corpus=there)
    assert asrfair.evaluate(plan).rates.equals(before.rates)
    program = tmp_path / "recogniser.py"
    for path, new, told in (
        (moved / "people.csv", (moved / "people.csv").read_bytes().replace(b"south", b"wales"), "corpus.utterances"),
        (moved / "small.toml", (moved / "small.toml").read_bytes() + b"\n", "corpus.card"),
        (moved / "audio" / "u01.wav", (moved / "audio" / "u02.wav").read_bytes(), "corpus.audio"),
        (card, card.read_bytes().replace(b"10", b"11"), "conditions.own-condition"),
        (program, program.read_bytes() + b"\n", "backends.ours"),
    ):
        old = path.read_bytes()
        path.write_bytes(new)
        with pytest.raises(RunFolderError, match=told):
            asrfair.evaluate(plan)
        path.write_bytes(old)
    assert asrfair.evaluate(plan).rates.equals(before.rates)


LISTENER = """
import json, sys, wave
for line in sys.stdin:
    request = json.loads(line)
    with wave.open(request["audio"]) as file:
        heard = f"{request['language']} {file.getframerate()} {file.getnframes()} {request['condition']}"
    print(json.dumps({"utterance_id": request["utterance_id"], "hypothesis": heard}), flush=True)
"""


def test_a_backend_hears_the_part_the_channel_and_the_rate_it_asked_for(tmp_path: Path, corpus: Path) -> None:
    import numpy as np
    import soundfile

    left = np.zeros(16_000)
    right = np.where(np.arange(16_000) >= 8_000, 0.1, 0.0)
    soundfile.write(corpus / "audio" / "two.wav", np.stack([left, right], axis=1), 16_000)
    (corpus / "people.csv").write_text(
        "utterance_id,speaker_id,audio,reference,accent,gender,age,start_s,end_s,channel\n"
        "a,s1,audio/two.wav,x,north,f,young,0.25,0.75,\n"
        "b,s2,audio/two.wav,x,north,f,young,,0.5,1\n"
        "c,s3,audio/two.wav,x,north,f,young,0.5,,1\n",
        encoding="utf-8",
    )
    (tmp_path / "listener.py").write_text(LISTENER, encoding="utf-8")
    command = {"type": "command", "command": f"{sys.executable} {tmp_path / 'listener.py'}", "sample_rate": 8_000}
    plan = Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={"ours": command},
        conditions=("clean", "white-noise-10db"),
        language="cy",
        sample_rate=32_000,
        workers=1,
        out=str(tmp_path / "run"),
    )
    results = asrfair.evaluate(plan)
    heard = dict(results.hypotheses.filter(pl.col("condition") == "clean").select("utterance_id", "hypothesis").rows())
    assert heard == {"a": "cy 8000 4000 clean", "b": "cy 8000 4000 clean", "c": "cy 8000 4000 clean"}
    # The second channel's first half is silent, and only that part has no SNR.
    silent = results.failures.select("utterance_id", "condition").rows()
    assert silent == [("b", "white-noise-10db")]
    assert results.timings["audio_s"].drop_nulls().unique().to_list() == [0.5]


def test_what_a_recogniser_tells_besides_is_kept(plan: Plan, tmp_path: Path) -> None:
    program = tmp_path / "telling.py"
    program.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    name = json.loads(line)['utterance_id']\n"
        "    words = [{'text': 'one', 'start_s': 0.1, 'end_s': 0.2, 'confidence': 0.5}, {'text': 'two'}]\n"
        "    told = dict(words=words, alternatives=[{'hypothesis': 'one', 'score': -2}], language='sco', seconds=0.5)\n"
        "    print(json.dumps({'utterance_id': name, 'hypothesis': 'one two', **told}), flush=True)\n",
        encoding="utf-8",
    )
    backends = {"telling": {"type": "command", "command": f"{sys.executable} {program}"}}
    results = asrfair.evaluate(replace(plan, backends=backends, conditions=("clean",)))
    assert set(results.hypotheses["language_detected"]) == {"sco"}
    assert set(results.timings["seconds"]) == {0.5}
    first = results.recognised.head(2).select("position", "word", "start_s", "end_s", "confidence").rows()
    assert first == [(1, "one", 0.1, 0.2, 0.5), (2, "two", None, None, None)]
    assert len(results.recognised) == 2 * len(results.hypotheses)
    assert results.alternatives.select("rank", "hypothesis", "score").unique().rows() == [(1, "one", -2.0)]


def test_a_run_from_before_recognisers_told_more_is_read(plan: Plan) -> None:
    results = asrfair.evaluate(replace(plan, conditions=("clean",)))
    folder = Path(plan.out)
    for name in ("recognised", "alternatives"):
        (folder / f"{name}.parquet").unlink()
    results.hypotheses.drop("language_detected").write_parquet(folder / "hypotheses.parquet")
    again = Results.load(folder)
    assert again.hypotheses.equals(results.hypotheses)
    assert again.recognised.is_empty()
    assert again.alternatives.columns == list(TABLES["alternatives"])


def test_paths_in_a_plan_are_relative_to_it(tmp_path: Path, corpus: Path) -> None:
    from asrfair.run.plan import load_plan

    (tmp_path / "echo.py").write_text("", encoding="utf-8")
    (tmp_path / "command").write_text("", encoding="utf-8")
    (tmp_path / "p.toml").write_text(
        'conditions = ["clean", "own.toml", "recorded-noise-10db=noise"]\nout = "r"\n'
        '[corpus]\ncard = "own.toml"\nroot = "."\n'
        '[backends.ours]\ntype = "command"\ncommand = "python echo.py --fast"\n',
        encoding="utf-8",
    )
    plan = load_plan(tmp_path / "p.toml")
    assert plan.conditions == ("clean", f"{tmp_path}/own.toml", f"recorded-noise-10db={tmp_path}/noise")
    assert plan.backends["ours"] == {"type": "command", "command": f"python {tmp_path}/echo.py --fast"}
    assert (plan.corpus.card, plan.out) == (f"{tmp_path}/own.toml", f"{tmp_path}/r")


def test_broken_audio_is_a_failure_with_its_reason(plan: Plan, corpus: Path) -> None:
    (corpus / "audio" / "u03.wav").unlink()
    whole = (corpus / "audio" / "u04.wav").read_bytes()
    (corpus / "audio" / "u04.wav").write_bytes(whole[:6_000])
    (corpus / "audio" / "u05.wav").write_bytes(b"no sound at all")
    results = asrfair.evaluate(plan)
    assert len(results.hypotheses) == 17 * 3
    clean = results.failures.filter(pl.col("condition") == "clean")
    reasons = dict(clean.select("utterance_id", "reason").iter_rows())
    assert set(reasons) == {"u03", "u04", "u05"}
    assert "no such file" in reasons["u03"]
    assert "truncated" in reasons["u04"]
    assert set(clean["stage"]) == {"audio"}
    north = results.rates.filter((pl.col("group") == "north") & (pl.col("condition") == "clean")).row(0, named=True)
    assert (north["failures"], north["utterances"]) == (2, 8)
    code, reason = exit_code(results)
    assert code == 3
    assert reason is not None
    assert "9 of 60 transcriptions failed" in reason


def test_silence_under_noise_fails_by_name_and_is_heard_clean(plan: Plan, corpus: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(corpus / "audio" / "u00.wav", np.zeros(16_000), 16_000)
    results = asrfair.evaluate(plan)
    failed = results.failures.filter(pl.col("utterance_id") == "u00")
    assert failed["condition"].to_list() == ["white-noise-10db"]
    assert failed["stage"].to_list() == ["condition"]
    assert "silent" in failed["reason"][0]


def test_empty_and_missing_references(plan: Plan, corpus: Path) -> None:
    table = corpus / "people.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    columns = lines[1].split(",")
    lines[1] = ",".join([*columns[:3], "", *columns[4:]])
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    results = asrfair.evaluate(plan)
    empty = results.counts.filter((pl.col("utterance_id") == "u00") & (pl.col("condition") == "clean")).row(
        0, named=True
    )
    assert empty["reference_words"] == 0
    assert empty["insertions"] > 0
    assert results.rates.filter(pl.col("group") == "north")["reference_words"].unique().to_list() == [36]


def test_imputed_axis_needs_permission_and_is_marked(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--allow-imputed age"):
        asrfair.evaluate(replace(plan, by=("age",)))
    assert asrfair.evaluate(replace(plan, by=())).signature["axes"].keys() == {"accent", "gender"}
    allowed = replace(plan, by=("age",), allow_imputed=("age",), out=str(tmp_path / "imputed"))
    assert asrfair.evaluate(allowed).signature["axes"]["age"]["imputed"] is True


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"by": ("accnt",)}, InputError, "no axis 'accnt'; expected one of: accent, gender, age"),
        ({"by": ("accent", "accent")}, InputError, "an axis twice"),
        ({"conditions": ("telefone",)}, CardError, "telefone"),
        ({"conditions": ("clean", "clean")}, CardError, "clean"),
        ({"normalizer": "basick"}, InputError, "expected one of: none, basic, whisper-english"),
        ({"level": 95.0}, CardError, "'level': found 95.0"),
        ({"allow_imputed": ("acent",)}, InputError, "the axis 'acent'; expected one of: accent"),
        ({"sample_rate": 10**9}, CardError, "expected 4000 to 192000 Hz"),
        ({"failure_limit": float("nan")}, CardError, "'failure_limit': found nan"),
        ({"family": ("speaker",)}, CardError, "family: found 'speaker'"),
        ({"baseline_condition": "quiet"}, InputError, "baseline_condition"),
        ({"baseline_backend": "theirs"}, InputError, "baseline_backend"),
        ({"backends": {"ours": {"type": "whisperer"}}}, asrfair.errors.BackendError, "no such backend"),
        ({"reference_groups": {"accent": "west"}}, InputError, "west"),
        ({"reference_groups": {"accnt": "west"}}, InputError, "accnt"),
        ({"conditions": ("recorded-noise-10db",)}, CardError, "recorded-noise-10db"),
    ],
)
def test_a_wrong_plan_is_refused_before_any_work(
    plan: Plan, change: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        asrfair.evaluate(replace(plan, **change))
    assert message in str(caught.value)


def test_babble_passes_over_a_talker_who_cannot_be_heard(plan: Plan, corpus: Path, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    for number in (6, 16):
        soundfile.write(corpus / "audio" / f"u{number:02d}.wav", np.zeros(16_000), 16_000)
    (corpus / "audio" / "u07.wav").unlink()
    results = asrfair.evaluate(replace(plan, conditions=("babble-10db",)))
    # Only what is silent or missing itself fails, not those who drew it.
    assert results.failures["utterance_id"].to_list() == ["u06", "u07", "u16"]


def test_the_seed_reaches_the_materials(plan: Plan, tmp_path: Path) -> None:
    plan = replace(plan, conditions=("babble-10db",))
    one, other = (
        asrfair.evaluate(replace(plan, seed=seed, out=str(tmp_path / str(seed)))).hypotheses for seed in (1, 2)
    )
    assert not one["hypothesis"].equals(other["hypothesis"])


def test_the_failure_limit_is_still_allowed(plan: Plan, corpus: Path) -> None:
    (corpus / "audio" / "u03.wav").unlink()
    results = asrfair.evaluate(replace(plan, conditions=("clean",), failure_limit=0.05))
    assert exit_code(results) == (0, None)
    results.signature["failure_limit"] = 0.04  # type: ignore[index]
    assert exit_code(results)[0] == 3


def test_hours_and_the_finished_mark(plan: Plan, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = asrfair.evaluate(plan)
    import soundfile

    seconds = sum(soundfile.info(path).duration for path in (corpus / "audio").glob("*.wav"))
    assert results.signature["corpus"]["hours"] == pytest.approx(seconds / 3600, abs=0.0006)
    # The signature marks a folder as finished, so it is written last.
    written: list[str] = []
    monkeypatch.setattr("asrfair.results.write_table", lambda path, rows: written.append(path.name))
    monkeypatch.setattr("asrfair.results.write_text", lambda path, text: written.append(path.name))
    results.save(Path(plan.out))
    assert written[-1] == "signature.json"
    assert len(written) == len(TABLES) + 1


def test_babble_needs_enough_other_talkers(plan: Plan, corpus: Path) -> None:
    lines = (corpus / "people.csv").read_text(encoding="utf-8").splitlines()
    (corpus / "people.csv").write_text("\n".join([lines[0], lines[1], lines[11]]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="found 1 speakers with audio"):
        asrfair.evaluate(replace(plan, conditions=("babble-10db",)))


def run_command(plan_file: Path) -> list[str]:
    return [sys.executable, "-m", "asrfair", "run", str(plan_file)]


def plan_file(corpus: Path, recogniser: str, folder: Path, out: str) -> Path:
    path = folder / f"{out}.toml"
    path.write_text(
        f'conditions = ["clean", "telephone"]\nworkers = 2\nout = "{out}"\n'
        f'[corpus]\ncard = "{corpus}/small.toml"\nroot = "{corpus}"\n'
        f'[backends.ours]\ntype = "command"\ncommand = "{recogniser}"\n',
        encoding="utf-8",
    )
    return path


def shards(folder: Path) -> list[Path]:
    return sorted((folder / "work").glob("batch-??????.parquet"))


def test_killed_at_any_moment_a_run_goes_on_and_ends_the_same(corpus: Path, recogniser: str, tmp_path: Path) -> None:
    slow = recogniser.removesuffix(" 0") + " 0.1"
    reference = plan_file(corpus, slow, tmp_path, "whole")
    subprocess.run(run_command(reference), check=True, capture_output=True)
    killed = plan_file(corpus, slow, tmp_path, "killed")
    for wanted in (0, 1, 3):
        process = subprocess.Popen(run_command(killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if (tmp_path / "killed" / "identity.json").exists() and len(shards(tmp_path / "killed")) >= wanted:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    kept = {path.name: path.stat().st_mtime_ns for path in shards(tmp_path / "killed")}
    assert len(kept) >= 3
    subprocess.run(run_command(killed), check=True, capture_output=True)
    assert {path.name: path.stat().st_mtime_ns for path in shards(tmp_path / "killed")}.items() >= kept.items()
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_interrupt_ends_with_130_and_what_was_done_is_kept(corpus: Path, recogniser: str, tmp_path: Path) -> None:
    slow = plan_file(corpus, recogniser.removesuffix(" 0") + " 1", tmp_path, "stopped")
    process = subprocess.Popen(
        run_command(slow), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while process.poll() is None and not shards(tmp_path / "stopped"):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    # A batch in flight takes 8 s more: an interrupt does not wait for it.
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 130
    assert "start the same run again" in errors
    assert "Traceback" not in errors
    assert shards(tmp_path / "stopped")
    assert not list(tmp_path.glob("stopped/work/scratch/*")), "recordings were left behind"


def test_orphaned_workers_end(corpus: Path, recogniser: str, tmp_path: Path) -> None:
    slow = plan_file(corpus, recogniser.removesuffix(" 0") + " 0.3", tmp_path, "orphans")
    process = subprocess.Popen(run_command(slow), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not shards(tmp_path / "orphans"):
        time.sleep(0.01)
    mine = children(process.pid)
    assert mine
    process.kill()
    process.wait()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and any(alive(child) for child in mine):
        time.sleep(0.1)
    assert not [child for child in mine if alive(child)]


def children(parent: int) -> list[int]:
    if not Path("/proc/self/task").exists():
        pytest.skip("no /proc here")
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found]


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def test_a_model_folder_beside_the_plan_is_found_by_its_path(tmp_path: Path, corpus: Path) -> None:
    from asrfair.run.identity import _placeless
    from asrfair.run.plan import load_plan

    for name in ("model", "en"):
        (tmp_path / name).mkdir()
    (tmp_path / "p.toml").write_text(
        f'[corpus]\ncard = "{corpus / "small.toml"}"\nroot = "corpus"\n'
        '[backends.b]\ntype = "transformers"\nmodel = "./model"\nlanguage = "en"\n',
        encoding="utf-8",
    )
    options = load_plan(tmp_path / "p.toml").backends["b"]
    assert Path(options["model"]) == tmp_path / "model"
    assert options["language"] == "en"
    assert _placeless(options["model"]) == "model"


def test_batches_of_another_size_are_made_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    from asrfair.backend.command import CommandBackend

    wanted = files(asrfair.evaluate(plan) and plan.out)
    for name in wanted:
        (Path(plan.out) / name).unlink()
    monkeypatch.setattr(CommandBackend, "batch_size", 6, raising=False)
    asrfair.evaluate(plan)
    assert files(plan.out) == wanted
