"""Kaldi data directories, as kaldi-asr.org/doc/data_prep.html describes them."""

from collections.abc import Callable

import pytest

from asrfair.errors import AsrfairError

SEGMENTED = {
    "data/test/wav.scp": "sw02001-A audio/sw02001-A.wav\nsw02001-B\taudio/sw02001-B.flac\n",
    "data/test/segments": "sw02001-A_1 sw02001-A 0.98 11.56\nsw02001-A_2 sw02001-A 12 -1\n"
    "sw02001-B_1 sw02001-B 0 2.5 1\n",
    "data/test/text": "sw02001-A_1 hi um yeah\nsw02001-A_2\nsw02001-B_1 i'd   like\tto\n",
    "data/test/utt2spk": "sw02001-A_1 2001-A\nsw02001-A_2 2001-A\nsw02001-B_1 2001-B\n",
    "data/test/spk2utt": "2001-A sw02001-A_1 sw02001-A_2\n2001-B sw02001-B_1\n",
    "data/test/spk2gender": "2001-A f\n2001-B m\n",
    "data/test/spk2accent": "2001-A South Midland\n",
    "data/test/utt2lang": "sw02001-A_1 en\n",
}
LAYOUT = 'type = "kaldi"\nfolder = "data/{split}"\nsplit = "test"'


def test_a_data_directory_with_segments(put: Callable, load: Callable) -> None:
    put(SEGMENTED)
    table = load(LAYOUT, accent="spk2accent", gender="spk2gender", lang="utt2lang").utterances
    assert table.drop("corpus", "language").rows() == [
        ("sw02001-A_1", "2001-A", "audio/sw02001-A.wav", 0.98, 11.56, None, "hi um yeah", "South Midland", "f", "en"),
        ("sw02001-A_2", "2001-A", "audio/sw02001-A.wav", 12.0, None, None, "", "South Midland", "f", None),
        ("sw02001-B_1", "2001-B", "audio/sw02001-B.flac", 0.0, 2.5, 1, "i'd   like\tto", None, "m", None),
    ]


def test_a_data_directory_without_segments(put: Callable, load: Callable) -> None:
    put({"wav.scp": "u1 a.wav\r\nu2 b c.wav\r\n", "text": "\ufeffu1 one\r\n"})
    table = load('type = "kaldi"').utterances
    assert table.select("utterance_id", "speaker_id", "audio", "start_s", "reference").rows() == [
        ("u1", None, "a.wav", None, "one"),
        ("u2", None, "b c.wav", None, None),
    ]


def test_tags_in_texts(put: Callable, load: Callable) -> None:
    put({**SEGMENTED, "data/test/text": "sw02001-A_1 [noise] hi <unk>\nsw02001-A_2 [noise]\n"})
    corpus = load(LAYOUT + "\nreplace = [['\\[[a-z]+\\]', '']]\nskip = ['', '.*<unk>.*']")
    # One without a text is not one whose text is blank.
    assert corpus.utterances.select("utterance_id", "reference").rows() == [("sw02001-B_1", None)]
    assert corpus.notes == ("layout: left out 2 of 3 utterances: 'skip' matches their texts",)
    with pytest.raises(AsrfairError, match=r"layout\.skip: '\(' is no regular expression"):
        load(LAYOUT + "\nskip = ['(']")


def test_segments_without_wav_scp_need_a_template(put: Callable, load: Callable) -> None:
    put({name: text for name, text in SEGMENTED.items() if not name.endswith("wav.scp")})
    table = load(LAYOUT + '\naudio = "data/{recording}.wav"').utterances
    assert table["audio"].to_list() == ["data/sw02001-A.wav", "data/sw02001-A.wav", "data/sw02001-B.wav"]
    with pytest.raises(AsrfairError, match=r"found no wav\.scp; expected it, or layout\.audio"):
        load(LAYOUT)
    with pytest.raises(AsrfairError, match=r"layout\.audio: found .*expected one of: \{recording\}, \{utterance\}"):
        load(LAYOUT + '\naudio = "data/{file}.wav"')


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "wav.scp",
            "audio/sw02001-A.wav",
            "sph2pipe -f wav a.sph |",
            r"wav\.scp: line 1: found a command .*no command",
        ),
        ("wav.scp", "audio/sw02001-A.wav", "|cat a.wav", "line 1: found a command"),
        ("wav.scp", "audio/sw02001-A.wav", "-", "line 1: found a command"),
        ("wav.scp", "audio/sw02001-A.wav", "raw.ark:1337", "line 1: found a place in an archive"),
        ("wav.scp", "audio/sw02001-A.wav", "../../a.wav", "expected one that stays inside the corpus"),
        ("wav.scp", "audio/sw02001-A.wav", "/etc/passwd", "expected one that stays inside the corpus"),
        (
            "wav.scp",
            " audio/sw02001-A.wav",
            "",
            r"wav\.scp: line 1: found 'sw02001-A' alone; expected a key and a value",
        ),
        ("wav.scp", "sw02001-B", "sw02001-A", r"line 2: found 'sw02001-A' again \(first in line 1\)"),
        (
            "segments",
            "sw02001-A 0.98",
            "sw02001-X 0.98",
            r"segments: line 1: found the recording 'sw02001-X', which wav",
        ),
        (
            "segments",
            "0.98 11.56",
            "11.56 0.98",
            r"segments: line 1: found the segment 11\.56 to 0\.98; expected its end",
        ),
        ("segments", "0.98 11.56", "soon 11.56", "segments: line 1: found the start 'soon'; expected seconds from 0"),
        ("segments", "0.98 11.56", "nan 11.56", "found the start 'nan'"),
        ("segments", " 0.98 11.56", "", "segments: line 1: found 2 fields; expected utterance, recording, start, end"),
        ("segments", "2.5 1", "2.5 A", "segments: line 3: found the channel 'A'"),
        ("text", "sw02001-B_1", "sw02001-b_1", "text: line 3: found 'sw02001-b_1', which segments does not have"),
        ("utt2spk", "sw02001-B_1", "other", "utt2spk: line 3: found 'other', which segments does not have"),
        ("spk2accent", "2001-A South Midland", "2001-A", "spk2accent: line 1: found '2001-A' alone"),
    ],
)
def test_bad_data_directories(put: Callable, load: Callable, name: str, old: str, new: str, message: str) -> None:
    text = SEGMENTED[f"data/test/{name}"]
    assert old in text
    put({**SEGMENTED, f"data/test/{name}": text.replace(old, new, 1)})
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)


def test_mixed_encodings_and_wrong_roots(put: Callable, load: Callable) -> None:
    put({**SEGMENTED, "data/test/text": "sw02001-A_1 caf\xe9\n".encode("latin-1")})
    with pytest.raises(AsrfairError, match=r"text: line 1: found bytes that are not UTF-8"):
        load(LAYOUT)
    with pytest.raises(AsrfairError, match=r"looked for text \(a Kaldi data directory\); found no folder train"):
        load(LAYOUT, split="train")
    with pytest.raises(AsrfairError, match="found the split 'train'; expected none"):
        load('type = "kaldi"\nfolder = "data/test"', split="train")
