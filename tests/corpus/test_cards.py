"""Every card reads its publisher's layout: cut-down copies written from the publishers' documentation."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from asrfair.cards import shipped
from asrfair.corpus import Corpus, load_card, load_corpus
from asrfair.errors import InputError


def lay(root: Path, files: Mapping[str, str]) -> Path:
    """Write a corpus: texts by path; audio is empty, since nothing is heard here."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def columns(corpus: Corpus, *names: str) -> list[tuple[object, ...]]:
    return corpus.utterances.select(names).rows()


def test_every_card_is_complete() -> None:
    for name in shipped("corpora"):
        card = load_card(name)
        assert card.licence, name
        assert card.obtain, name
        assert card.axes, name
        if card.kind != "synthetic":
            assert card.citation, name
            assert card.homepage.startswith("https://"), name
            assert card.caveats, name
        for axis in card.axes.values():
            assert axis.assigned_by != "imputed", name


REFUSALS = ("do_not_wish_to_say", "prefer not to say", "NA", "")


def test_the_same_gender_has_one_name_in_all_cards() -> None:
    """And to refuse an answer is a gender in none."""
    for name in shipped("corpora"):
        axis = load_card(name).axes.get("gender")
        for level in () if axis is None else axis.levels.values():
            assert level == level.lower(), name
            assert level not in ("f", "m", "woman", "man", "not said"), name
        assert axis is None or not set(axis.levels) & set(REFUSALS), name


def test_nothing_in_a_card_says_who_assigned_a_label_where_its_source_does_not() -> None:
    for name, axes in {"timit": ("dialect", "age", "education", "race"), "fsdd": ("accent", "gender")}.items():
        card = load_card(name)
        assert {card.axes[axis].assigned_by for axis in axes} == {"not documented"}, name
    assert load_card("timit").axes["race"].levels["ORN"] == "Oriental (publisher's term)"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("globe", "not for claims about groups"),
        ("speech-accent-archive", "turkish31 to turkish34"),
        ("svarah", "no substitute for ids"),
        ("audiomnist", "comes from Delhi"),
        ("artie-bias-corpus", "969 client ids"),
        ("fair-speech", "26,472 in its README"),
    ],
)
def test_caveats_tell_what_was_found(name: str, told: str) -> None:
    assert any(told in caveat for caveat in load_card(name).caveats)


# Corpus Creator's columns: release 4, release 5, release 8, release 13, release 17.
OLD = "client_id path sentence up_votes down_votes age gender accent"
LOCALE = f"{OLD} locale segment"
SEVERAL = LOCALE.replace("accent", "accents")
VARIANT = SEVERAL.replace("locale", "variant locale")
DOMAIN = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents variant locale segment"
)


def common_voice(header: str, *rows: Mapping[str, str]) -> str:
    names = header.split()
    lines = ["\t".join(names), *("\t".join(row.get(name, "") for name in names) for row in rows)]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("header", [OLD, LOCALE, SEVERAL, VARIANT, DOMAIN])
def test_common_voice_releases(tmp_path: Path, header: str) -> None:
    label = {name: {"accent": "us", "accents": "United States English"}.get(name, "") for name in header.split()}
    row = label | {"client_id": "aa", "path": "common_voice_en_1.mp3", "sentence": 'He said "no.', "locale": "en"}
    lay(tmp_path, {"test.tsv": common_voice(header, row, {**row, "path": "common_voice_en_2.mp3", "accents": ""})})
    corpus = load_corpus("common-voice", tmp_path)
    assert columns(corpus, "utterance_id", "audio", "reference", "accent")[0] == (
        "common_voice_en_1",
        "clips/common_voice_en_1.mp3",
        'He said "no.',
        "US",
    )
    assert corpus.utterances["variant"].to_list() == [None, None]
    assert "variant: unknown for all: found no label in variant" in corpus.notes


def test_common_voice_labels(tmp_path: Path) -> None:
    raw = [
        ("1", "United States English,England English", "male_masculine", "fourties"),
        ("2", "England English|United States English", "female_feminine", "teens"),
        ("3", "India and South Asia (India, Pakistan, Sri Lanka)", "do_not_wish_to_say", ""),
        ("4", "Scottish English,Glaswegian", "", ""),
        ("5", "German English,Non native speaker", "intersex", ""),
        ("6", "  canadian english ", "non-binary", ""),
        ("7", "a bit Irish, a bit not", "", ""),
    ]
    rows = [
        {"client_id": f"c{key}", "path": f"v_{key}.mp3", "sentence": "Yes.", "accents": a, "gender": g, "age": years}
        for key, a, g, years in raw
    ]
    corpus = load_corpus("common-voice", lay(tmp_path, {"dev.tsv": common_voice(VARIANT, *rows)}), split="dev")
    assert corpus.utterances["accent"].to_list() == [
        "England + US",
        "England + US",
        "India and South Asia",
        "Glaswegian + Scotland",
        "German",
        "Canada",
        "a bit Irish, a bit not",
    ]
    assert corpus.unmapped["accent"] == {"Glaswegian + Scotland": 1, "a bit Irish, a bit not": 1}
    assert corpus.utterances["gender"].to_list() == [
        "male",
        "female",
        None,
        None,
        "intersex",
        "non-binary",
        None,
    ]
    assert corpus.utterances["age"].drop_nulls().to_list() == ["forties", "teens"]


