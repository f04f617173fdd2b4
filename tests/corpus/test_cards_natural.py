"""Cards of natural and elicited speech: cut-down copies written from the publishers' documentation."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

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


ACCENT = "How would you describe your accent in English? (e.g. Italian, Glaswegian)"
EDACC = {
    "linguistic_background.csv": (
        f'Timestamp,PARTICIPANT_ID,What is your gender?,What’s your ethnic background? ,"{ACCENT}",'
        'What is your higher level of education?,"What’s your year of birth? (e.g., 1992)",'
        '"What year did you start learning English? (e.g., 1999)"\n'
        "1,EDACC-C06-A,Male,White,Southern British,Master,1968,1968\n"
        '2,EDACC-C06-B,Female,,"American, I guess ",,1994,\n'
        "3,EDACC-C35-A,Female,Black,Nigerian,Bachelor,2001,NA\n"
    ),
    "test/stm": (
        "EDACC-C06 1 EDACC-C06-A 0.00 5.27 <male,l1> C ELEVEN DASH P ONE\n"
        "EDACC-C06 1 EDACC-C06-B 5.27 9.10 <female,l1> IGNORE_TIME_SEGMENT_IN_SCORING\n"
        "EDACC-C06 1 EDACC-C06-B 9.10 12.00 <female,l1> <laugh> I'M FINE <overlap>\n"
        "EDACC-C35_P1 1 EDACC-C35-A 1.5 2.5 <female,l1> HELLO\n"
    ),
    "dev/stm": "EDACC-C30_P2 1 EDACC-C35-A 1.5 2.5 <female,l1> IN DEV\n",
    "test/text": "EDACC-C06-A-000000000-000000527 C ELEVEN DASH P ONE\n",
    "data/EDACC-C06.wav": "",
    "data/EDACC-C35_P1.wav": "",
}


def test_edacc(tmp_path: Path) -> None:
    corpus = load_corpus("edacc", lay(tmp_path, EDACC))
    assert columns(corpus, "speaker_id", "audio", "start_s", "end_s", "channel", "reference", "accent", "gender") == [
        ("EDACC-C06-A", "data/EDACC-C06.wav", 0.0, 5.27, None, "C ELEVEN DASH P ONE", "Southern British", "male"),
        (
            "EDACC-C06-B",
            "data/EDACC-C06.wav",
            9.1,
            12.0,
            None,
            "<laugh> I'M FINE <overlap>",
            "American, I guess",
            "female",
        ),
        ("EDACC-C35-A", "data/EDACC-C35_P1.wav", 1.5, 2.5, None, "HELLO", "Nigeria", "female"),
    ]
    assert corpus.utterances["ethnicity"].to_list() == ["White", None, "Black"]
    assert corpus.utterances["education"].to_list() == ["Master", None, "Bachelor"]
    assert columns(corpus, "birth_year", "english_since") == [
        ("under 1970", "under 1980"),
        ("1990-1999", None),
        ("2000 and over", None),
    ]
    assert load_corpus("edacc", tmp_path, split="dev").utterances["reference"].to_list() == ["IN DEV"]
    with pytest.raises(InputError, match="train/stm"):
        load_corpus("edacc", tmp_path, split="train")


@pytest.mark.parametrize(
    ("raw", "level"),
    [
        ("NA", None),
        ("American accent", "US"),
        ("Spanish accent", "Spanish"),
        ("Jamaican accent", "Jamaica"),
        ("Slight Vietnamese accent", "Vietnamese"),
        ("Vietnamese English", "Vietnamese"),
        ("Standard Indian English", "India"),
        ("Southern Irish", "Ireland"),
        ("italian", "Italian"),
        ("English", "English"),
        ("Neutral accent", "Neutral"),
        ("International", "International"),
    ],
)
def test_edacc_accents_in_own_words(tmp_path: Path, raw: str, level: str | None) -> None:
    table = f'PARTICIPANT_ID,What is your gender?,What’s your ethnic background? ,"{ACCENT}"\nEDACC-C06-A,NA,NA,{raw}\n'
    stm = "EDACC-C06 1 EDACC-C06-A 0.00 5.27 <male,l1> YES\n"
    files = {"linguistic_background.csv": table, "test/stm": stm, "data/EDACC-C06.wav": ""}
    corpus = load_corpus("edacc", lay(tmp_path, files))
    assert columns(corpus, "accent", "gender", "ethnicity", "birth_year") == [(level, None, None, None)]


def test_edacc_with_questions_asked_twice(tmp_path: Path) -> None:
    """The questionnaire may repeat a heading; one that no axis names does not matter."""
    lines = str(EDACC["linguistic_background.csv"]).splitlines()
    twice = "\n".join([lines[0] + ",If yes,If yes", *(line + ",a,b" for line in lines[1:])])
    corpus = load_corpus("edacc", lay(tmp_path, {**EDACC, "linguistic_background.csv": twice}))
    assert corpus.utterances["accent"].to_list() == ["Southern British", "American, I guess", "Nigeria"]
    assert corpus.notes[len(corpus.card.caveats)].startswith("layout: left out 1 of 4 segments: IGNORE_TIME")


METADATA = "CORAAL.Sub\tCORAAL.Spkr\tCORAAL.File\tAudio.Folder\tGender\tAge\tAge.Group\tCORAAL.SEC.Group\tEdu.Group\n"
LINES = "Line\tSpkr\tStTime\tContent\tEnTime\n"
SPEAKER = "DCB_se1_ag1_f_01"
CORAAL = {
    "DCB_metadata_2018.10.06.txt": METADATA
    + f"DCB\t{SPEAKER}\t{SPEAKER}_1\tDCB_audio_part01\tFemale\t17\t-19\t1\tHigh School\n"
    + f"DCB\t{SPEAKER}\t{SPEAKER}_2\tDCB_audio_part02\tFemale\t17\t-19\t1\tNA\n",
    "ROC_metadata_2020.05.txt": METADATA.replace("\tCORAAL.SEC.Group", "").replace("Audio.Folder", "Tar")
    + "ROC\tROC_se0_ag2_m_01\tROC_se0_ag2_m_01_1\tpart01\tMale\t30\t30 to 50\tCollege\n",
    f"DCB_textfiles_2018.10.06/{SPEAKER}_1.txt": LINES
    + "1\tDCB_int_01\t0.0000\tWhere do you live? \t1.5000\n"
    + "2\tDCB_int_01\t1.5000\t(pause 0.48)\t1.9800\n"
    + f"3\t{SPEAKER}\t1.9800\tNot far from here.\t3.2000\n"
    + f"4\t{SPEAKER}\t3.2000\tWith /RD-NAME-2/, you know. \t4.5000\n"
    + f"5\t{SPEAKER}\t4.5000\tShe <laugh> [stays] there.\t6.0000\n"
    + f"6\t{SPEAKER}\t6.0000\tLong time.\t7.2000\n"
    + "7\tDCB_int_01\t7.0000\tHow long?\t7.6000\n"
    + "8\tDCB_misc_01\t8.0000\tMama!\t8.4000\n"
    + f"9\t{SPEAKER}\t9.0000\tTen years.\t9.9000\n",
    "ROC_textfiles_2020.05/ROC_se0_ag2_m_01_1.txt": LINES + "1\tROC_se0_ag2_m_01\t0.25\tYeah.\t0.75\n",
    f"DCB_audio_part01_2018.10.06/{SPEAKER}_1.wav": "",
    "ROC_audio_part01_2020.05/ROC_se0_ag2_m_01_1.wav": "",
}


def test_coraal_leaves_out_interviewers_and_marked_lines(tmp_path: Path) -> None:
    corpus = load_corpus("coraal", lay(tmp_path, CORAAL))
    audio, rochester = f"DCB_audio_part01_2018.10.06/{SPEAKER}_1.wav", "ROC_se0_ag2_m_01"
    assert columns(corpus, "utterance_id", "speaker_id", "audio", "start_s", "end_s", "reference") == [
        (f"{SPEAKER}_1-3", SPEAKER, audio, 1.98, 3.2, "Not far from here."),
        (f"{SPEAKER}_1-9", SPEAKER, audio, 9.0, 9.9, "Ten years."),
        (f"{rochester}_1-1", rochester, f"ROC_audio_part01_2020.05/{rochester}_1.wav", 0.25, 0.75, "Yeah."),
    ]
    assert columns(corpus, "race", "gender", "age", "socioeconomic_group", "education")[1:] == [
        ("African American", "female", "-19", "1", "High School"),
        ("African American", "male", "30 to 50", None, "College"),
    ]
    assert corpus.utterances["component"].to_list() == ["Washington DC (DCB)"] * 2 + ["Rochester (ROC)"]


L2_ARCTIC = {
    "ABA/transcript/arctic_a0001.txt": "Author of the danger trail, Philip Steels, etc",
    "ABA/wav/arctic_a0001.wav": "",
    "ABA/textgrid/arctic_a0001.TextGrid": "",
    "ABA/annotation/arctic_a0001.TextGrid": "",
    "TXHC/transcript/arctic_b0539.txt": "The lines were now very taut.\n",
    "TXHC/wav/arctic_b0539.wav": "",
    "THV/wav/arctic_b0539.wav": "",
    "suitcase_corpus/wav/aba.wav": "",
    "suitcase_corpus/transcript/aba.txt": "two people",
    "README.md": "L2-ARCTIC",
}


def test_l2_arctic(tmp_path: Path) -> None:
    corpus = load_corpus("l2-arctic", lay(tmp_path, L2_ARCTIC))
    assert columns(corpus, "utterance_id", "speaker_id", "audio", "reference", "first_language", "gender") == [
        (
            "ABA-arctic_a0001",
            "ABA",
            "ABA/wav/arctic_a0001.wav",
            "Author of the danger trail, Philip Steels, etc",
            "Arabic",
            "male",
        ),
        ("THV-arctic_b0539", "THV", "THV/wav/arctic_b0539.wav", None, "Vietnamese", "female"),
        ("TXHC-arctic_b0539", "TXHC", "TXHC/wav/arctic_b0539.wav", "The lines were now very taut.", "Mandarin", "male"),
    ]
    axes = load_card("l2-arctic").axes
    assert axes["native"].levels == dict.fromkeys(axes["first_language"].levels, "L2")
    groups: dict[tuple[str, str], int] = {}
    for speaker, language in axes["first_language"].levels.items():
        group = (language, axes["gender"].levels[speaker])
        groups[group] = groups.get(group, 0) + 1
    # The documentation: 24 speakers, balanced in gender and first language.
    assert len(groups) == 12
    assert set(groups.values()) == {2}


PASSAGE = (
    "Please call Stella.  Ask her to bring these things\nwith her from the store:  Six spoons of fresh snow peas.\n"
)
SPEAKERS_ALL = (
    "age,age_onset,birthplace,filename,native_language,sex,speakerid,country,file_missing?,,,\n"
    '42,42,"port-au-prince, haiti",haitian,haitian,male,1165,haiti,TRUE,,,\n'
    '54,51,"port-au-prince, haiti",haitian,haitian,female,1169,haiti,TRUE,,,\n'
    "27,9,\"pa'ia, hawai'i, usa\",hawai'i,hawai'i,male,1675,usa,TRUE,,,\n"
    "69,4,\"pa'ia, hawai'i, usa\",hawai'i,hawai'i,female,1676,usa,TRUE,,,\n"
    '15.5,12,"bamako, mali",bambara1,bambara,famale,29,mali,FALSE,,,\n'
    '38,12,"riyadh, saudi arabia",arabic1,arabic,female,11,saudi arabia,FALSE,,,\n'
    '21,0,"staten island, new york, usa",english1,english,male,12,usa,FALSE,,,\n'
    '28,3,"dublin, ireland",irish1,irish,male,1762,ireland,FALSE,,,\n'
    '23,4,"quezon city, philippines",filipino1,filipino,male,1068,philippines,FALSE,,,\n'
    "0,0,,synthesized1,synthesized,male,355,,FALSE,,,\n"
)


@pytest.mark.parametrize("folder", ["recordings", "recordings/recordings"])
def test_speech_accent_archive(tmp_path: Path, folder: str) -> None:
    names = ("bambara1", "arabic1", "english1", "irish1", "filipino1", "synthesized1")
    files = {f"{folder}/{name}.mp3": "" for name in names}
    files |= {"speakers_all.csv": SPEAKERS_ALL, "reading-passage.txt": PASSAGE}
    corpus = load_corpus("speech-accent-archive", lay(tmp_path, files))
    text = "Please call Stella. Ask her to bring these things with her from the store: Six spoons of fresh snow peas."
    assert corpus.utterances["reference"].to_list() == [text] * 5
    assert columns(corpus, "speaker_id", "audio", "first_language", "birth_country", "gender", "age") == [
        ("arabic1", f"{folder}/arabic1.mp3", "Arabic", "saudi arabia", "female", "30-39"),
        ("bambara1", f"{folder}/bambara1.mp3", "Bambara", "mali", "female", "under 20"),
        ("english1", f"{folder}/english1.mp3", "English", "usa", "male", "20-29"),
        ("filipino1", f"{folder}/filipino1.mp3", "Tagalog", "philippines", "male", "20-29"),
        ("irish1", f"{folder}/irish1.mp3", "Irish", "ireland", "male", "20-29"),
    ]
    assert columns(corpus, "native", "english_since") == [
        ("L2", "12-17"),
        ("L2", "12-17"),
        ("L1", "under 1"),
        ("L2", "1-5"),
        ("L2", "1-5"),
    ]
    assert not any(corpus.unmapped.values())


def test_artie_bias_corpus(tmp_path: Path) -> None:
    table = (
        "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent\n"
        'aa\tcommon_voice_en_1.mp3\t"""Then do it,"" he said with a smug grin."\t2\t0\tfourties\tmale\tindian\n'
        "bb\tcommon_voice_en_2.mp3\tThis fiscal year.\t3\t0\tNA\tfemale\tNA\n"
    )
    root = lay(tmp_path, {"artie-bias-corpus.tsv": table})
    for place in (root, root / "artie-bias-corpus.tsv"):
        corpus = load_corpus("artie-bias-corpus", place)
        assert columns(corpus, "utterance_id", "speaker_id", "audio", "reference", "accent", "gender", "age") == [
            (
                "common_voice_en_1",
                "aa",
                "clips/common_voice_en_1.mp3",
                '"Then do it," he said with a smug grin.',
                "India and South Asia",
                "male",
                "forties",
            ),
            ("common_voice_en_2", "bb", "clips/common_voice_en_2.mp3", "This fiscal year.", None, "female", None),
        ]


