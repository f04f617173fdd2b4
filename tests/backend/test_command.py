"""A program as a recogniser: real programs, good ones and every bad one we could think of."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrfair.backend import command as command_module
from asrfair.backend.base import Alternative, Outcome, Request, Word
from asrfair.backend.command import CommandBackend
from asrfair.errors import BackendError, CardError

HEAD = """
import json, os, sys, time
def out(**answer):
    print(json.dumps(answer), flush=True)
def ask():
    return [json.loads(sys.stdin.readline()) for _ in range(int(sys.argv[1]))]
"""
ECHO = """
for line in sys.stdin:
    request = json.loads(line)
    out(utterance_id=request["utterance_id"], hypothesis=os.path.basename(request["audio"]))
"""
Opener = Callable[..., CommandBackend]


def request(utterance_id: str, *, condition: str = "clean", samples: object = None, rate: int = 16_000) -> Request:
    waveform = np.zeros(160, dtype=np.float32) if samples is None else np.asarray(samples, dtype=np.float32)
    return Request(utterance_id, condition, "en", rate, waveform)


def batch(*utterance_ids: str) -> list[Request]:
    return [request(utterance_id) for utterance_id in utterance_ids]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Opener]:
    """Open a backend on a program; its first argument is a number, by default the size of its batches."""
    opened = []

    def opener(body: str, *, size: int = 2, timeout_s: float = 20.0) -> CommandBackend:
        script = tmp_path / "program.py"
        script.write_text(HEAD + body, encoding="utf-8")
        backend = CommandBackend(command=f"{sys.executable} {script} {size}", timeout_s=timeout_s)
        opened.append(backend)
        return backend

    yield opener
    for backend in opened:
        backend.close()


def test_good_program_gets_the_audio(program: Opener) -> None:
    backend = program("""
import wave
for line in sys.stdin:
    r = json.loads(line)
    with wave.open(r["audio"]) as f:
        said = [f.getnchannels(), f.getsampwidth(), f.getframerate(), f.getnframes(), max(f.readframes(9))]
    out(utterance_id=r["utterance_id"], hypothesis=f"{r['condition']} {r['language']} {r['sample_rate']} {said}")
""")
    ramp = request("a", condition="noisy", samples=np.full(9, 100 / 32768))
    assert backend.transcribe([ramp])[0].hypothesis == "noisy en 16000 [1, 2, 16000, 9, 100]"


def test_one_process_serves_all_batches(program: Opener) -> None:
    backend = program(
        "for line in sys.stdin: out(utterance_id=json.loads(line)['utterance_id'], hypothesis=str(os.getpid()))"
    )
    first = backend.transcribe(batch("a", "b"))
    second = backend.transcribe(batch("c"))
    assert len({outcome.hypothesis for outcome in first + second}) == 1


def test_any_order_within_a_batch(program: Opener) -> None:
    backend = program(
        """
while True:
    for r in reversed(ask()):
        out(utterance_id=r["utterance_id"], hypothesis="said " + r["utterance_id"])
""",
        size=3,
    )
    outcomes = backend.transcribe(batch("a", "b", "c"))
    assert [outcome.hypothesis for outcome in outcomes] == ["said a", "said b", "said c"]


def test_non_ascii_both_ways(program: Opener) -> None:
    backend = program(ECHO.replace('os.path.basename(request["audio"])', 'request["utterance_id"] + " 你好"'))
    assert backend.transcribe(batch("é/ü"))[0].hypothesis == "é/ü 你好"


def test_same_utterance_under_two_conditions(program: Opener) -> None:
    backend = program("""
for line in sys.stdin:
    r = json.loads(line)
    out(utterance_id=r["utterance_id"], hypothesis=r["condition"])
""")
    requests = [request("a", condition="x"), request("b", condition="x"), request("a", condition="y")]
    assert [outcome.hypothesis for outcome in backend.transcribe(requests)] == ["x", "x", "y"]


def test_error_of_one_utterance(program: Opener) -> None:
    backend = program("""