@pytest.mark.parametrize(
    ("old", "level"),
    [
        ("us", "US"),
        ("indian", "India and South Asia"),
        ("african", "Southern Africa"),
        ("bermuda", "West Indies and Bermuda"),
        ("hongkong", "Hong Kong"),
        ("newzealand", "New Zealand"),
        ("southatlandtic", "South Atlantic"),
        ("philippines", "Philippines"),
        ("malaysia", "Malaysia"),
        ("singapore", "Singapore"),
        ("wales", "Wales"),
        ("other", "other"),
    ],
)
def test_common_voice_old_and_new_accents_meet(tmp_path: Path, old: str, level: str) -> None:
    row = {"client_id": "a", "path": "v.mp3", "sentence": "Yes.", "accent": old}
    corpus = load_corpus("common-voice", lay(tmp_path, {"test.tsv": common_voice(OLD, row)}))
    assert corpus.utterances["accent"].to_list() == [level]
    assert not corpus.unmapped["accent"]


VCTK = {
    "speaker-info.txt": (
        "ID  AGE  GENDER  ACCENTS  REGION COMMENTS \n"
        "p225  23  F    English    Southern  England\n"
        "p280  25  F    Unknown    France (mic2 files unavailable)\n"
        "p315  18  M    American   New  England (text unavailable)\n"
        "p376  22  M    Indian\n"
        "s5    20  F    British    English\n"
    ),
    "txt/p225/p225_001.txt": "Please call Stella. \n",
    "txt/p280/p280_001.txt": "Please call Stella.\n",
    "txt/p376/p376_001.txt": "Please call Stella.\n",
    "txt/s5/s5_001.txt": "Please call Stella.\n",
    "wav48_silence_trimmed/log.txt": "",
} | {
    f"wav48_silence_trimmed/{who}/{who}_001_{mic}.flac": ""
    for who in ("p225", "p280", "p315", "p376", "s5")
    for mic in ("mic1", "mic2")
    if (who, mic) != ("p280", "mic2")
}


def test_vctk(tmp_path: Path) -> None:
    corpus = load_corpus("vctk", lay(tmp_path, VCTK))
    assert columns(corpus, "utterance_id", "speaker_id", "reference", "accent", "gender", "age") == [
        ("p225_001", "p225", "Please call Stella.", "England", "female", "20-24"),
        ("p280_001", "p280", "Please call Stella.", None, "female", "25-29"),
        ("p315_001", "p315", None, "US", "male", "under 20"),
        ("p376_001", "p376", "Please call Stella.", "India", "male", "20-24"),
        ("s5_001", "s5", "Please call Stella.", "United Kingdom", "female", "20-24"),
    ]
    assert corpus.utterances["audio"][0] == "wav48_silence_trimmed/p225/p225_001_mic1.flac"
    assert not corpus.unmapped["accent"]


def test_vctk_0_80(tmp_path: Path) -> None:
    """Speakers without the letter p in the table, one microphone, and another folder."""
    files = {
        "speaker-info.txt": VCTK["speaker-info.txt"]
        .replace(" COMMENTS", "")
        .replace("\np", "\n")
        .replace("\ns5", "\n5"),
        "txt/p225/p225_001.txt": "Please call Stella.\n",
        "wav48/p225/p225_001.wav": "",
        "wav48/p376/p376_001.wav": "",
    }
    corpus = load_corpus("vctk", lay(tmp_path, files))
    assert columns(corpus, "utterance_id", "speaker_id", "audio", "reference", "accent", "gender", "age") == [
        ("p225_001", "p225", "wav48/p225/p225_001.wav", "Please call Stella.", "England", "female", "20-24"),
        ("p376_001", "p376", "wav48/p376/p376_001.wav", None, "India", "male", "20-24"),
    ]