def test_artie_bias_corpus_as_published(shared_data: Path) -> None:
    corpus = load_corpus("artie-bias-corpus", shared_data / "artie-bias-corpus" / "data")
    # The numbers of its datasheet; its 970 speakers are 969 ids and the table's header.
    assert len(corpus.utterances) == 1712
    assert corpus.utterances["speaker_id"].n_unique() == 969
    counted = {axis: dict(corpus.utterances[axis].value_counts().iter_rows()) for axis in ("accent", "gender", "age")}
    assert (counted["accent"]["US"], counted["accent"]["England"], counted["accent"][None]) == (558, 131, 562)
    assert counted["gender"] == {"male": 1431, "female": 257, "other": 4, None: 20}
    assert (counted["age"]["forties"], counted["age"][None]) == (152, 14)
    assert not any(corpus.unmapped.values())
    assert not corpus.utterances["reference"].str.contains('""', literal=True).any()


def test_earnings_22_takes_the_company_for_the_speaker(tmp_path: Path) -> None:
    path = tmp_path / "full" / "test-00000-of-00004.parquet"
    path.parent.mkdir()
    calls = {
        "audio": [{"bytes": b"", "path": "4351517.mp3"}, {"bytes": b"", "path": "4426736.mp3"}],
        "file_id": ["4351517", "4426736"],
        "ticker_symbol": ["TLK", "TLK"],
        "country_by_ticker": ["Indonesia", "Indonesia"],
        "un_defined": ["Eastern and South-Eastern Asia"] * 2,
        "major_dialect_family": ["Other", "Other"],
        "language_family": ["Asian", "Asian"],
        "file_length": ["3293", "2724"],
        "sampling_rate": ["24000", "22050"],
        "transcription": ["Good morning and welcome.", "Thank you."],
    }
    pl.DataFrame(calls).write_parquet(path)
    corpus = load_corpus("earnings-22", tmp_path)
    assert columns(corpus, "utterance_id", "speaker_id", "audio", "reference", "region", "country") == [
        ("4351517", "TLK", f"full/{path.name}::0", "Good morning and welcome.", "Asian", "Indonesia"),
        ("4426736", "TLK", f"full/{path.name}::1", "Thank you.", "Asian", "Indonesia"),
    ]


