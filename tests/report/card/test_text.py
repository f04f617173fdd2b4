"""The document: markers, tables that stay readable, sentences that can be looked up, hostile labels, HTML, the Hub."""

import dataclasses
import html.parser
import json
import re
from importlib import resources
from typing import Any

import polars as pl
import pytest

from asrfair.errors import InputError
from asrfair.report import markdown, metrics_card
from asrfair.report.card.html import html_of
from asrfair.report.card.hub import hub_cards
from asrfair.report.card.markers import begin, end, replaced, without_markers
from asrfair.report.card.text import blocks, escape

FORBIDDEN = re.compile(r"\b(unbiased|debiased|bias|fair|unfair|fairness)\b", re.IGNORECASE)
HOSTILE = [
    '<script>alert(1)</script>"',
    "a|b*c_d`e~~f~~",
    "[x](javascript:alert(1))",
    "![x](http://example.org/x.png)",
    "<!-- asrfair:end groups -->",
    "-->\n<!-- asrfair:begin tables -->",
    "| --- |\n| x |",
    "\x1b[31mred\x07\x00",
    "\u202eright-to-left\u2066",
    "e\u0301\u0301 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "&lt;b&gt; &#x3c;",
    "http://example.org/ <http://example.org>",
    "{{ title }} {title} $x$ @front",
]


@pytest.fixture
def found(sample: Any) -> Any:
    return sample.realistic()


def renamed(found: Any, label: str) -> Any:
    swap = pl.col("group").replace({"scottish": label})
    disparities = found.disparities.with_columns(swap)
    signature = json.loads(json.dumps(found.signature).replace('"small"', json.dumps(label)))
    backend = pl.col("backend").replace({"small": label})
    return dataclasses.replace(
        found,
        rates=found.rates.with_columns(swap, backend),
        disparities=disparities.with_columns(backend, pl.col("reference_backend").replace({"small": label})),
        signature=signature,
    )


def schema() -> Any:
    return json.loads(resources.files("asrfair.report.card").joinpath("card.schema.json").read_text(encoding="utf-8"))


def problems(card: Any) -> list[str]:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(card)]


def test_the_schema_is_one_and_the_card_keeps_to_it(sample: Any, more: Any, found: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    for results in (found, more.enlarge(sample), sample.results(signature={"signature": None, "corpus": {}})):
        assert problems(metrics_card(results)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("asrfair_card",), 1),
        (("overall", 0, "wer"), "0.2"),
        (("overall", 0, "speakers"), -1),
        (("groups", 0, "new_key"), 1),
        (("disparities", 0, "p_adjusted"), 1.5),
        (("bounds", 0, "median"), 0.5),
        (("statements", 0), None),
    ],
)
def test_the_schema_refuses_what_no_card_holds(found: Any, path: tuple[Any, ...], value: Any) -> None:
    card = metrics_card(found)
    inner: Any = card
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert problems(card)


def test_the_sections_of_the_cards_that_readers_know_are_there(found: Any) -> None:
    headings = [line.lstrip("# ") for line in markdown(metrics_card(found)).splitlines() if line.startswith("#")]
    wanted = ["Overview", "Intended use and limitations", "Design", "Test-driven methodology", "Robustness"]
    wanted += ["Explainability", "Privacy", "Security", "Transparency", "Governance", "Further information", "Glossary"]
    assert [name for name in headings if name in wanted] == wanted


def test_the_owners_parts_are_marked_as_empty_and_no_measured_part_is(found: Any) -> None:
    text = markdown(metrics_card(found))
    assert text.count("> **To be filled in by the owner of the service:**") >= 14
    for name, block in blocks(metrics_card(found)).items():
        assert "To be filled in" not in block
        assert text.count(begin(name)) == text.count(end(name)) == 1


def percentages(sentence: str) -> list[str]:
    # The level of intervals, the power, and 100 % are no findings.
    plain = re.sub(r"95 % interval|Intervals hold at 95 %|\(80 % power\)|under 100 %", "", sentence)
    return re.findall(r"([\d.]+) %", plain)