LIBRISPEECH = {
    "SPEAKERS.TXT": (
        "; Some pipe(|) separated metadata\n;\n;ID  |SEX| SUBSET           |MINUTES| NAME\n"
        "60   | M | train-clean-100  | 20.18 | |CBW|Somebody\n"
        '61   | M | test-clean       | 8.08  | An "Other" One\n'
        "367  | F | test-other       | 10.06 | Third\n"
    ),
    "test-clean/61/70968/61-70968.trans.txt": "61-70968-0000 HE BEGAN A CONFUSED COMPLAINT\n61-70968-0001 GIVE NOT\n",
    "test-clean/61/70968/61-70968-0000.flac": "",
    "test-clean/61/70968/61-70968-0001.flac": "",
    "test-other/367/130732/367-130732.trans.txt": "367-130732-0000 LOBSTERS AND LOBSTERS\n",
    "test-other/367/130732/367-130732-0000.flac": "",
    "BOOKS.TXT": "",
}


def test_librispeech(tmp_path: Path) -> None:
    root = lay(tmp_path, LIBRISPEECH)
    assert columns(load_corpus("librispeech", root), "utterance_id", "speaker_id", "reference", "gender") == [
        ("61-70968-0000", "61", "HE BEGAN A CONFUSED COMPLAINT", "male"),
        ("61-70968-0001", "61", "GIVE NOT", "male"),
    ]
    other = load_corpus("librispeech", root, split="test-other")
    assert columns(other, "audio", "gender") == [("test-other/367/130732/367-130732-0000.flac", "female")]
    with pytest.raises(InputError, match="found no split 'dev-clean'; expected one of: test-clean, test-other"):
        load_corpus("librispeech", root, split="dev-clean")


SPOKEN_BY = {
    "01": {"accent": "german", "age": 30, "gender": "male", "native speaker": "no"},
    "07": {"accent": "German/Spanish", "age": "27", "gender": "male", "native speaker": "no"},
    "25": {"accent": "Brasilian", "age": "22", "gender": "male", "native speaker": "no"},
    "45": {"accent": "German", "age": "1234", "gender": "male", "native speaker": "no"},
    "60": {"accent": "Tamil", "age": "27", "gender": "female", "native speaker": "yes"},
}


def test_audiomnist(tmp_path: Path) -> None:
    files = {f"data/{who}/{digit}_{who}_0.wav": "" for who in SPOKEN_BY for digit in "07"}
    files |= {"data/audioMNIST_meta.txt": json.dumps(SPOKEN_BY, indent=4), "data/36/notes.txt": "a note"}
    corpus = load_corpus("audiomnist", lay(tmp_path, files))
    assert columns(corpus, "utterance_id", "reference", "accent", "native", "gender", "age")[:5] == [
        ("0_01_0", "zero", "German", "L2", "male", "30-39"),
        ("0_07_0", "zero", "German + Spanish", "L2", "male", "25-29"),
        ("0_25_0", "zero", "Brazilian Portuguese", "L2", "male", "under 25"),
        ("0_45_0", "zero", "German", "L2", "male", None),
        ("0_60_0", "zero", "Tamil", "L1", "female", "25-29"),
    ]
    assert corpus.utterances["speaker_id"].n_unique() == 5


SPEECHOCEAN = {
    "test/wav.scp": "000030012\tWAVE/SPEAKER0003/000030012.WAV\n000240010\tWAVE/SPEAKER0024/000240010.WAV\n",
    "test/text": "000030012\tMARK IS GOING TO SEE ELEPHANT\n000240010\tWE CALL IT BEAR\n",
    "test/utt2spk": "000030012\t0003\n000240010\t0024\n",
    "test/spk2utt": "0003 000030012\n0024 000240010\n",
    "test/spk2gender": "0003\tm\n0024\tf\n",
    "test/spk2age": "0003\t6\n0024\t24\n",
    "WAVE/SPEAKER0003/000030012.WAV": "",
    "WAVE/SPEAKER0024/000240010.WAV": "",
    "resource/scores.json": "{}",
}


def test_speechocean762(tmp_path: Path) -> None:
    corpus = load_corpus("speechocean762", lay(tmp_path, SPEECHOCEAN))
    assert columns(corpus, "utterance_id", "speaker_id", "audio", "reference", "age", "gender") == [
        (
            "000030012",
            "0003",
            "WAVE/SPEAKER0003/000030012.WAV",
            "MARK IS GOING TO SEE ELEPHANT",
            "under 11",
            "male",
        ),
        ("000240010", "0024", "WAVE/SPEAKER0024/000240010.WAV", "WE CALL IT BEAR", "21-30", "female"),
    ]
    with pytest.raises(InputError, match="train: looked for text"):
        load_corpus("speechocean762", tmp_path, split="train")


FAIR_SPEECH = (
    "hash_name\ttranscription\tage\tgender\tfirst_language\tsocioeconomic_bkgd\tethnicity\n"
    '00ff\t"despacito" is what I want\t18 - 22\tfemale\tEnglish\tLow\tWhite\n'
    "01aa\tcall my sister\t46 - 65\tmale\tMandarin\tAffluent\tAsian, South Asian or Asian American\n"
)


