"""The recordings in a user's folder."""

from pathlib import Path

from asrfair.errors import InputError

AUDIO_ENDINGS = (".aif", ".aiff", ".au", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".sph", ".wav")


def list_recordings(folder: Path) -> list[Path]:
    """Return the audio files in a folder and below, sorted by relative path; raises InputError for none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with recordings")
    files = [path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_ENDINGS and path.is_file()]
    if not files:
        raise InputError(f"{folder}: found no recordings; expected files ending in {', '.join(AUDIO_ENDINGS)}")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())