a, b = ask()
out(utterance_id=a["utterance_id"], error="too loud")
out(utterance_id=b["utterance_id"], hypothesis="")
sys.stdin.read()
""")
    assert backend.transcribe(batch("a", "b")) == [Outcome(failure="command: too loud"), Outcome(hypothesis="")]


def test_words_alternatives_language_and_seconds_come_along(program: Opener) -> None:
    (outcome,) = program(
        """
(a,) = ask()
word = {"text": "fine", "start_s": 0.1, "end_s": 0.4, "confidence": 0.9}
out(utterance_id=a["utterance_id"], hypothesis="fine day", words=[word, {"text": "day"}],
    alternatives=[{"hypothesis": "fine day", "score": -1.5}, {"hypothesis": "fine"}], language="en", seconds=0.25)
""",
        size=1,
    ).transcribe(batch("a"))
    assert outcome == Outcome(
        hypothesis="fine day",
        words=(Word("fine", 0.1, 0.4, 0.9), Word("day")),
        alternatives=(Alternative("fine day", -1.5), Alternative("fine")),
        language="en",
        seconds=0.25,
    )


@pytest.mark.parametrize("words", ["[{}]", "['fine']", "[{'text': 'fine', 'starts': 1}]", "5"])
def test_words_of_another_form_are_a_failure(program: Opener, words: str) -> None:
    body = f"(a,) = ask()\nout(utterance_id=a['utterance_id'], hypothesis='fine', words={words})"
    (outcome,) = program(body, size=1).transcribe(batch("a"))
    assert outcome.hypothesis is None
    assert "expected 'words' of text, start_s, end_s and confidence" in str(outcome.failure)


@pytest.mark.parametrize("answer", ["hypothesis=5", "text='x'", "hypothesis='x', error='y'", "hypothesis=None"])
def test_answer_without_a_text_fails_its_utterance(program: Opener, answer: str) -> None:
    backend = program(f"""
a, b = ask()
out(utterance_id="a", {answer})
out(utterance_id="b", hypothesis="fine")
sys.stdin.read()
""")
    bad, good = backend.transcribe(batch("a", "b"))
    assert bad.failure is not None
    assert bad.failure.endswith("expected text 'hypothesis' or text 'error'")
    assert good.hypothesis == "fine"


def test_program_that_dies_is_started_again(program: Opener) -> None:
    backend = program("""
a, b = ask()
out(utterance_id=a["utterance_id"], hypothesis="before")
print("log\\nout of memory\\n", file=sys.stderr)
sys.exit(7)
""")
    for names in (("a", "b"), ("c", "d")):
        first, second = backend.transcribe(batch(*names))
        assert first.hypothesis == "before"
        assert second.failure == "command: the program ended with exit code 7, last saying: out of memory"


def test_program_that_is_killed(program: Opener) -> None:
    backend = program("ask(); os.kill(os.getpid(), 9)")
    assert backend.transcribe(batch("a", "b"))[1].failure == (
        "command: the program was ended by signal 9, saying nothing"
    )


def test_program_that_closes_its_output_but_stays(program: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asrfair.backend.child.GRACE_S", 0.2)
    backend = program("ask(); os.close(1); time.sleep(60)")
    failure = backend.transcribe(batch("a", "b"))[0].failure
    assert failure == "command: the program closed its output, saying nothing"


def test_line_that_is_not_json(program: Opener) -> None:
    backend = program("""
while True:
    a, b = ask()
    print("oops {", flush=True)
    out(utterance_id=b["utterance_id"], hypothesis="fine")
""")
    first, second = backend.transcribe(batch("a", "b"))
    assert first.failure == "command: found the line 'oops {'; expected a JSON object"
    assert second.hypothesis == "fine"
    assert backend.transcribe(batch("c", "d"))[1].hypothesis == "fine"


def test_long_bad_line_is_cut(program: Opener) -> None:
    failure = (
        program("ask(); print('x' * 5000, flush=True); sys.stdin.read()", size=1).transcribe(batch("a"))[0].failure
    )
    assert failure is not None
    assert "xxx…'" in failure
    assert len(failure) < 220


def test_late_answer_is_not_taken_for_the_next_batch(program: Opener) -> None:
    """A log line on standard output loses one answer, and that one must not surface under the next condition."""
    backend = program("""