@pytest.mark.parametrize("enlarged", [False, True])
def test_every_percentage_in_a_sentence_is_in_a_table(sample: Any, more: Any, enlarged: bool) -> None:
    card = metrics_card(more.enlarge(sample) if enlarged else sample.realistic())
    rows = [line for line in markdown(card).splitlines() if line.startswith("|")]
    there = set(re.findall(r"[\d.]+", " ".join(rows)))
    found = [number for sentence in card["statements"] for number in percentages(sentence)]
    assert len(found) > 20
    assert set(found) <= there


def test_every_wer_in_a_sentence_carries_its_interval_and_its_sample(found: Any) -> None:
    for sentence in metrics_card(found)["statements"]:
        for told in re.findall(r"WER [\d.]+ %(.{0,200})", sentence):
            assert re.match(
                r" (\[[\d.]+, [\d.]+\] \(95 % interval; |\(not judged; |\[[\d.]+, [\d.]+\], the medians)", told
            )
            assert re.search(r"speakers?( \(few\))?, [\d,]+ words", told)


def test_no_forbidden_word_in_any_output(sample: Any, more: Any) -> None:
    card = metrics_card(more.enlarge(sample))
    text = markdown(card)
    for output in (text, html_of(text), json.dumps(card), json.dumps(schema())):
        assert not FORBIDDEN.search(output)


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attributes if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def plain(sample: Any) -> str:
    """The card with a harmless label in place of the hostile one."""
    return markdown(metrics_card(renamed(sample.realistic(), "plain")))


@pytest.fixture(scope="module")
def tags(plain: str) -> set[str]:
    """The tags of its page."""
    page = _Reader()
    page.feed(html_of(plain))
    return page.tags


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_text_in_every_format(found: Any, label: str, plain: str, tags: set[str]) -> None:
    card = metrics_card(renamed(found, label))
    text = markdown(card)
    assert json.loads(json.dumps(card)) == card
    assert replaced(text, blocks(card), where="card") == text  # the markers are whole
    assert len(text.splitlines()) == len(plain.splitlines())
    page = _Reader()
    page.feed(html_of(text))
    assert page.tags == tags
    assert [link for link in page.links if not link.startswith("#")] == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text + "".join(page.text))


def test_the_html_shows_the_label_as_it_is(found: Any) -> None:
    label = '<b onclick="x">&amp; | *a* _b_ `c` [d](e)'
    page = _Reader()
    page.feed(html_of(markdown(metrics_card(renamed(found, label)))))
    assert label in "".join(page.text)