def test_fair_speech_has_no_speakers(tmp_path: Path) -> None:
    files = {"asr_fairness_metadata.tsv": FAIR_SPEECH, "asr_fairness_audio/00ff.wav": ""}
    corpus = load_corpus("fair-speech", lay(tmp_path, files))
    assert columns(corpus, "utterance_id", "audio", "reference", "age", "socioeconomic_background") == [
        ("00ff", "asr_fairness_audio/00ff.wav", '"despacito" is what I want', "18-22", "low"),
        ("01aa", "asr_fairness_audio/01aa.wav", "call my sister", "46-65", "affluent"),
    ]
    assert corpus.utterances["speaker_id"].null_count() == 2
    assert any("no speaker ids are published" in note for note in corpus.notes)


AFRISPEECH = (
    "idx,user_ids,accent,age_group,country,transcript,nchars,audio_ids,audio_paths,duration,origin,domain,split,gender\n"
    '1,u1,isizulu,26-40,ZA,"Packed, dry.\n",13,a1,/AfriSpeech-100/test/f1/x1.wav,5.0,african,clinical,test,Female\n'
    "2,u2,zulu,,ZA,Yes.,4,a2,/AfriSpeech-100/test/f2/x1.wav,1.0,african,general,test,Male\n"
    "3,u3,venda and xitsonga,19-25,ZA,No.,3,a3,/AfriSpeech-100/test/f3/x3.wav,1.0,african,general,test,Male\n"
    '4,u4,"luo, swahili",19-25,KE,No.,3,a4,/AfriSpeech-100/test/f4/x4.wav,1.0,african,general,test,Other\n'
)


def test_afrispeech_200(tmp_path: Path) -> None:
    corpus = load_corpus("afrispeech-200", lay(tmp_path, {"transcripts/test.csv": AFRISPEECH}))
    assert columns(corpus, "utterance_id", "speaker_id", "audio", "accent", "domain", "age") == [
        ("a1", "u1", "audio/test/f1/x1.wav", "Zulu", "clinical", "26-40"),
        ("a2", "u2", "audio/test/f2/x1.wav", "Zulu", "general", None),
        ("a3", "u3", "audio/test/f3/x3.wav", "Venda + xitsonga", "general", "19-25"),
        ("a4", "u4", "audio/test/f4/x4.wav", "Swahili + luo", "general", "19-25"),
    ]
    assert corpus.utterances["reference"][0] == "Packed, dry.\n"
    assert corpus.utterances["gender"].to_list() == ["female", "male", "male", "other"]


@pytest.mark.parametrize("nothing", ["NA", "None", "nan", ""])
def test_afrispeech_200_has_no_group_of_the_unknown(tmp_path: Path, nothing: str) -> None:
    head = AFRISPEECH.splitlines()[0]
    row = (
        f"1,u1,{nothing},{nothing},{nothing},Yes.,4,a1,/AfriSpeech-100/test/f/x.wav,5.0,african,clinical,test,{nothing}"
    )
    corpus = load_corpus("afrispeech-200", lay(tmp_path, {"transcripts/test.csv": f"{head}\n{row}\n"}))
    assert columns(corpus, "accent", "age", "country", "gender") == [(None, None, None, None)]
    assert not any(corpus.unmapped.values())


CASUAL = [
    {
        "video_name": "0001_english_nonscripted_1.mp4",
        "subject_id": "0001",
        "age": "34",
        "gender": "cis woman",
        "native_language": "tagalog",
        "geo_location": {"country": "philippines"},
    },
    {
        "video_name": "0002_english_scripted_1.mp4",
        "subject_id": "0002",
        "age": "prefer not to say",
        "gender": None,
        "native_language": "english (united states)",
        "geo_location": {"country": "united states"},
    },
]


def test_casual_conversations_v2(tmp_path: Path) -> None:
    table = (
        "utterance_id,video_name,subject_id,audio,start_s,end_s,reference\n"
        "a,0001_english_nonscripted_1.mp4,0001,audio/1.wav,0,4.5,So I was born by the sea\n"
        "b,0001_english_nonscripted_1.mp4,0001,audio/1.wav,4.5,9,and then we moved\n"
        "c,0002_english_scripted_1.mp4,0002,audio/2.wav,,,Four score and seven\n"
    )
    lay(tmp_path, {"CasualConversationsV2.json": json.dumps(CASUAL), "transcripts.csv": table})
    corpus = load_corpus("casual-conversations-v2", tmp_path)
    assert columns(corpus, "utterance_id", "speaker_id", "end_s", "native_language", "gender", "age") == [
        ("a", "0001", 4.5, "Tagalog", "cis woman", "25-34"),
        ("b", "0001", 9.0, "Tagalog", "cis woman", "25-34"),
        ("c", "0002", None, "english (united states)", None, None),
    ]
    assert any("none of version 2 could be found" in note for note in corpus.notes)
