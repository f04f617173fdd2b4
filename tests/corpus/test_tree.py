"""Audio files whose paths hold the labels, and the texts beside them, in the layouts of known corpora."""

from collections.abc import Callable

import pytest

from asrfair.errors import AsrfairError

LIBRISPEECH = """type = "files"
pattern = '(?P<split>[\\w-]+)/(?P<speaker>\\d+)/(?P<chapter>\\d+)/[\\d-]+\\.flac'
speaker_id = "speaker"
transcripts = "{folder}/{speaker}-{chapter}.trans.txt"
transcript_key = "{stem}"
[layout.speakers]
file = "SPEAKERS.TXT"
separator = "|"
comment = ";"
columns = ["ID", "SEX", "SUBSET", "MINUTES", "NAME"]
key = "ID"
rest = true
"""


def test_librispeech(put: Callable, load: Callable) -> None:
    put(
        {
            "test-clean/84/1/84-1-0000.flac": b"",
            "test-clean/84/1/84-1-0001.flac": b"",
            "test-clean/84/1/84-1.trans.txt": "84-1-0000 GO  DO YOU HEAR\n84-1-0002 NOT THERE\n",
            "dev-clean/97/2/97-2-0000.flac": b"",
            "dev-clean/97/2/97-2.trans.txt": "97-2-0000 YES\n",
            "SPEAKERS.TXT": ";ID  |SEX| SUBSET           |MINUTES| NAME\n84   | F | test-clean        | 8.02 | A | B\n"
            "97   | M | dev-clean         | 8.02 | C\n",
        }
    )
    table = load(LIBRISPEECH, gender="SEX").utterances
    assert table.select("utterance_id", "speaker_id", "audio", "reference", "gender").rows() == [
        ("84-1-0000", "84", "test-clean/84/1/84-1-0000.flac", "GO  DO YOU HEAR", "F"),
        ("84-1-0001", "84", "test-clean/84/1/84-1-0001.flac", None, "F"),
        ("97-2-0000", "97", "dev-clean/97/2/97-2-0000.flac", "YES", "M"),
    ]
    assert load(LIBRISPEECH, split="dev-clean", gender="SEX").utterances["speaker_id"].to_list() == ["97"]
    with pytest.raises(AsrfairError, match="found no split 'test-other'; expected one of: dev-clean, test-clean"):
        load(LIBRISPEECH, split="test-other")


def test_vctk_texts_in_a_folder_of_their_own(put: Callable, load: Callable) -> None:
    put(
        {
            "wav48/p225/p225_001_mic1.flac": b"",
            "wav48/p225/p225_001_mic2.flac": b"",
            "txt/p225/p225_001.txt": "Please call\r\nStella. \r\n",
            "speaker-info.txt": "ID  AGE  GENDER  ACCENTS  REGION COMMENTS \n"
            "p225  23  F    English    Southern  England\n",
        }
    )
    layout = """type = "files"
pattern = 'wav48/(?P<speaker>\\w+)/(?P<utterance>\\w+)_mic1\\.flac'
speaker_id = "speaker"
utterance_id = "{utterance}"
transcripts = "txt/{speaker}/{utterance}.txt"
[layout.speakers]
file = "speaker-info.txt"
separator = " "
key = "ID"
"""
    table = load(layout, accent="ACCENTS", region="REGION").utterances
    assert table.select("utterance_id", "reference", "accent", "region").rows() == [
        ("p225_001", "Please call Stella.", "English", "Southern")
    ]


def test_stems_that_repeat_need_an_id(put: Callable, load: Callable) -> None:
    put({f"{who}/wav/arctic_a0001.wav": b"" for who in ("ABA", "BWC")})
    put({f"{who}/transcript/arctic_a0001.txt": f"of {who}\n" for who in ("ABA", "BWC")})
    layout = """type = "files"
pattern = '(?P<speaker>[A-Z]+)/wav/.*\\.wav'
speaker_id = "speaker"
transcripts = "{speaker}/transcript/{stem}.txt"
"""
    with pytest.raises(AsrfairError, match=r"1 utterance id more than once \('arctic_a0001'\)"):
        load(layout)
    table = load(layout + 'utterance_id = "{speaker}-{stem}"').utterances
    assert dict(table.select("utterance_id", "reference").iter_rows()) == {
        "ABA-arctic_a0001": "of ABA",
        "BWC-arctic_a0001": "of BWC",
    }


def test_one_passage_for_all_and_a_table_by_stem(put: Callable, load: Callable) -> None:
    put(
        {
            "recordings/english1.mp3": b"",
            "recordings/welsh2.mp3": b"",
            "reading-passage.txt": "Please call Stella.  Ask her\n",
            "speakers_all.csv": "age,filename,native_language,text\n24,english1,english,One\n30,welsh2,welsh,Two\n",
        }
    )
    layout = """type = "files"
pattern = 'recordings/(?P<speaker>\\w+)\\.mp3'
speaker_id = "speaker"
transcripts = "reading-passage.txt"
[layout.speakers]
file = "speakers_all.csv"
key = { stem = "filename" }
"""
    table = load(layout, first="native_language").utterances
    assert table.select("utterance_id", "reference", "first").rows() == [
        ("english1", "Please call Stella. Ask her", "english"),
        ("welsh2", "Please call Stella. Ask her", "welsh"),
    ]
    own = load(layout.replace('transcripts = "reading-passage.txt"', 'reference = "text"')).utterances
    assert own["reference"].to_list() == ["One", "Two"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('transcripts = "t.txt"', "", "found neither of 'reference' and 'transcripts'; expected one of them"),
        ('transcripts = "t.txt"', 'transcripts = "t.txt"\nreference = "digit"', "found both of 'reference'"),
        ('transcripts = "t.txt"', 'transcripts = "{who}.txt"', r"layout\.transcripts: found '\{who\}\.txt'"),
        ('transcripts = "t.txt"', 'transcripts = "../t.txt"', r"layout\.transcripts: found the path '\.\./t\.txt'"),
        ('transcripts = "t.txt"', 'reference = "word"', r"layout\.pattern: found no column 'word'"),
        ('speaker_id = "digit"', 'speaker_id = "who"', r"layout\.pattern: found no column 'who'"),
        ("(?P<digit>.)", "(?P<digit>.", r"layout\.pattern: .* is no regular expression"),
        (r"\.wav", r"\.mp3", "looked for files like"),
    ],
)
def test_bad_options(put: Callable, load: Callable, old: str, new: str, message: str) -> None:
    put({"a.wav": b"", "t.txt": "x"})
    layout = 'type = "files"\npattern = \'(?P<digit>.)\\.wav\'\nspeaker_id = "digit"\ntranscripts = "t.txt"\n'
    assert old in layout
    with pytest.raises(AsrfairError, match=message):
        load(layout.replace(old, new))


def test_keys_of_transcripts_are_read_once_and_must_be_unique(put: Callable, load: Callable) -> None:
    put({"a.wav": b"", "t.txt": "a one\na two\n"})
    with pytest.raises(AsrfairError, match=r"t\.txt: line 2: found 'a' again"):
        load(
            'type = "files"\npattern = \'(?P<digit>.)\\.wav\'\nspeaker_id = "digit"\n'
            'transcripts = "t.txt"\ntranscript_key = "{stem}"'
        )