print("loading", flush=True)
for line in sys.stdin:
    r = json.loads(line)
    out(utterance_id=r["utterance_id"], hypothesis=r["condition"])
""")
    first = backend.transcribe([request("a", condition="x"), request("b", condition="x")])
    second = backend.transcribe([request("b", condition="y"), request("a", condition="y")])
    assert [outcome.hypothesis for outcome in first] == ["x", None]
    assert [outcome.hypothesis for outcome in second] == ["y", None]
    assert first[1].failure == "command: found the line 'loading'; expected a JSON object"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('out(utterance_id="other.wav", hypothesis="x")', "found an answer for 'other.wav', which was not asked"),
        ('out(utterance_id="b", hypothesis="x")', "found a second answer for 'b'"),
        ('out(hypothesis="x")', "expected a JSON object with text 'utterance_id'"),
        ('print("[1, 2]", flush=True)', "expected a JSON object with text 'utterance_id'"),
    ],
)
def test_answer_for_nobody(program: Opener, body: str, reason: str) -> None:
    backend = program(f'ask()\nout(utterance_id="b", hypothesis="fine")\n{body}\nsys.stdin.read()')
    first, second = backend.transcribe(batch("a", "b"))
    assert reason in str(first.failure)
    assert second.hypothesis == "fine"


def test_slow_program_that_has_answered_before(program: Opener) -> None:
    backend = program(
        """
a, b = ask()
out(utterance_id=a["utterance_id"], hypothesis="quick")
time.sleep(60)
""",
        timeout_s=1.0,
    )
    started = time.monotonic()
    first, second = backend.transcribe(batch("a", "b"))
    assert first.hypothesis == "quick"
    assert second.failure == "command: no answer within 1 s (does it flush its output after each line?)"
    assert backend.transcribe(batch("c", "d"))[0].hypothesis == "quick"
    assert time.monotonic() - started < 20


def test_program_that_answers_at_the_end_of_its_input_is_given_up(program: Opener) -> None:
    backend = program(
        "for r in sys.stdin.readlines(): out(utterance_id=json.loads(r)['utterance_id'], hypothesis='x')", timeout_s=1.0
    )
    with pytest.raises(BackendError, match=r"no answer within 1 s \(does it flush its output after each line\?\)"):
        backend.transcribe(batch("a", "b"))


def test_chatter_on_standard_error_blocks_nothing(program: Opener) -> None:
    backend = program("""
for line in sys.stdin:
    sys.stderr.write("chatter " * 100_000)
    out(utterance_id=json.loads(line)["utterance_id"], hypothesis="x")