def test_earnings_22_by_the_publishers_alignment(tmp_path: Path) -> None:
    head = "token|speaker|ts|endTs|punctuation|prepunctuation|case|tags|oldTs|oldEndTs|ali_comment\n"
    files = {
        "metadata.csv": (
            "File ID,Ticker Symbol,Country by Ticker,UN Defined,Major Dialect Family,Language Family + Area Based,"
            "File Length (seconds),Sampling Rate (Hz)\n"
            "4329526,LTM,Chile,Latin America and Caribbean,Other,Spanish/Portuguese,2104,24000\n"
            "4481601,UBMRF,Canada,Europe and Northern America,North American,English,2515,24000\n"
        ),
        "transcripts/force_aligned_nlp_references/4329526.aligned.nlp": head
        + "Good|0|0.0800|1.4000|||UC|[]|||sub(and)\n"
        + "day|0|1.4000|1.7100|.||LC|[]|||\n"
        + "We|1|2.0000|2.2000|||UC|[]|||\ngrew|1|2.2000|2.6000|||LC|[]|||\n"
        + "inaudible|1|2.6000|2.7000|||LC|[]|||\ncase|1|2.7000|3.0000|||LC|[]|||\n",
        "transcripts/force_aligned_nlp_references/4481601.aligned.nlp": head + "Yes|2|5.0|5.5|,||UC|[]|||\n",
        "transcripts/nlp_references/4329526.nlp": "token|speaker|ts|endTs|punctuation|prepunctuation|case|tags\n",
        "media/4329526.mp3": "",
        "media/4481601.mp3": "",
    }
    corpus = load_corpus("earnings-22-aligned", lay(tmp_path, files))
    assert columns(corpus, "utterance_id", "speaker_id", "audio", "start_s", "end_s", "reference", "region") == [
        ("4329526-0001", "LTM", "media/4329526.mp3", 0.08, 1.71, "Good day.", "Spanish/Portuguese"),
        ("4481601-0001", "UBMRF", "media/4481601.mp3", 5.0, 5.5, "Yes,", "English"),
    ]
    assert corpus.utterances["country"].to_list() == ["Chile", "Canada"]
    assert corpus.notes[-1] == "layout: left out 1 of 3 utterances: 'skip' matches their texts"


