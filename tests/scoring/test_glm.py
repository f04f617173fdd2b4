"""NIST GLM files: rules as SCTK's doc/GLMRules.txt tells them, and NIST's own files with what NIST's filter made."""

import re
from pathlib import Path

import pytest

from asrfair.errors import InputError
from asrfair.scoring import find_normalizer
from asrfair.scoring.glm import Rule, has_alternatives, read_rules, rewriter


def rewrite(text: str, *rules: str) -> str:
    return rewriter(read_rules([";; mark", *rules], where="x.glm"))(text)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("CANCELLED => CANCELED ;; per AHD", "They cancelled", "they canceled"),
        ("Falkner => Faulkner / [William ] __ ", "WILLIAM FALKNER and falkner", "william faulkner and falkner"),
        ("BINYAMIN => BENJAMIN / __ [ NETANYAHU]", "binyamin netanyahu, binyamin", "benjamin netanyahu, binyamin"),
        ("VIDEOTAPE => VIDEO TAPE / [ ] __ [ ]", "videotape videotapes videotape", "video tape videotapes video tape"),
        ("FUNDRAIS => FUND RAIS", "a fundraiser", "a fund raiser"),
        ("[AREN'T]\t => [ARE NOT] / [ ] __ [ ]", "aren't", "are not"),
        ("[UNITED STATES'] => UNITED STATES / __ [ ]", "united states' flag", "united states flag"),
        ('" OK " => " OKAY "', "ok ok, ok", "okay ok, okay"),
        ('"BEGIN-QUOTE => BEGIN QUOTE', 'a "begin-quote', "a begin quote"),
        ("'CAUSE => BECAUSE", "'cause", "because"),
        ("/SLASH => SLASH", "/slash", "slash"),
        ("[_D'S] => [{ _D'S / _D IS }] / [ ] __ [ ]", "_d's", "{ _d's / _d is }"),
        (
            "[RECURSIVE] => [{RECURSIVE/RECUR {SIVE / SI VE}}] / [ ] __A [ ]",
            "recursive",
            "{recursive/recur {sive / si ve}}",
        ),
        ("AIN'T => [{ARE NOT / HAVE NOT}]", "ain't", "{are not / have not}"),
        ("UH =>  / [ ] __ [ ]", "so uh yes", "so yes"),
        ("_ => [ ]", "a_b", "a b"),
        ("左 => [ 一下 ]", "食左啦", "食 一下 啦"),
    ],
)
def test_rules(rule: str, text: str, expected: str) -> None:
    assert rewrite(text, rule) == expected


def test_the_first_rule_that_fits_rewrites_and_its_text_is_not_read_again() -> None:
    assert rewrite("a ab abc b", "ABC => X", "AB => A", "A => B", "B => C") == "b a x c"


def test_contexts_are_looked_for_in_the_text_as_it_was() -> None:
    assert rewrite("uh uh", "UH => X / [ ] __ [ ]") == "x x"


def test_headers_and_comments() -> None:
    headers = ['* name "en"', '* desc "it\'s"', "* FORMAT = 'NIST2'", "* max_nrules = '2500'", "* copy_no_hit = 'T'"]
    rules = read_rules(["## mark", *headers, "* case_sensitive = 'F'", "", "## A => C", "a => B ## c"], where="x")
    assert rules == (Rule("a", "b", "", ""),)
    assert not has_alternatives(rules)


def test_rules_for_hypotheses_only_hold_for_both_sides() -> None:
    assert (
        rewrite("he's", ';; INPUT_DEPENDENT_APPLICATION = "hyp"', "[HE'S] => [{HE IS / HE HAS}]") == "{he is / he has}"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("A B", "expected A => B"),
        (" => B", "rewrites nothing"),
        ("[A => B", "brackets do not match"),
        ("A => [B] C] / [ ] __ [ ]x", "brackets do not match"),
        ("A => {B / C}", "without __"),
        # in doc/trans_rules/en20090415.glm
        ("[WEBSTER'S] => [{WEBSTER'S / WEBSTER IS / WEBSTER HAS}", "without __"),
        ("A => [{B / C] / [ ] __ [ ]", "braces do not match"),
        ("* case_sensitive = 'T'", "CASE_SENSITIVE"),
        ("* copy_no_hit = 'F'", "copy_no_hit"),
        ("* format = 'NIST9'", "NIST9"),
        ("* colour = 'red'", "colour"),
        ("* name", "name"),
    ],
)
def test_what_is_not_supported_is_named_with_its_line(line: str, message: str) -> None:
    with pytest.raises(InputError, match=re.compile(f"^x.glm, line 3: .*{message}", re.IGNORECASE)):
        read_rules([";;", "A => B", line], where="x.glm")


@pytest.mark.parametrize("lines", [[], [""], ["A => B"]])
def test_the_first_line_says_what_marks_comments(lines: list[str]) -> None:
    with pytest.raises(InputError, match=r"x\.glm, line 1: .*comment"):
        read_rules(lines, where="x.glm")


@pytest.fixture
def suite(shared_data: Path) -> Path:
    return shared_data / "sctk-testdata" / "test_suite"


def filtered(suite: Path, glm: str, texts: list[str]) -> list[str]:
    function = find_normalizer(f"glm={glm}", folder=suite).function
    return [function(text) for text in texts]


def test_english_as_nist_filters_it(suite: Path) -> None:
    """csrfilt -dh with example.glm: test.in becomes test.out (SCTK, src/csrfilt/RunTests.pl)."""
    given, wanted = (
        [line.rpartition("(")[0] for line in (suite / name).read_text().splitlines() if not line.startswith(";;")]
        for name in ("test.in", "test.out")
    )
    found = [re.sub(r"(?<=\S)-(?=\S)", " ", text) for text in filtered(suite, "example.glm", given)]
    assert len(found) == 12
    assert found == [text.strip().lower() for text in wanted]


def test_arabic_as_nist_filters_it(suite: Path) -> None:
    given = (suite / "test.arb2004.txt").read_text(encoding="utf-8").splitlines()
    wanted = (suite / "test.arb2004.txt.rfilter1").read_text(encoding="utf-8").splitlines()
    assert filtered(suite, "test.arb2004.glm", given) == [" ".join(line.lower().split()) for line in wanted]


@pytest.mark.parametrize(("kind", "columns"), [("stm", 5), ("ctm", 4)])
def test_cantonese_as_nist_filters_it(suite: Path, kind: str, columns: int) -> None:
    given, wanted = (
        [" ".join(line.split()[columns:]) for line in (suite / name).read_text(encoding="utf-8").splitlines()]
        for name in (f"test.cantonese.{kind}", f"test.cantonese.{kind}.rfilter1")
    )
    assert given != wanted
    assert filtered(suite, "test.cantonese.glm", given) == [line.lower() for line in wanted]


def test_files_in_other_encodings_are_refused(suite: Path) -> None:
    with pytest.raises(InputError, match=r"test.man2004.glm: cannot be read as text in UTF-8"):
        filtered(suite, "test.man2004.glm", [])