def test_the_html_stands_alone(found: Any) -> None:
    text = html_of(markdown(metrics_card(found)) + "\n![x](http://example.org/x.png) <img src=x onerror=alert(1)>\n")
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "asrfair:begin groups" not in text
    assert text.count("<table>") == text.count('role="region" tabindex="0" aria-labelledby="table-')
    anchors = re.findall(r' id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(anchors)


def test_an_update_leaves_every_other_byte(found: Any) -> None:
    card = metrics_card(found)
    text = markdown(card)
    own = text.replace("## Glossary", "Our own words, with a trailing space \n\n\n## Glossary").replace("\n", "\r\n")
    stale = re.sub(r"WER is at most [\d.]+ %", "WER is at most 1.0 %", own)
    assert stale != own
    assert replaced("\ufeff" + stale, blocks(card), where="card") == "\ufeff" + own
    assert replaced(own, blocks(card), where="card") == own


def test_a_part_the_owner_took_out_stays_out(found: Any) -> None:
    card = metrics_card(found)
    text = re.sub(f"{begin('tables')}.*{end('tables')}", "(removed)", markdown(card), flags=re.DOTALL)
    assert replaced(text, blocks(card), where="card") == text


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "card: found no marker such as '<!-- asrfair:begin groups -->'"),
        ([begin("groups")], "card, line 1: found '<!-- asrfair:begin groups -->' alone; expected"),
        (
            ["x", end("groups")],
            "card, line 2: found '<!-- asrfair:end groups -->'; expected '<!-- asrfair:begin groups",
        ),
        (
            [begin("groups"), end("tables")],
            "line 2: found '<!-- asrfair:end tables -->'; expected '<!-- asrfair:end groups",
        ),
        ([begin("groups"), begin("tables")], "line 2: found '<!-- asrfair:begin tables -->' inside 'groups'"),
        (
            [begin("groups"), end("groups"), "", begin("groups"), end("groups")],
            "line 4: found 'groups' again, as in line 1",
        ),
        ([begin("gruops"), end("gruops")], "line 1: found the unknown part 'gruops'; expected one of: front, overview"),
        (["<!-- asrfair:start groups -->"], "line 1: found '<!-- asrfair:start groups -->'; expected"),
        (["<!-- asrfair:begin groups"], "line 1: found '<!-- asrfair:begin groups'; expected"),
    ],
)
def test_markers_that_are_not_whole_are_told(found: Any, lines: list[str], message: str) -> None:
    with pytest.raises(InputError) as raised:
        replaced("\n".join(lines) + "\n", blocks(metrics_card(found)), where="card")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_markers_inside_a_line_are_prose() -> None:
    text = f"`{begin('groups')}` is a marker\n{begin('groups')}\n{end('groups')}\n"
    assert replaced(text, {"groups": "x"}, where="card") == (
        f"`{begin('groups')}` is a marker\n{begin('groups')}\n\nx\n\n{end('groups')}\n"
    )
    assert without_markers(text) == f"`{begin('groups')}` is a marker\n"


def many(sample: Any, groups: int) -> Any:
    rows = [
        sample.rate(
            "accent",
            f"group {k}",
            "clean",
            "small",
            wer=0.1 + k / 100_000,
            low=0.05,
            high=0.4,
            speakers=12,
            utterances=12,
            reference_words=100,
        )
        for k in range(groups)
    ]
    contrasts = [
        sample.disparity(
            measure, size, size * 0.5, size * 2, axis="accent", group=f"group {k}", reference_group="group 0",
            condition="clean", backend="small", speakers=12, reference_speakers=12, p=0.001, p_adjusted=0.001,
        )
        for k in range(1, groups)
        for measure, size in (("ratio", 2.0), ("difference", 0.1))
    ]  # fmt: skip
    signature = sample.signature(
        axes=sample.about(reference_group="group 0"), conditions={"clean": {}}, backends={"small": {}}
    )
    return sample.results(rates=pl.DataFrame(rows), disparities=pl.DataFrame(contrasts), signature=signature)


def test_ten_thousand_groups_stay_readable_and_none_is_lost(sample: Any) -> None:
    card = metrics_card(many(sample, 10_000))
    assert len(card["groups"]) == 10_000
    assert len(card["disparities"]) == 2 * 9_999
    text = markdown(card)
    assert len(text) < 60_000
    assert len(card["statements"]) < 60
    assert "And 9,980 more groups, whose WER is lower: see card.json." in text
    assert any("9,989 more groups are served worse than group 0" in s for s in card["statements"])
    assert len(markdown(card, top=3)) < len(text)


def test_an_empty_run_is_a_card_in_every_format(sample: Any) -> None:
    card = metrics_card(sample.results(signature={"signature": None, "corpus": {}}))
    text = markdown(card)
    assert text.startswith("# Service card: a recogniser\n")
    assert "No groups were told apart: no axis was measured." in text
    assert "<h1" in html_of(text)
    assert not [s for s in card["statements"] if "%" in s]