def interval(number: int, start: float, end: float, text: str) -> str:
    lines = (
        f"    intervals [{number}]:",
        f"        xmin = {start}",
        f"        xmax = {end}",
        f'        text = "{text}"',
    )
    return "".join(f"    {line}\n" for line in lines)


def textgrid(tier: str, *intervals: tuple[float, float, str]) -> str:
    last = intervals[-1][1]
    parts = "".join(interval(number, *part) for number, part in enumerate(intervals, start=1))
    return (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {last}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
        f'        class = "IntervalTier"\n        name = "{tier}"\n        xmin = 0\n        xmax = {last}\n'
        f"        intervals: size = {len(intervals)}\n{parts}"
    )


def test_nsc_part_3(tmp_path: Path) -> None:
    files = {f"PART3/Audio Same CloseMic/{name}.wav": "" for name in ("3000-1", "3000-2", "3001-1")}
    files["PART3/Documents/Same Room.csv"] = "SCD,ACC,SEX,AGE\n3000-1,CHINESE,F,21-25\n3000-2,MALAY,M,41-45\n"
    files["PART3/Audio Same BoundaryMic/3000.wav"] = ""
    lay(tmp_path, files)
    scripts = tmp_path / "PART3" / "Scripts Same"
    scripts.mkdir()
    first = textgrid("3000-1", (0, 1.5, "<S>"), (1.5, 3.25, "then how [lah]"), (3.25, 4, ""))
    (scripts / "3000-1.TextGrid").write_text(first, encoding="utf-16")
    second = textgrid("3000-2", (0, 2, "okay can"), (2, 4, "<S>"))
    (scripts / "3000-2.TextGrid").write_text(second, encoding="utf-16")
    corpus = load_corpus("nsc", tmp_path)
    folder = "PART3/Audio Same CloseMic"
    assert columns(corpus, "speaker_id", "audio", "start_s", "end_s", "reference", "ethnic_group", "gender", "age") == [
        ("3000-1", f"{folder}/3000-1.wav", 1.5, 3.25, "then how [lah]", "CHINESE", "female", "21-25"),
        ("3000-2", f"{folder}/3000-2.wav", 0.0, 2.0, "okay can", "MALAY", "male", "41-45"),
    ]