""")
    assert [outcome.hypothesis for outcome in backend.transcribe(batch("a", "b"))] == ["x", "x"]


def test_batch_larger_than_a_pipe_holds(program: Opener) -> None:
    """Answers of a program that does not read ahead must be taken while requests are still being written."""
    backend = program("for line in sys.stdin: out(utterance_id=json.loads(line)['utterance_id'], hypothesis='y' * 300)")
    names = [f"{index:03d}" + "n" * 400 for index in range(400)]
    assert [outcome.hypothesis for outcome in backend.transcribe(batch(*names))] == ["y" * 300] * 400


def test_program_that_never_reads(program: Opener) -> None:
    backend = program("time.sleep(60)", timeout_s=1.0)
    names = [f"{index:03d}" + "n" * 1000 for index in range(200)]
    with pytest.raises(BackendError, match="no answer"):
        backend.transcribe(batch(*names))


def test_audio_is_deleted(program: Opener) -> None:
    backend = program(ECHO.replace('os.path.basename(request["audio"])', "request['audio']"))
    paths = [Path(str(outcome.hypothesis)) for outcome in backend.transcribe(batch("a", "b"))]
    assert len(set(paths)) == 2
    assert not any(path.exists() or path.parent.exists() for path in paths)


def test_unusable_requests_fail_and_the_rest_goes_on(program: Opener) -> None:
    backend = program(ECHO)
    outcomes = backend.transcribe(
        [
            Request("a", "clean", "en", 16_000),
            request("b", rate=8_000),
            request("c", samples=[0.0, np.nan]),
            request("d"),
        ]
    )
    assert "found no audio" in str(outcomes[0].failure)
    assert outcomes[1].failure == "command: found audio at 8000 Hz; expected 16000 Hz"
    assert "not finite" in str(outcomes[2].failure)
    assert outcomes[3].hypothesis == "000003.wav"


def test_no_requests(program: Opener) -> None:
    assert program("sys.exit(1)").transcribe([]) == []


def test_close_ends_a_deaf_program_and_what_it_started(
    program: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_module, "GRACE_S", 0.3)
    backend = program(
        """
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
a, = ask()
out(utterance_id="a", hypothesis=f"{os.getpid()} {child.pid}")
time.sleep(60)
""",
        size=1,
    )
    pids = str(backend.transcribe(batch("a"))[0].hypothesis).split()
    started = time.monotonic()
    backend.close()
    assert time.monotonic() - started < 10
    for _ in range(100):
        if not any(is_running(pid) for pid in pids):
            break
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in pids)
    backend.close()


def is_running(pid: str) -> bool:
    """Tell whether a process exists and is more than a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_close_lets_a_program_finish(program: Opener, tmp_path: Path) -> None:
    backend = program(ECHO + f"open({str(tmp_path / 'done')!r}, 'w').close()\n")
    backend.transcribe(batch("a"))
    backend.close()
    assert (tmp_path / "done").exists()


def test_close_asks_before_it_kills(program: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_module, "GRACE_S", 1.0)
    backend = program(
        f"""
import signal
def leave(*_):
    open({str(tmp_path / "asked")!r}, "w").close()
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
ask()
out(utterance_id="a", hypothesis="x")
while True:
    time.sleep(60)
""",
        size=1,
    )
    backend.transcribe(batch("a"))
    backend.close()
    assert (tmp_path / "asked").exists()


def test_no_such_program() -> None:
    with pytest.raises(BackendError, match="command: no-such-program-here: no such program"):
        CommandBackend(command="no-such-program-here --x")


def test_program_that_cannot_be_executed(tmp_path: Path) -> None:
    script = tmp_path / "broken"
    script.write_bytes(b"\x7fELF not really")
    script.chmod(0o755)
    with pytest.raises(BackendError, match=r"broken cannot be started: "):
        CommandBackend(command=str(script)).transcribe(batch("a"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": "  "}, "empty command line"),
        ({"command": "echo 'x"}, "No closing quotation"),
        ({"command": "echo", "timeout_s": 0.0}, "timeout_s 0"),
        ({"command": "echo", "sample_rate": 0}, "sample_rate 0"),
    ],
)
def test_unusable_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(CardError, match=message):
        CommandBackend(**options)


def test_identity_follows_the_script(program: Opener, tmp_path: Path) -> None:
    backend = program(ECHO)
    before = backend.identity()
    assert before["command"].endswith("program.py 2")
    assert before == backend.identity()
    (tmp_path / "program.py").write_text("changed", encoding="utf-8")
    changed = {key for key, value in backend.identity().items() if before[key] != value}
    assert changed == {"digest of program.py"}


def test_soundfile_reads_what_is_sent(program: Opener, tmp_path: Path) -> None:
    """The other tool's reading of the WAV, beside the standard library's."""
    copy = tmp_path / "copy.wav"
    backend = program(ECHO.replace("out(", f"__import__('shutil').copy(request['audio'], {str(copy)!r}); out("))
    samples = np.random.default_rng(3).integers(-20_000, 20_000, 500) / 32768
    backend.transcribe([request("a", samples=samples)])
    read, rate = soundfile.read(copy, dtype="float64")
    assert rate == 16_000
    assert np.array_equal(read, samples)