def test_the_hub_has_a_slice_for_every_judged_cell_and_reads_it_back(found: Any) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = metrics_card(found)
    made = hub_cards(card, markdown(card))
    assert list(made) == ["small", "large"]
    data = hub.ModelCard(made["small"]).data
    slices = {(result.dataset_config, result.dataset_split): result for result in data.eval_results}
    rates = found.rates.filter(pl.col("backend") == "small", pl.col("low").is_not_null())
    assert len(slices) == len(data.eval_results) == rates.height
    scottish = slices["accent=scottish", "clean"]
    assert (scottish.metric_type, scottish.metric_value) == ("wer", 31.2)
    assert scottish.metric_args["speakers"] == 8
    assert (scottish.metric_args["low"], scottish.metric_args["high"]) == (22.72, 42.84)
    assert "95 % interval [22.7, 42.8], 8 speakers, 320 words" in scottish.metric_name
    assert ("accent=welsh", "clean") not in slices  # not judged
    assert "<!-- asrfair:" not in made["small"]


def test_the_hub_card_of_synthetic_voices_and_imputed_labels_says_so(sample: Any, found: Any) -> None:
    hub = pytest.importorskip("huggingface_hub")
    corpus = {**sample.SIGNATURE["corpus"], "kind": "synthetic"}
    signature = sample.signature(corpus=corpus, axes=sample.about(imputed=True, assigned_by="guessed"))
    card = metrics_card(dataclasses.replace(found, signature=signature))
    results = hub.ModelCard(hub_cards(card, markdown(card))["small"]).data.eval_results
    assert all("synthetic voices" in result.metric_name for result in results)
    assert all("imputed labels" in r.metric_name for r in results if r.dataset_config != "overall")


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_a_string_of_the_hubs_metadata(found: Any, label: str) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = metrics_card(renamed(found, label))
    (first, *_) = hub_cards(card, markdown(card)).items()
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first[0])
    found_back = hub.ModelCard(first[1]).data
    assert len(found_back.eval_results) == 12


def test_nothing_judged_is_no_model_card(sample: Any, found: Any) -> None:
    pytest.importorskip("huggingface_hub")
    nothing = dataclasses.replace(found, rates=found.rates.with_columns(pl.lit(None, pl.Float64).alias("low")))
    card = metrics_card(nothing)
    with pytest.raises(InputError, match="found nothing judged of small"):
        hub_cards(card, markdown(card))


def test_escaping_is_undone_by_the_reader() -> None:
    for label in HOSTILE:
        page = _Reader()
        page.feed(html_of(f"x {escape(label)} y"))
        from asrfair.report.text import safe

        assert f"x {safe(label)} y" in "".join(page.text)


def test_tables_are_captioned_and_the_name_stands_before_the_contents(sample: Any, more: Any) -> None:
    page = html_of(markdown(metrics_card(more.enlarge(sample))))
    captions = re.findall(r'<caption id="(table-\d+)">([^<]+)</caption>', page)
    assert len(captions) == page.count("<table>") > 5
    assert len({name for name, _ in captions}) == len(captions)
    assert "Disparities: by measure" in [text for _, text in captions]
    assert all(f'aria-labelledby="{name}"' in page for name, _ in captions)
    assert page.index("<h1") < page.index('<nav aria-label="Contents">') < page.index('<main id="card">')
    assert page.count("<h1") == 1


def test_a_measure_of_all_groups_has_no_unlabelled_side_and_a_missing_p_is_a_dash(sample: Any) -> None:
    found = sample.realistic()
    row = sample.disparity(
        "between_group_sd_lum",
        0.1,
        0.05,
        0.2,
        axis="accent",
        group="overall",
        reference_group=None,
        condition="clean",
        backend="small",
        speakers=38,
    )
    more = sample.results(disparities=pl.DataFrame([row])).disparities
    text = markdown(metrics_card(dataclasses.replace(found, disparities=pl.concat([found.disparities, more]))))
    (line,) = [line for line in text.splitlines() if "between group sd lum" in line]
    assert line.startswith("| between group sd lum | accent: all groups | each other | clean | small |")
    assert "| [0.05, 0.20] | - |" in line
    assert "overall: overall" not in text
    assert "| all speakers | clean |" in text
