"""The page of a small run in headless Chromium: it loads alone, works by mouse and by keyboard, and can be read.

The fixture ``opened`` fails every test in which the page writes to the console, asks for anything, or runs into its own
policy.
"""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HOSTILE = "<img src=x onerror=document.title='hacked'>"
ARABIC = "الخليج"
DURATION_S = 1.5
PHONE = {"width": 390, "height": 844}
LEAST_CONTRAST = 4.5
# What has to have a name to be found by, in Chromium's words.
NAMED = {"heading", "table", "figure", "image", "Audio", "button", "link", "searchbox", "columnheader", "region"}
RATES = "#rates-accent"

Open = Callable[..., Any]


def open_all(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


def first_cells(page: Any, table: str = RATES) -> list[str]:
    return page.locator(f"{table} tbody tr > :first-child").all_inner_texts()


def numbers(page: Any, column: int, table: str = RATES) -> list[float]:
    texts = page.locator(f"{table} tbody tr > :nth-child({column})").all_inner_texts()
    return [float(found[0]) for text in texts if (found := re.findall(r"[\d.]+", text))]


def column_of(page: Any, title: str, table: str = RATES) -> int:
    titles = page.locator(f"{table} thead th").all_inner_texts()
    return next(place for place, text in enumerate(titles, 1) if text.strip().startswith(title))


def test_it_loads_alone_and_without_a_word_on_the_console(opened: Open, report: Path) -> None:
    page = opened()
    assert page.title() == "Small <b>corpus</b>: speech recognition by group"
    assert page.locator("h1").inner_text() == "Small <b>corpus</b>"
    assert page.locator("svg[role=img]").count() >= 5
    assert page.locator("audio").count() >= 3
    assert report.stat().st_size < 3_000_000


def test_requests_and_faults_would_be_seen(browser: Any, report: Path, opened: Open) -> None:
    """The watch itself: a picture from elsewhere is blocked by the page's policy, and told."""
    page = opened()
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}))")
    page.wait_for_function("window.violations.length > 0")
    assert page.evaluate("window.violations") == ["img-src: https://example.org/x.png"]
    assert any("example.org" in told for told in page.told)
    page.evaluate("window.violations.length = 0")
    page.told.clear()


def sorts(page: Any, column: int, order: str) -> None:
    """Wait for what the table says of its order, and see that it is so."""
    page.wait_for_selector(f"{RATES} thead th:nth-child({column})[aria-sort={order}]", state="attached")
    found = numbers(page, column)
    assert len(set(found)) > 3
    assert found == sorted(found, reverse=order == "descending")


def test_a_table_sorts_by_click(opened: Open) -> None:
    page = opened()
    column = column_of(page, "WER")
    head = page.locator(f"{RATES} thead th:nth-child({column})")
    head.click()
    sorts(page, column, "ascending")
    head.click()
    sorts(page, column, "descending")


def test_a_table_sorts_by_keyboard_which_reaches_it(opened: Open) -> None:
    page = opened()
    column = column_of(page, "WER")
    reached = []
    for _ in range(400):
        page.keyboard.press("Tab")
        head = f"document.activeElement.closest('{RATES} th')"
        reached.append(page.evaluate(f"{head} ? {head}.innerText.trim() : ''"))
        if reached[-1].startswith("WER"):
            break
    assert [title for title in reached if title][-1:] == reached[-1:], "the Tab key does not get there"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    sorts(page, column, "ascending")
    page.keyboard.press("Space")
    sorts(page, column, "descending")


def test_a_table_is_searched_and_filtered(opened: Open) -> None:
    page = opened()
    every = first_cells(page)
    assert set(every) >= {"north", HOSTILE, ARABIC}
    page.fill(f"{RATES}-search", "img src=x")
    assert set(first_cells(page)) == {HOSTILE}
    page.fill(f"{RATES}-search", "")
    assert first_cells(page) == every
    choices = page.locator(f"select[id^='{RATES[1:]}-choice-']")
    names = choices.evaluate_all("all => all.map(one => [one.id, [...one.options].map(option => option.text)])")
    chosen = next(name for name, options in names if "telephone" in options)
    column = page.locator(f"#{chosen}").evaluate("field => Number(field.id.split('-').pop()) + 1")
    page.select_option(f"#{chosen}", label="telephone")
    cells = page.locator(f"{RATES} tbody tr > :nth-child({column})").all_inner_texts()
    assert cells
    assert set(cells) == {"telephone"}


def test_a_narrow_screen_shows_the_rate_and_its_interval_beside_the_group(opened: Open) -> None:
    page = opened(viewport=PHONE)
    for table in (RATES, "#rates-overall"):
        first = page.locator(f"{table} tbody tr").first
        first.scroll_into_view_if_needed()
        column = column_of(page, "interval", table)
        box = first.locator(f":scope > :nth-child({column})").bounding_box()
        assert box["x"] + box["width"] <= PHONE["width"]


def test_seldom_wanted_columns_are_shown_on_demand(opened: Open) -> None:
    page = opened(viewport={"width": 1280, "height": 900})
    head = page.locator(f"{RATES} thead th", has_text="substituted")
    assert not head.is_visible()
    page.check(f"{RATES}-more")
    assert head.is_visible()
    assert page.locator(f"{RATES} tbody tr").first.locator("td.rare").first.is_visible()


