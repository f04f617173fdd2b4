"""A small run with audio, hostile labels and hostile transcripts, its page, and a real browser that opens it."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HOSTILE = "<img src=x onerror=document.title='hacked'>"
OTHER = "<b onclick=alert(1)>theirs</b>"
ARABIC = "الخليج"
DURATION_S = 1.5
CARD = """
title = "Small <b>corpus</b>"
kind = "scripted"
language = "en"
licence = "made by the tests"
[layout]
type = "table"
file = "people.csv"
[axes.accent]
column = "accent"
assigned_by = "self-reported"
reference_group = "north"
[axes.gender]
column = "gender"
assigned_by = "self-reported"
"""
LADDER = """
summary = "White noise, louder and louder"
source = "the test"
[ladder]
parameter = "white_noise.snr_db"
values = [20, 10, 0]
[[effect]]
type = "white_noise"
"""
# Mishears more words the more noise it gets in the pause before the speech, one speaker more than the next.
PROGRAM = f"""
import hashlib, json, sys, wave
import numpy as np
said = dict(line.rstrip("\\n").split("\\t") for line in open(sys.argv[1], encoding="utf-8"))
for line in sys.stdin:
    request = json.loads(line)
    name = request["utterance_id"]
    with wave.open(request["audio"]) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    share = float(sys.argv[2]) * (0.1 + int(name[1:]) % 12 / 40 + np.sqrt((samples[:800] ** 2).mean()) / 4000)
    heard = []
    for place, word in enumerate(said[name].split()):
        draw = hashlib.sha256(f"{{name}} {{place}}".encode()).digest()[0] / 256
        heard += [{HOSTILE!r}] if draw < share / 3 else [] if draw < share / 1.5 else [word]
    print(json.dumps({{"utterance_id": name, "hypothesis": " ".join(heard)}}), flush=True)
"""
# What a page did that it should not: kept from before its first script runs.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event =>
    window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


@pytest.fixture(scope="session")
def looks() -> ModuleType:
    """The module of scripts and looks into the accessibility tree, loaded from beside the tests."""
    spec = importlib.util.spec_from_file_location("browser_looks", Path(__file__).with_name("looks.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 36 utterances by 12 speakers of three groups, two with names to beware of."""
    root = tmp_path_factory.mktemp("browser") / "corpus"
    (root / "audio").mkdir(parents=True)
    (root / "small.toml").write_text(CARD, encoding="utf-8")
    (root / "steps.toml").write_text(LADDER, encoding="utf-8")
    random = np.random.default_rng(7)
    rows, said = ["utterance_id,speaker_id,audio,reference,accent,gender"], []
    for number in range(36):
        speaker = number % 12
        group = ("north", f'"{HOSTILE}"', ARABIC)[speaker % 3]
        seconds = np.arange(round(DURATION_S * 16_000)) / 16_000
        # A pause, in which noise can be told from speech, then tones like syllables.
        loud = (seconds > 0.1) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * seconds))
        tone = loud * np.sin(2 * np.pi * (150 + 10 * speaker) * seconds) * 0.2
        soundfile.write(root / "audio" / f"u{number:02d}.wav", tone + random.normal(size=len(tone)) * 1e-4, 16_000)
        words = [*random.choice(["zero", "one", "two", "three", "سلام"], 5), "e\u0301te\u0301", HOSTILE.split(" ")[0]]
        rows.append(
            f'u{number:02d},s{speaker},audio/u{number:02d}.wav,"{" ".join(words)}",{group},{"fm"[speaker // 3 % 2]}'
        )
        said.append(f"u{number:02d}\t{' '.join(words)}")
    (root / "people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (root / "said.tsv").write_text("\n".join(said) + "\n", encoding="utf-8")
    (root / "recogniser.py").write_text(PROGRAM, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def run_folder(corpus: Path) -> Path:
    """The corpus through two recognisers under clean, noise in three steps and a telephone."""
    import asrfair
    from asrfair.run.plan import CorpusPlan, Plan

    program = f"{sys.executable} {corpus / 'recogniser.py'} {corpus / 'said.tsv'}"
    out = corpus.parent / "run"
    plan = Plan(
        corpus=CorpusPlan(card=str(corpus / "small.toml"), root=str(corpus)),
        backends={
            name: {"type": "command", "command": f"{program} {errs}"} for name, errs in (("ours", 1), (OTHER, 1.5))
        },
        conditions=("clean", str(corpus / "steps.toml"), "telephone"),
        by=("accent", "gender"),
        # Leaves the hostile words as they are.
        normalizer="none",
        replicates=200,
        seed=3,
        workers=1,
        out=str(out),
    )
    asrfair.evaluate(plan)
    return out


@pytest.fixture(scope="session")
def report(run_folder: Path) -> Path:
    """The run's page, with clips of three utterances."""
    for name in ("altair", "jinja2", "itables"):
        pytest.importorskip(name, reason="the page needs the extra html")
    from asrfair.run.page import write_page

    return write_page(run_folder, run_folder.parent / "report.html", audio=3)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window, without a network."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: a browser cannot be driven")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    options = ("--no-sandbox", "--mute-audio", "--autoplay-policy=no-user-gesture-required")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=list(options))
        yield opened
        opened.close()


Opened = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Opened]:
    """Open the page in a window of its own; whatever went wrong in it by the end of the test fails the test."""
    with _windows(browser, report) as show:
        yield show


@contextmanager
def _windows(browser: Any, report: Path) -> Iterator[Opened]:
    contexts: list[Any] = []
    told: list[str] = []

    def show(**options: Any) -> Any:
        contexts.append(browser.new_context(offline=True, **options))
        page = contexts[-1].new_page()
        page.told = told
        page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("request", lambda request: told.append(f"request: {request.url[:80]}") if leaves(request.url) else None)
        page.on("dialog", lambda dialog: (told.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.add_init_script(WATCH)
        page.goto(report.as_uri())
        return page

    def leaves(url: str) -> bool:
        return not url.startswith(("data:", "blob:")) and url.split("#")[0] != report.as_uri()

    try:
        yield show
        for context in contexts:
            for page in context.pages:
                if page.evaluate("'violations' in window"):
                    told.extend(page.evaluate("window.violations"))
        assert told == []
    finally:
        for context in contexts:
            context.close()
