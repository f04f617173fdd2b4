"""What is installed: versions, recognisers, the synthesiser, and the codings that audio can be read in."""

import platform

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asrfair import __version__
from asrfair.backend.registry import backend_classes
from asrfair.cards import card_folder, shipped
from asrfair.condition import EFFECTS, Step, shipped_conditions
from asrfair.errors import CardError
from asrfair.run.analysis import installed
from asrfair.run.catalogue import LIBRARIES

CORE = ("jiwer", "librosa", "numpy", "polars", "rich", "scipy", "soundfile", "soxr", "whisper-normalizer")
EXTRAS = {
    "pocketsphinx": ("pocketsphinx",),
    "demo": ("pocketsphinx", "espeakng-loader"),
    "codecs": ("av",),
    "rooms": ("pyroomacoustics",),
    "plot": ("matplotlib",),
    "html": ("altair", "itables", "jinja2", "vl-convert-python"),
    "sheets": ("fastexcel",),
    "hub": ("huggingface_hub",),
    "torch": ("torch", "torchaudio"),
    "services": ("urllib3",),
    "google": ("urllib3", "google-auth"),
    "transcribe": ("boto3",),
    "ray": ("ray",),
    "transformers": ("transformers", "torch"),
    "faster-whisper": ("faster-whisper", "ctranslate2"),
    "sherpa-onnx": ("sherpa-onnx",),
}
WORKING_HZ = 16_000


def doctor(console: Console) -> None:
    """Print what asrfair found on this machine; a missing extra names the command that installs it."""
    import soundfile

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("asrfair", __version__)
    table.add_row("Python", f"{platform.python_version()} on {platform.machine()}")
    for package in CORE:
        table.add_row(package, installed(package) or "missing")
    for extra, packages in EXTRAS.items():
        absent = [package for package in packages if installed(package) is None]
        state = f"missing {', '.join(absent)}: pip install 'asrfair[{extra}]'" if absent else "installed"
        table.add_row(f"extra {extra}", escape(state))
    for name, point in backend_classes().items():
        table.add_row(f"backend {name}", escape(point.value))
    table.add_row("libsndfile", soundfile.__libsndfile_version__)
    table.add_row("audio files", ", ".join(sorted(soundfile.available_formats())))
    codings = soundfile.available_subtypes()
    table.add_row("telephone codings", ", ".join(name for name in ("ULAW", "ALAW") if name in codings) or "missing")
    for effect, state in effect_states().items():
        table.add_row(f"effect {effect}", escape(state))
    table.add_row("corpus cards", f"{len(shipped('corpora'))} in {escape(card_folder('corpora').name)}")
    table.add_row("condition cards", f"{len(shipped('conditions'))} in {escape(card_folder('conditions').name)}")
    console.print(table)


def effect_states() -> dict[str, str]:
    """Return, per effect that needs more than asrfair itself, whether it works here, as the shipped cards use it."""
    steps: dict[str, Step] = {}
    for rungs in shipped_conditions().values():
        for step in rungs[0].steps:
            if step.effect in LIBRARIES:
                steps.setdefault(step.effect, step)
    return {name: _state(steps[name]) for name in LIBRARIES if name in steps}


def _state(step: Step) -> str:
    ready = EFFECTS[step.effect].ready
    try:
        if ready:
            ready(step.parameters, WORKING_HZ)
    except CardError as error:
        return str(error)
    return "ready"
