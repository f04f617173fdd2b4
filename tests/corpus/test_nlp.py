"""Rev's NLP files, as the README of Earnings-22 and its own files have them."""

from collections.abc import Callable

import pytest

from asrfair.errors import AsrfairError

ALIGNED = """token|speaker|ts|endTs|punctuation|prepunctuation|case|tags|oldTs|oldEndTs|ali_comment
Good|0|0.0800|0.4000||"|UC|[]|||sub(and)
day|0|0.4000|0.7100|.||LC|[]|||
two|0|2.0000|2.2000|||LC|['9:YEAR']|||,push_last
three|0|2.2000|2.5000|||LC|['9:YEAR']|||,push_last
Thank|1|3.0000|3.2000|||UC|[]|||
you|1|||,||LC|[]|||del
Carmen|1|3.5000|4.0000|.||UC|[]|||
So|0|4.1000|4.3000|||UC|[]|||
on|0|||.||LC|[]|||del
inaudible|1|5.0000|5.2000|||LC|[]|||
here|1|5.2000|5.5000|?||LC|[]|||
"""
PLAIN = """token|speaker|ts|endTs|punctuation|case|tags|wer_tags
Good|0||||UC|[]|[]
morning|0|||,|LC|['5:TIME']|['5']
NexGEn|1||||MC|['7:ORG']|['7']
"""
LAYOUT = 'type = "nlp"\npattern = \'nlp/(?P<call>.+)\\.nlp\'\naudio = "media/{call}.mp3"\n'


def test_turns(put: Callable, load: Callable) -> None:
    put({"nlp/4329526.nlp": ALIGNED})
    corpus = load(LAYOUT + 'utterance_id = "{call}"', call="call")
    assert corpus.utterances.drop("corpus", "language", "channel").rows() == [
        ("4329526-0001", "4329526-0", "media/4329526.mp3", 0.08, 0.71, '"Good day.', "4329526"),
        # A pause of more than a second ends an utterance.
        ("4329526-0002", "4329526-0", "media/4329526.mp3", 2.0, 2.5, "two three", "4329526"),
        # A word without a time is none the less said.
        ("4329526-0003", "4329526-1", "media/4329526.mp3", 3.0, 4.0, "Thank you, Carmen.", "4329526"),
        ("4329526-0005", "4329526-1", "media/4329526.mp3", 5.0, 5.5, "inaudible here?", "4329526"),
    ]
    assert corpus.notes == ("layout: left out 1 of 5 utterances: their first or last word has no time",)
    assert load(LAYOUT + "pause_s = 2").utterances["reference"][0] == '"Good day. two three'
    # A long utterance ends with its sentence.
    assert len(load(LAYOUT + "pause_s = 2\nlongest_s = 0.6").utterances) == 4
    assert load(LAYOUT + "pause_s = 2\nlongest_s = 0.3").utterances["reference"][:2].to_list() == [
        '"Good day.',
        "two three",
    ]
    skipped = load(LAYOUT + "skip = ['inaudible.*']")
    assert len(skipped.utterances) == 3
    assert skipped.notes[1] == "layout: left out 1 of 4 utterances: 'skip' matches their texts"


def test_a_pause_after_a_word_without_a_time(put: Callable, load: Callable) -> None:
    head, *_ = PLAIN.splitlines()
    put({"nlp/a.nlp": f"{head}\none|0|0|0.5||LC|[]|[]\ntwo|0||||LC|[]|[]\nthree|0|5|5.5||LC|[]|[]\n"})
    corpus = load(LAYOUT)
    assert corpus.utterances.select("reference", "start_s").rows() == [("three", 5.0)]
    assert corpus.notes == ("layout: left out 1 of 2 utterances: their first or last word has no time",)


def test_whole_recordings(put: Callable, load: Callable) -> None:
    put({"nlp/a.nlp": PLAIN.replace("\n", "\r\n")})
    with pytest.raises(AsrfairError, match=r"nlp/a\.nlp: found no times; expected aligned tokens, or whole = true"):
        load(LAYOUT)
    table = load(LAYOUT + 'whole = true\nspeaker_id = "{call}"').utterances
    assert table.select("utterance_id", "speaker_id", "audio", "start_s", "reference").rows() == [
        ("a", "a", "media/a.mp3", None, "Good morning, NexGEn")
    ]


def test_speakers_of_a_second_table(put: Callable, load: Callable) -> None:
    put({"nlp/a.nlp": ALIGNED, "metadata.csv": "File ID,Ticker Symbol\na,LTM\n"})
    speakers = '[layout.speakers]\nfile = "metadata.csv"\nkey = { call = "File ID" }'
    layout = LAYOUT + 'audio_folder = "x"\nspeaker_id = "{Ticker Symbol}/{speaker}"\n'
    table = load(layout + speakers, ticker="Ticker Symbol").utterances
    assert table["speaker_id"].to_list() == ["LTM/0", "LTM/0", "LTM/1", "LTM/1"]
    assert table["audio"][0] == "x/media/a.mp3"
    with pytest.raises(AsrfairError, match=r"layout\.speaker_id: found '\{who\}' .*\{Ticker Symbol\}"):
        load(LAYOUT + 'speaker_id = "{who}"\n' + speakers)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("token|", "word|", r"a\.nlp: line 1: found no column 'token'; expected one of: word, speaker"),
        ("Good|0|0.0800", "Good|0.0800", "line 2: found 10 fields; expected 11"),
        ("0.0800", "soon", "line 2: found ts 'soon'; expected seconds from 0"),
        ("0.0800", "0.9", r"line 2: found the times 0\.9 to 0\.4; expected the end after the start"),
        (ALIGNED, ALIGNED.splitlines()[0], r"a\.nlp: found no tokens"),
        (ALIGNED, "", r"a\.nlp: line 1: found no column 'token'"),
    ],
)
def test_bad_files(put: Callable, load: Callable, old: str, new: str, message: str) -> None:
    assert old in ALIGNED
    put({"nlp/a.nlp": ALIGNED.replace(old, new, 1)})
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT)
