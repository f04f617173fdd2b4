"""What every layout shares: a second table of speakers, and audio paths."""

from collections.abc import Callable

import pytest

from asrfair.errors import AsrfairError, CardError, InputError

TABLE = (
    "utterance_id,speaker_id,session,audio,reference,sex\nu1,s1,1,a.wav,one,f\nu2, S2,1,b.wav,two,m\nu3,s3,2,,three,f\n"
)
LAYOUT = """type = "table"
file = "utterances.csv"
[layout.speakers]
"""


def test_a_second_table_is_joined(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.csv": "speaker_id,accent,sex\ns1,Scottish,F\nS2 ,Irish,M\n"})
    corpus = load(LAYOUT + 'file = "people.csv"', accent="accent", own="sex", theirs="speakers.sex")
    assert corpus.utterances.select("accent", "own", "theirs").rows() == [
        ("Scottish", "f", "F"),
        ("Irish", "m", "M"),
        (None, "f", None),
    ]


def test_ids_that_differ_in_case_only_are_told(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.csv": "speaker_id,accent\nS1,Scottish\ns3,Irish\n"})
    with pytest.raises(InputError, match=r"people\.csv: found 'S1' where the utterances have 's1'; .*ignore_case"):
        load(LAYOUT + 'file = "people.csv"', accent="accent")
    same = load(LAYOUT + 'file = "people.csv"\nignore_case = true', accent="accent").utterances
    assert same["accent"].to_list() == ["Scottish", None, "Irish"]


def test_both_cases_may_be_two_speakers(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.csv": "speaker_id,accent\nS1,Scottish\ns1,Welsh\n"})
    assert load(LAYOUT + 'file = "people.csv"', accent="accent").utterances["accent"].to_list() == ["Welsh", None, None]


def test_part_of_a_key_may_not_count(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.csv": "id,accent\n1,Scottish\ns2,Irish\n"})
    layout = LAYOUT + 'file = "people.csv"\nkey = "id"\nkey_ignore = "^[sS]"'
    corpus = load(layout, accent="accent").utterances
    assert corpus.select("speaker_id", "accent").rows() == [("s1", "Scottish"), ("S2", "Irish"), ("s3", None)]


def test_rows_of_the_second_table(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.csv": "id,wave,age\ns1,1,20\ns1, 2 ,30\nS2,1,40\n"})
    layout = LAYOUT + 'file = "people.csv"\nkey = "id"\nrows = { wave = ["2", "3"] }'
    assert load(layout, age="age").utterances["age"].to_list() == ["30", None, None]


def test_columns_of_one_name_are_numbered(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.csv": "speaker_id,Accent,Other,Accent\ns1,a,b,c\n"})
    corpus = load(LAYOUT + 'file = "people.csv"', first="Accent (1)", second="Accent (2)", other="Other")
    assert corpus.utterances.select("first", "second", "other").rows()[0] == ("a", "c", "b")
    with pytest.raises(InputError, match=r"axis 'accent': found no column 'Accent'.*; expected one of: .*Accent \(1\)"):
        load(LAYOUT + 'file = "people.csv"', accent="Accent")


def test_rows_that_are_kept(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.csv": "speaker_id,accent\ns1,Scottish\nS2,Irish\ns3,Irish\n"})
    rows = 'rows = { accent = ["Irish"], session = ["1", "3"] }\n'
    layout = LAYOUT.replace("[layout", rows + "[layout") + 'file = "people.csv"'
    corpus = load(layout, accent="accent")
    assert corpus.utterances["utterance_id"].to_list() == ["u2"]
    assert corpus.notes == ("layout: left out 2 of 3 utterances: 'rows' keeps accent = Irish, session = 1 or 3",)
    with pytest.raises(
        InputError, match=r"layout\.rows: found no row with accent = 'irish'; expected one of: 'Scottish'"
    ):
        load(layout.replace('"Irish"', '"irish"'))
    with pytest.raises(InputError, match=r"layout\.rows: found no column 'wave'"):
        load(layout.replace("session", "wave"))
    assert load(layout.replace('["Irish"]', '["Irish", "Scottish"]').replace('"3"', '"2"')).notes == ()


def test_texts_of_a_table_are_cleaned(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE.replace(",one,", ",[x] one,").replace(",two,", ",[x],")})
    corpus = load("type = \"table\"\nfile = \"utterances.csv\"\nreplace = [['\\[x\\]', '']]\nskip = ['three']")
    assert corpus.utterances["reference"].to_list() == ["one", ""]
    assert corpus.notes == ("layout: left out 1 of 3 utterances: 'skip' matches their texts",)


def test_two_keys(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "people.tsv": "Spkr\tFile\tage\ns1\t1\t20\ns1\t2\t30\nS2\t1\t40\nS2\t1\t40\n"})
    layout = LAYOUT + 'file = "people.tsv"\nkey = { speaker_id = "Spkr", session = "File" }'
    assert load(layout, age="age").utterances["age"].to_list() == ["20", "40", None]
    with pytest.raises(InputError, match=r"people\.tsv: found Spkr = 's1' in rows that differ; expected one row each"):
        load(LAYOUT + 'file = "people.tsv"\nkey = "Spkr"', age="age")


FORMS = {
    "SPEAKERS.TXT": (
        ";ID |SEX| NAME\n;a comment\ns1 | F | Ann \nS2 | M | Bob\n",
        'separator = "|"\ncomment = ";"\ncolumns = ["ID", "SEX", "NAME"]\nkey = "ID"',
    ),
    "speaker-info.txt": ("ID  AGE  SEX  NAME\ns1  23  F  Ann\nS2  22  M\n", 'separator = " "\nkey = "ID"'),
    "people.json": ('{"s1": {"SEX": "F", "N": 1}, "S2": {"SEX": "M"}}', 'key = "ID"'),
    "people.txt": ('{"s1": {"SEX": "F", "N": 1}, "S2": {"SEX": "M"}}', 'separator = "json"\nkey = "ID"'),
    "list.json": ('[{"ID": "s1", "SEX": "F"}, {"ID": "S2", "SEX": "M"}]', 'key = "ID"'),
    "people.jsonl": ('{"ID": "s1", "SEX": "F"}\n{"ID": "S2", "SEX": "M"}\n', 'key = "ID"'),
    "quoted.csv": ('\ufeffID,SEX,NAME\r\ns1,F,"a\r\nb, c"\r\nS2,M,d\r\n', 'key = "ID"'),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_the_second_table(put: Callable, load: Callable, name: str) -> None:
    text, options = FORMS[name]
    put({"utterances.csv": TABLE, name: text})
    corpus = load(f'{LAYOUT}file = "{name}"\n{options}', gender="SEX")
    assert corpus.utterances["gender"].to_list() == ["F", "M", None]


def test_several_files_by_wildcard_and_missing_texts(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE, "DCA_meta.txt": "id\tage\ns1\tNA\n", "DCB_meta.txt": "id\tage\nS2\t40\n"})
    layout = LAYOUT + 'file = "DC*_meta.txt"\nkey = "id"\nnull = ["NA"]'
    assert load(layout, age="age").utterances["age"].to_list() == [None, "40", None]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("id,age\ns1\n", 'file = "p.csv"\nkey = "id"', r"p\.csv: line 2: found 1 fields; expected 2"),
        ("id\tage\ns1\n", 'file = "p.csv"\nkey = "id"\nseparator = "\\t"', r"line 2: found 1 fields; expected 2"),
        ("id,id\ns1,2\n", 'file = "p.csv"\nkey = "id"', r"found no column 'id'; expected one of: id \(1\), id \(2\)"),
        ("s1,2\n", 'file = "p.csv"\nkey = "id"\ncolumns = ["id", "id"]', "'columns': found a name twice"),
        (
            "id,age\ns1,2\n",
            'file = "p.csv"\nkey = "id"\nkey_ignore = "("',
            r"key_ignore: '\(' is no regular expression",
        ),
        (
            "id,age\ns1,2\n",
            'file = "p.csv"\nkey = "id"\nrows = { age = ["3"] }',
            r"p\.csv: layout\.speakers\.rows: found no row with age = '3'; expected one of: '2'",
        ),
        ("id,age\ns1,2\n", 'file = "p.csv"\nkey = "id"\nrows = { sex = ["f"] }', "rows: found no column 'sex'"),
        (
            "id,age\np1,2\ns1,3\n",
            'file = "p.csv"\nkey = "id"\nkey_ignore = "^[a-z]"',
            "found id = 'p1' in rows that differ",
        ),
        ("id,age\ns1,2\n", 'file = "p.csv"', r"p\.csv: found no column 'speaker_id'; expected one of: id, age"),
        ("id,age\ns1,2\n", 'file = "q.csv"\nkey = "id"', r"looked for q\.csv; found p\.csv, utterances\.csv"),
        ("id,age\ns1,2\n", 'file = "../p.csv"', "expected one inside the corpus"),
        ("id,age\ns1,2\n", 'file = "p.csv"\nkey = { who = "id" }', "found no column 'who'"),
        ("id,age\ns1,2\n", 'file = "p.csv"\nseparator = "ab"\nkey = "id"', "expected one character"),
        ("7", 'file = "p.csv"\nseparator = "json"\nkey = "id"', "expected a list of objects"),
        ("{", 'file = "p.csv"\nseparator = "json"\nkey = "id"', "found no JSON"),
    ],
)
def test_bad_second_tables(put: Callable, load: Callable, text: str, options: str, message: str) -> None:
    put({"utterances.csv": TABLE, "p.csv": text})
    with pytest.raises(AsrfairError, match=message):
        load(LAYOUT + options, age="age")


def test_unknown_key_of_the_second_table(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE})
    with pytest.raises(CardError, match="'speakers': found unknown key 'fiel'; expected one of: file, key"):
        load(LAYOUT + 'fiel = "people.csv"')


def test_audio_of_another_machine(put: Callable, load: Callable) -> None:
    put({"utterances.csv": TABLE.replace(",a.wav", ",/mnt/old/set/a.wav").replace(",b.wav", ",clips/b.wav")})
    layout = 'type = "table"\nfile = "utterances.csv"'
    with pytest.raises(InputError, match=r"found the path '/mnt/old/set/a\.wav'; expected one that stays inside"):
        load(layout)
    moved = load(layout + '\naudio_prefix = "/mnt/old/set"\naudio_folder = "wav"').utterances
    assert moved["audio"].to_list() == ["wav/a.wav", "wav/clips/b.wav", None]


def test_absolute_audio_paths_inside_the_root_become_relative(put: Callable, load: Callable) -> None:
    root = put({"utterances.csv": TABLE})
    put({"utterances.csv": TABLE.replace("a.wav", f"{root}/clips/a.wav")})
    assert load('type = "table"\nfile = "utterances.csv"').utterances["audio"][0] == "clips/a.wav"


def test_a_table_in_several_files(put: Callable, load: Callable) -> None:
    head, *rows = TABLE.splitlines()
    put({"lists/a.csv": f"{head}\n{rows[0]}\n", "lists/b.csv": f"{head},sharp\n{rows[1]},x\n{rows[2]},y\n"})
    table = load('type = "table"\nfile = "lists/*.csv"', sex="sex").utterances
    assert table.select("utterance_id", "audio", "sex").rows() == [
        ("u1", "a.wav", "f"),
        ("u2", "b.wav", "m"),
        ("u3", None, "f"),
    ]
    with pytest.raises(InputError, match=r"looked for other/\*\.csv; found lists"):
        load('type = "table"\nfile = "other/*.csv"')


def test_windows_line_ends_a_mark_and_quotation_in_every_table(put: Callable, load: Callable) -> None:
    text = "\ufeff" + TABLE.replace("\n", "\r\n").replace(",one,", ',"""one"", he said",')
    put({"utterances.csv": text, "people.csv": "\ufeffspeaker_id,accent\r\ns1,Scottish\r\n"})
    table = load(LAYOUT + 'file = "people.csv"', accent="accent").utterances
    assert table.select("reference", "accent").rows()[0] == ('"one", he said', "Scottish")


def test_json_values_that_are_no_texts_are_refused_wherever_they_are(put: Callable, load: Callable) -> None:
    put({"t.jsonl": '{"utterance_id": "1", "reference": "a", "audio": ["a.wav"]}\n'})
    with pytest.raises(AsrfairError, match=r"t\.jsonl: column 'audio': found List\(String\); expected texts"):
        load('type = "table"\nfile = "t.jsonl"')
