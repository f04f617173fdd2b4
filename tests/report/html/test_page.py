"""The page as a browser without scripts would read it: structure, names, escaping, size."""

import base64
import dataclasses
import hashlib
import html
import itertools
import re
import sys
from collections import Counter
from html.parser import HTMLParser

import polars as pl
import pytest

pytest.importorskip("altair")
pytest.importorskip("itables")
pytest.importorskip("jinja2")
pytest.importorskip("vl_convert")

from asrfair.errors import InputError
from asrfair.report.html import page as page_module
from asrfair.report.html.page import MOST_BYTES, check_installed, render_page
from asrfair.report.html.sections import Given
from asrfair.report.html.spoken import AlignedWord, Clip, Spoken, WorstUtterance, spoken_section
from asrfair.report.sentences import SYNTHETIC
from asrfair.report.text import factor, label, percent, percent_interval
from asrfair.tables import TABLES

VOID = {"meta", "link", "br", "hr", "img", "input", "path", "line", "rect", "circle"}
HOSTILE = "<script>alert(1)</script>\"'&\x07\u202e"
SHOWN = "<script>alert(1)</script>\"'&\\x07\\u202e"


class Read(HTMLParser):
    """Everything that the tests ask of a page, collected in one reading."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.ids, self.headings, self.addresses, self.svgs = [], [], [], []
        self.tables, self.references, self.tags, self.labels = {}, [], Counter(), []
        self.texts, self.scripts, self.policy, self.open = {}, [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        self.addresses += [attrs[name] for name in ("src", "href", "xlink:href", "action") if name in attrs]
        self.references += attrs.get("aria-labelledby", "").split()
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])
        if tag == "svg":
            self.svgs.append(attrs)
        if tag == "table":
            self.tables[attrs["id"]] = {"caption": "", "head": [], "rows": [], "scopes": []}
        if tag == "tr" and self.table:
            self.table["rows"].append([])
        if tag in ("th", "td") and self.table:
            self.table["rows"][-1].append("")
            if tag == "th":
                self.table["scopes"].append(attrs.get("scope"))
        assert not [name for name in attrs if name.startswith("on")], attrs

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        last, _ = self.open.pop()
        assert last == tag, f"</{tag}> closes <{last}>"

    @property
    def table(self):
        ids = [attrs["id"] for tag, attrs in self.open if tag == "table"]
        return self.tables[ids[-1]] if ids else None

    def handle_data(self, data):
        tags = [tag for tag, _ in self.open]
        if "script" in tags:
            self.scripts.append(data)
            return
        if tags and re.fullmatch("h[1-6]", tags[-1]):
            self.headings[-1][1] += data
        if "caption" in tags:
            self.table["caption"] += data
        elif ("td" in tags or "th" in tags) and self.table:
            self.table["rows"][-1][-1] += data
        if "style" not in tags:
            section = next((attrs["id"] for tag, attrs in self.open if tag == "section" and "id" in attrs), "")
            self.texts[section] = self.texts.get(section, "") + " " + data


def rendered(results, given=None, **named):
    return render_page(results, given or Given(), Spoken(), **named)


@pytest.fixture(scope="module")
def written(sample, more):
    """Two pages: of the sample, and of one with every table that the sample lacks."""
    return {"plain": rendered(sample.realistic()), "more": rendered(more.enlarge(sample))}


@pytest.fixture(scope="module")
def read(written):
    return {name: Read(text) for name, text in written.items()}


@pytest.mark.parametrize("name", ["plain", "more"])
def test_the_page_is_sound(read, name):
    page = read[name]
    assert page.open == []
    assert [key for key, count in Counter(page.ids).items() if count > 1] == []
    assert set(page.references) <= set(page.ids)
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert page.tags["main"] == page.tags["header"] == page.tags["footer"] == page.tags["h1"] == 1
    assert page.tags["img"] == page.tags["link"] == page.tags["iframe"] == 0


@pytest.mark.parametrize("name", ["plain", "more"])
def test_headings_are_in_order_and_have_words(read, name):
    levels = [level for level, _ in read[name].headings]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(text.strip() for _, text in read[name].headings)


@pytest.mark.parametrize("name", ["plain", "more"])
def test_every_chart_has_a_name_and_a_description_and_a_table(read, written, name):
    page = read[name]
    assert len(page.svgs) >= 6
    for svg in page.svgs:
        assert svg["role"] == "img"
        assert svg["aria-labelledby"].split() == [f"{svg['id']}-title", f"{svg['id']}-desc"]
        found = re.search(
            rf'<title id="{svg["id"]}-title">([^<]+)</title><desc id="{svg["id"]}-desc">([^<]+)</desc>', written[name]
        )
        assert found
    assert {"rates-overall", "rates-accent", "disparities-accent", "coverage-accent"} <= set(page.tables)


@pytest.mark.parametrize("name", ["plain", "more"])
def test_every_table_has_a_caption_and_scopes(read, name):
    for key, table in read[name].tables.items():
        assert table["caption"].strip(), key
        assert None not in table["scopes"], key
        widths = {len(row) for row in table["rows"] if len(row) > 1}
        assert len(widths) == 1, key
        assert all(title.strip() for title in table["rows"][0]), key


def test_no_drawing_keeps_a_placeholder_of_a_colour(written):
    assert "#0a0b" not in written["plain"]
    names = set(re.findall(r"var\((--[a-z0-9-]+)\)", written["plain"]))
    defined = set(re.findall(r"(--[a-z0-9-]+):", written["plain"]))
    assert {"--mark", "--ink", "--heat-5", "--on-heat-5", "--paper"} <= names
    assert names <= defined


def test_the_policy_lets_only_the_pages_own_scripts_run(read):
    page = read["plain"]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in page.scripts]
    assert len(hashes) == 2
    assert page.policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'; style-src 'unsafe-inline'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_table_of_rates_has_the_runs_own_numbers(sample, read):
    results = sample.realistic()
    table = read["plain"].tables["rates-accent"]
    titles, *rows = table["rows"]
    assert titles[:5] == ["group", "WER %", "interval", "condition", "recogniser"]
    told = {(row[0], *row[3:5]): row[1:3] for row in rows}
    expected = results.rates.filter(axis="accent").to_dicts()
    assert len(told) == len(rows) == len(expected)
    for row in expected:
        rate = "(2)" if row["wer"] is None else percent(row["wer"])
        assert told[label(row["group"]), row["condition"], row["backend"]] == [rate, percent_interval(row)]


def test_the_table_of_comparisons_has_both_scales_and_the_finding(read):
    titles, *rows = read["plain"].tables["disparities-accent"]["rows"]
    assert titles[:5] == ["group", "comparison", "finding", "condition", "recogniser"]

    def of(*names):
        return next(row for row in rows if (*row[:2], *row[3:5]) == names)

    row = of("scottish", "against the reference group", "clean", "small")
    told = dict(zip(titles, row, strict=True))
    assert (told["points"], told["ratio"], told["finding"]) == ("+19.0", factor(2.56), "served worse")
    lone = of("welsh", "against the reference group", "clean", "small")
    assert dict(zip(titles, lone, strict=True))["finding"] == "not judged"
    opposed = of("indian", "extra cost of a condition", "telephone", "large")
    assert dict(zip(titles, opposed, strict=True))["finding"] == "more points, smaller factor"


def test_coverage_tells_speakers_words_and_why_a_group_was_not_judged(read):
    titles, *rows = read["plain"].tables["coverage-accent"]["rows"]
    told = {(row[0], row[1]): dict(zip(titles, row, strict=True)) for row in rows}
    assert told["scottish", "small"]["clean"].startswith("8 speakers (few), 320 words")
    assert told["welsh", "small"]["clean"] == "1 speaker, 41 words\nnot judged: 1 speaker"
    assert told["irish", "small"]["clean"] == "2 speakers (few), 0 words\nnot judged: no reference words"
    assert "the reference group" in told["american", "small"]["clean"]
    titles, *rows = read["more"].tables["coverage-accent"]["rows"]
    found = next(dict(zip(titles, row, strict=True)) for row in rows if row[:2] == ["indian", "small"])
    assert found["clean"].endswith("finds 11.3 points, ratio 2.13")


def test_the_page_says_in_short_what_the_terminal_says(sample, read):
    told = re.sub(r"\W+", " ", sample.overview_of(sample.written(sample.realistic(), width=1000)))
    there = re.sub(r"\W+", " ", read["plain"].texts["overview"])
    assert len(told) > 1000
    assert told.removesuffix("All speakers together ").strip() in there


def test_no_word_claims_fairness(written):
    text = " ".join(Read(written["more"]).texts.values())
    assert not re.search(r"\b(unbiased|debiased|no bias|fair system|is fair)\b", text, re.IGNORECASE)


def test_hostile_labels_are_text_everywhere(sample):
    found = sample.realistic()
    swap = pl.col("group").replace({"scottish": HOSTILE, "indian": "#0a0b00 var(--x) clip0"})
    reference = pl.col("reference_group").replace({"american": HOSTILE + "2"})
    signature = sample.signature(
        notes=[HOSTILE],
        axes=sample.about(reference_group=HOSTILE + "2", assigned_by=HOSTILE, note=HOSTILE),
        corpus={**sample.SIGNATURE["corpus"], "title": HOSTILE, "licence": HOSTILE},
    )
    changed = dataclasses.replace(
        found,
        rates=found.rates.with_columns(swap, note=pl.lit(HOSTILE)),
        disparities=found.disparities.with_columns(swap, reference, note=pl.lit(HOSTILE)),
        failures=found.failures.with_columns(pl.lit(HOSTILE).alias("reason")),
        signature={**signature, "signature": HOSTILE},
    )
    text = rendered(changed)
    page = Read(text)
    assert len(page.scripts) == 2
    body = text.partition("<body>")[2].partition('<script type="module">')[0]
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", body)
    assert SHOWN in page.headings[0][1]
    assert any(row[0] == SHOWN for row in page.tables["rates-accent"]["rows"])
    assert any(row[0] == "#0a0b00 var(--x) clip0" for row in page.tables["rates-accent"]["rows"])
    drawing = text[text.index('<svg id="forest-accent-small"') :].split("</svg>")[0]
    assert html.escape(SHOWN, quote=False)[:20] in drawing
    assert ">#0a0b00 var(--x) clip0</text>" in drawing


def test_the_same_results_give_the_same_page(sample, written):
    assert rendered(sample.realistic()) == written["plain"]


def test_an_empty_run_has_a_page_that_says_so(sample):
    results = sample.results(**{name: pl.DataFrame(schema=schema) for name, schema in TABLES.items()})
    page = Read(rendered(results))
    assert "Nothing was counted: no rates to report." in page.texts["overview"]
    assert page.svgs == []
    assert page.tables == {}
    assert "made" in page.ids


def test_synthetic_voices_are_named_at_both_ends(sample):
    signature = sample.signature(corpus={**sample.SIGNATURE["corpus"], "kind": "synthetic"})
    text = rendered(dataclasses.replace(sample.realistic(), signature=signature))
    head, _, foot = text.partition("<main")
    assert SYNTHETIC in head
    assert SYNTHETIC in foot.split("<footer>")[1]
    assert " speakers (few)" not in text


def test_imputed_labels_and_independent_utterances_are_marked(sample):
    axes = sample.about(imputed=True, assigned_by="guessed")
    signature = sample.signature(axes=axes, independent_utterances=True, limit=100)
    page = Read(rendered(dataclasses.replace(sample.realistic(), signature=signature)))
    assert "groups may be mixed up" in page.texts["by-accent"]
    assert "treated as independent" in page.texts["by-accent"]
    assert "guessed; imputed labels" in page.texts["made"]
    assert "first 100 utterances only" in page.texts[""]


def many(sample, *, groups):
    names = [f"a group with quite a long name {k:05}" for k in range(groups)]
    reference = names[3]
    sizes = {"speakers": 12, "reference_words": 100, "utterances": 10}
    rates = [
        sample.rate("accent", name, "clean", "small", wer=k / 40000, low=k / 50000, high=k / 30000, **sizes)
        for k, name in enumerate(names)
    ]
    disparities = [
        sample.disparity(
            "ratio",
            *(1 + k / 10000, 0.9, 3.0),
            p_adjusted=0.001 if k == 17 else 0.5,
            axis="accent",
            group=name,
            reference_group=reference,
            condition="clean",
            backend="small",
            speakers=12,
            reference_speakers=12,
        )
        for k, name in enumerate(names)
        if name != reference
    ]
    signature = sample.signature(
        axes=sample.about(reference_group=reference), conditions={"clean": {}}, backends={"small": {}}
    )
    return sample.results(
        rates=pl.DataFrame(rates, infer_schema_length=None), disparities=pl.DataFrame(disparities), signature=signature
    )


def test_ten_thousand_groups_fit_and_the_rest_is_counted(sample):
    text = rendered(many(sample, groups=10_000), top=7)
    assert len(text.encode()) <= MOST_BYTES
    page = Read(text)
    rows = [row[0] for row in page.tables["rates-accent"]["rows"][1:]]
    assert rows[:2] == ["a group with quite a long name 09999", "a group with quite a long name 09998"]
    assert "a group with quite a long name 00003" in rows
    assert f"and {10_000 - len(rows):,} more groups in rates.parquet" in page.texts["by-accent"]
    assert "The worst are drawn; 9,992 more groups not." in page.texts["by-accent"]
    shown = [row for row in page.tables["disparities-accent"]["rows"] if "served worse" in row]
    assert [row[0] for row in shown] == ["a group with quite a long name 00017"]


def test_a_page_that_is_too_large_gets_shorter_tables(sample, monkeypatch):
    results = many(sample, groups=700)
    whole = rendered(results)
    assert len(Read(whole).tables["rates-accent"]["rows"]) > 500
    monkeypatch.setattr(page_module, "MOST_BYTES", len(whole.encode()) - 1)
    shorter = rendered(results)
    assert len(shorter.encode()) < len(whole.encode())
    assert len(Read(shorter).tables["rates-accent"]["rows"]) < 300


def test_sounds_do_not_make_the_tables_shorter(sample):
    results = many(sample, groups=100)
    clip = Clip("audio/mpeg", bytes(2_000_000), seconds=1.0, whole_s=1.0)
    worst = WorstUtterance(
        utterance_id="u1",
        speaker_id="s1",
        labels={},
        language=None,
        condition="clean",
        backend="small",
        wer=1.0,
        reference_words=1,
        substitutions=1,
        deletions=0,
        insertions=0,
        reference="a",
        hypothesis="b",
        words=(AlignedWord("substitute", "a", "b"),),
    )
    heard = spoken_section([worst], {("u1", None): clip, ("u1", "clean"): clip}, rule="R")
    text = render_page(results, Given(), heard)
    assert len(text.encode()) > MOST_BYTES + 2_000_000
    assert Read(text).tables == Read(rendered(results)).tables
    assert len(Read(text).tables["rates-accent"]["rows"]) > 100


def test_many_recognisers_are_in_tables_and_few_in_charts(sample):
    found = sample.realistic()
    names = [f"system {k}" for k in range(9)]
    rates = pl.concat(found.rates.filter(backend="small").with_columns(backend=pl.lit(name)) for name in names)
    signature = sample.signature(backends={name: {} for name in names}, baseline_backend=names[0])
    page = Read(rendered(sample.results(rates=rates, signature=signature)))
    assert len([svg for svg in page.svgs if svg["id"].startswith("forest-accent")]) == 3
    assert {row[4] for row in page.tables["rates-accent"]["rows"][1:]} == set(names)
    assert "6 more in the table" in page.texts["by-accent"]


def test_what_is_not_installed_is_named(monkeypatch):
    # A module that is None in ``sys.modules`` raises ImportError, as half an installation does.
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(InputError, match=r"needs vl_convert; expected it installed: pip install 'asrfair\[html\]'"):
        check_installed()


def test_what_is_shown_stands_before_what_is_not(read):
    titles, *rows = read["plain"].tables["disparities-accent"]["rows"]
    place = titles.index("finding")
    told = [row[place] in ("not shown", "not judged") for row in rows]
    assert told == sorted(told)
    assert True in told
    assert False in told
    assert rows[0][:3] == ["scottish", "against the reference group", "served worse"]


def test_seldom_wanted_columns_are_folded_and_named(sample):
    html = rendered(sample.realistic())
    label = re.search(r'<label class="more">(.*?)</label>', html[html.index('id="by-accent"') :])[1]
    assert label == (
        '<input type="checkbox" id="rates-accent-more"> More columns: utterances, substituted %, deleted %, inserted %'
    )
    table = html[html.index('<table id="rates-accent"') :].split("</table>")[0]
    assert '<th scope="col" class="n rare">utterances</th>' in table
    assert '<th scope="col" class="n">WER %</th>' in table


def test_drawings_of_several_recognisers_share_one_scale(sample):
    found = sample.realistic()
    quarter = [
        pl.when(pl.col("backend") == "large").then(pl.col(name) / 8).otherwise(pl.col(name)).alias(name)
        for name in ("wer", "low", "high")
    ]
    html = rendered(dataclasses.replace(found, rates=found.rates.with_columns(quarter)))

    def svg(name):
        return html[html.index(f'<svg id="{name}"') :].split("</svg>")[0]

    for axis in ("accent", "overall"):
        ends = [re.findall(r">(\d+)</text>", svg(f"forest-{axis}-{name}"))[-1] for name in ("small", "large")]
        assert ends[0] == ends[1]
    assert "var(--heat-5)" in svg("heat-accent-small")
    shades = set(re.findall(r"var\(--heat-(\d)\)", svg("heat-accent-large")))
    assert shades <= {"0", "1"}


def test_the_paired_test_of_recognisers_is_behind_a_line_and_other_measures_come_last(sample, more, read):
    page = read["more"]
    sections = list(page.texts)
    assert sections.index("by-accent") < sections.index("measures") < sections.index("made")
    html = rendered(more.enlarge(sample))
    assert re.search(r"<details><summary>large against small[^<]*</summary>", html)


def laddered(sample, *, reference):
    """Return a run along three rungs of noise, in which the second group has the larger handicap."""
    values = {f"snr@{value}": float(value) for value in (20, 10, 0)}
    wers = {"american": 0.1, "indian": 0.2, "scottish": 0.15, "overall": 0.12}
    rates = [
        sample.rate(
            *("overall" if group == "overall" else "accent", group, name, "small"),
            wer=wer * (k + 1),
            low=wer * k,
            high=wer * (k + 2),
            speakers=12,
            reference_words=500,
        )
        for group, wer in wers.items()
        for k, name in enumerate(values)
    ]
    named = {"axis": "accent", "reference_group": "american", "ladder": "snr", "unit": "dB", "backend": "small"}
    named |= {"parameter": "white_noise.snr_db", "normalizer": "basic-1", "wer": 0.3}
    sizes = {"indian": 1.0, "scottish": 4.0} if reference else {}
    handicaps = [
        named | {"group": group, "at": at, "estimate": size, "low": size - 2, "high": size + 2}
        for group, size in sizes.items()
        for at in (None, *values.values())
    ]
    rungs = [
        {"condition": name, "ladder": "snr", "parameter": named["parameter"], "value": value, "unit": "dB"}
        for name, value in values.items()
    ]
    signature = sample.signature(
        axes=sample.about(reference_group="american" if reference else None),
        conditions={name: {} for name in values},
        backends={"small": {}},
        baseline_condition=None,
    )
    return sample.results(
        rates=pl.DataFrame(rates),
        conditions=pl.DataFrame(rungs),
        handicaps=pl.DataFrame(handicaps) if handicaps else None,
        signature=signature,
    )


def names_of_ladders(text):
    return re.findall(r'<title id="ladder-snr-accent-small-\d-title">([^<]+)</title>', text)


def test_a_ladder_has_a_chart_for_each_group_the_largest_handicap_first(sample):
    text = rendered(laddered(sample, reference=True))
    page = Read(text)
    assert names_of_ladders(text) == ["scottish", "indian"]
    assert "dashed and grey: american." in page.texts["ladder-1"]
    table = page.tables["ladder-table-1"]
    assert "curve" not in table["rows"][0]
    assert any("handicap, dB" in table["rows"][0] for table in page.tables.values())
    assert 'href="#ladder-table-1"' in text


def test_without_a_reference_group_a_ladder_is_drawn_over_all_speakers(sample):
    text = rendered(laddered(sample, reference=False))
    assert sorted(names_of_ladders(text)) == ["american", "indian", "scottish"]
    assert "dashed and grey: all speakers." in Read(text).texts["ladder-1"]