def test_a_small_table_has_no_search_field(opened: Open) -> None:
    page = opened()
    few = "table.sortable:not(:has(tbody tr:nth-child(11)))"
    ids = page.locator(few).evaluate_all("all => all.map(one => [one.id, one.closest('.dt-container') !== null])")
    paged = set(page.locator(".dt-container:has(.dt-paging) table").evaluate_all("all => all.map(one => one.id)"))
    small = [name for name, enhanced in ids if enhanced and name not in paged]
    assert small
    assert not [name for name in small if page.locator(f"[id='{name}-search']").count()]


def test_the_sounds_play(opened: Open) -> None:
    page = opened()
    players = page.locator("audio")
    names = players.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert names[0].startswith("As recorded: utterance u")
    assert any(re.match(r"As heard under \S+: utterance u\d\d$", name) for name in names)
    for place in range(3):
        seen = players.nth(place).evaluate(
            """async player => {
                player.closest("details")?.setAttribute("open", "");
                await player.play();
                const start = performance.now();
                while (player.currentTime < 0.2 && performance.now() - start < 5000)
                    await new Promise(done => setTimeout(done, 20));
                player.pause();
                return [player.duration, player.currentTime, player.readyState];
            }"""
        )
        assert seen[0] == pytest.approx(DURATION_S, abs=0.01)
        assert seen[1] >= 0.2
        assert seen[2] >= 2


def test_a_recorded_sound_is_not_the_degraded_one(opened: Open) -> None:
    page = opened()
    article = page.locator("article.utterance", has=page.locator("audio").nth(1)).first
    sources = article.locator("audio").evaluate_all("all => all.map(one => one.src)")
    assert len(set(sources)) == len(sources) >= 2


@pytest.mark.parametrize("script", [True, False])
def test_hostile_texts_do_nothing(opened: Open, script: bool) -> None:
    page = opened(java_script_enabled=script)
    assert page.locator("img").count() == 0
    assert page.locator("[onerror]").count() == 0
    assert page.title().startswith("Small")
    assert page.locator(f"{RATES} tbody th", has_text=HOSTILE).count() > 0
    words = page.locator("#utterances .word .heard")
    assert any("onerror=document" in text for text in words.all_text_contents())


def test_light_and_dark(opened: Open) -> None:
    page = opened(color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.click("#theme")
    dark = page.evaluate(paper)
    assert light != dark
    page.click("#theme")
    assert page.evaluate(paper) == light
    assert opened(color_scheme="dark").evaluate(paper) == dark


@pytest.mark.parametrize("width", [PHONE["width"], 320, 1280])
def test_nothing_sticks_out(opened: Open, width: int) -> None:
    page = opened(viewport={**PHONE, "width": width})
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.body.scrollWidth") <= width


def test_every_text_stands_out_from_its_ground(opened: Open, looks: ModuleType) -> None:
    page = opened()
    open_all(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = page.evaluate(looks.CONTRAST)
        assert len(found) > 300
        assert any("SVG" in item["where"] for item in found), "no text of a drawing was looked at"
        assert [(scheme, item) for item in found if item["ratio"] < LEAST_CONTRAST] == []


def test_contrast_is_measured(opened: Open, looks: ModuleType) -> None:
    """The measure itself, against the values of WCAG's own examples: #777 on white 4.48, #767676 on white 4.54."""
    page = opened(color_scheme="light")
    page.evaluate(
        """() => {
            document.body.replaceChildren(...[["#777", 1], ["#767676", 1], ["#000", 0.5]].map(([color, opacity]) => {
                const line = document.createElement("p");
                line.textContent = `${color} ${opacity}`;
                line.style.setProperty("color", color);
                line.style.setProperty("opacity", opacity);
                line.style.setProperty("background", "#fff");
                return line;
            }));
        }"""
    )
    ratios = [item["ratio"] for item in page.evaluate(looks.CONTRAST)]
    assert ratios == pytest.approx([4.48, 4.54, 3.95], abs=0.03)


def test_what_a_screen_reader_finds(opened: Open, looks: ModuleType) -> None:
    page = opened()
    open_all(page)
    nodes = looks.tree(page)
    roles = {node.role for node in nodes}
    assert {"main", "navigation", "banner", "contentinfo"} <= roles
    levels = [node.level for node in nodes if node.role == "heading"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert roles >= NAMED
    assert [node for node in nodes if node.role in NAMED and not node.name.strip()] == []
    text = " ".join(node.name for node in nodes if node.role == "StaticText")
    for told in ("[substitution: said", "[deletion: said", "heard nothing]", "[insertion: heard", "not said]"):
        assert told in text, told


def test_it_can_be_read_without_scripts(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator(f"{RATES} tbody tr").count() >= 10
    assert page.locator("#theme").is_hidden()
    assert page.locator("#utterances article").count() > 3


def test_it_prints_with_all_there_is(opened: Open) -> None:
    page = opened()
    assert page.pdf()[:5] == b"%PDF-"
