"""Numbers in TextGrids that no float holds."""

from pathlib import Path

import pytest

from asrfair.corpus.praat import read_textgrid
from asrfair.errors import InputError

HEAD = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n'


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("1e999\n", "line 7: found inf tiers; expected a whole number from 0"),
        ("1.5\n", "line 7: found 1.5 tiers"),
        ("-1\n", "line 7: found -1 tiers"),
        ('1\n"IntervalTier"\n"a"\n0\n1\n1\n0\n1e999\n"x"\n', "line 15: found the interval 0 to inf"),
    ],
)
def test_numbers_without_end(tmp_path: Path, rest: str, message: str) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(HEAD + rest, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_textgrid(path)
