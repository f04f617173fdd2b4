"""A service card's Markdown as one HTML file: no network, no script, light and dark, printable.

Markdown is read by markdown-it, with HTML in it shown as text; a content security policy keeps the page from loading
anything, whatever an owner links to.
"""

import html
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from asrfair.report.card.markers import without_markers

if TYPE_CHECKING:
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

DEEPEST_IN_CONTENTS = 3


def html_of(markdown: str) -> str:
    """Return a card's Markdown, its markers left out, as a whole HTML document."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", _table_close)
    reader.add_render_rule("th_open", _th_open)
    # A number and its per cent stay on one line.
    text = re.sub(r"(?<=\d) %", "\u00a0%", without_markers(markdown.removeprefix("\ufeff")))
    tokens = reader.parse(text)
    headings = _headings(tokens)
    _name_tables(tokens)
    title = next((text for _, _, text in headings), "Service card")
    body = reader.renderer.render(tokens, reader.options, {})
    # The card's name stands before the contents, where it is at its beginning.
    first, end, rest = body.partition("</h1>\n")
    first, rest = (f"{first}{end}", rest) if body.startswith("<h1") else ("", body)
    return _PAGE.format(
        title=html.escape(title),
        style=_STYLE,
        first=first,
        contents=_contents([heading for heading in headings if 1 < heading[0] <= DEEPEST_IN_CONTENTS]),
        body=rest,
    )


def _headings(tokens: "Sequence[Token]") -> list[tuple[int, str, str]]:
    """Give every heading an anchor of its own; return levels, anchors and texts."""
    found: list[tuple[int, str, str]] = []
    used: set[str] = set()
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        text = "".join(child.content for child in inline.children or ())
        anchor = re.sub(r"\W+", "-", text.lower()).strip("-") or "part"
        while anchor in used:
            anchor += "-"
        used.add(anchor)
        opening.attrSet("id", anchor)
        found.append((int(opening.tag[1:]), anchor, text))
    return found


def _contents(headings: Sequence[tuple[int, str, str]]) -> str:
    items = [
        f'<li class="h{level}"><a href="#{html.escape(anchor)}">{html.escape(text)}</a></li>'
        for level, anchor, text in headings
    ]
    return "\n".join(items)


def _name_tables(tokens: "Sequence[Token]") -> None:
    """Give every table a number and its caption: the nearest heading, with what its rows are by."""
    heading, number = "", 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = "".join(child.content for child in tokens[place + 1].children or ())
        if token.type == "table_open":
            number += 1
            heads = (each for each in tokens[place:] if each.type == "inline")
            first = "".join(child.content for child in next(heads).children or ())
            told = "the facts" if first == "what" else f"by {first}"
            token.meta = {"id": f"table-{number}", "caption": f"{heading}: {told}" if heading else told}


def _table_open(renderer: "RendererHTML", tokens: "Sequence[Token]", index: int, options: Any, env: Any) -> str:
    # A wide table scrolls by itself, with the keyboard too.
    name, caption = (html.escape(str(tokens[index].meta[key])) for key in ("id", "caption"))
    return (
        f'<div class="wide" role="region" tabindex="0" aria-labelledby="{name}"><table>\n'
        f'<caption id="{name}">{caption}</caption>\n'
    )


def _table_close(renderer: "RendererHTML", tokens: "Sequence[Token]", index: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


def _th_open(renderer: "RendererHTML", tokens: "Sequence[Token]", index: int, options: Any, env: Any) -> str:
    return '<th scope="col">'


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="generator" content="asrfair">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<a class="skip" href="#card">Skip to the card</a>
<header>{first}</header>
<nav aria-label="Contents">
<details open>
<summary>Contents</summary>
<ul>
{contents}
</ul>
</details>
</nav>
<main id="card">
{body}</main>
</body>
</html>
"""
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --quiet: #57606a; --line: #c8ced4; --soft: #f3f5f7;
  --link: #0b57a8; --empty: #fff4d6; --edge: #8a6100; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14181c; --quiet: #a5afb9; --line: #444c55;
  --soft: #1e242a; --link: #86b9f5; --empty: #33290f; --edge: #e3b341; } }
* { box-sizing: border-box; }
html { background: var(--paper); }
body { color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 78rem; padding: 1rem; }
main { min-width: 0; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { border-bottom: 2px solid var(--line); font-size: 1.4rem; margin-top: 2.5rem; padding-bottom: .3rem; }
h3 { font-size: 1.13rem; margin-top: 2rem; }
h4 { font-size: 1rem; }
p, main li, blockquote { max-width: 50rem; }
main li { margin: .4rem 0; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, .wide:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { left: -99rem; position: absolute; }
.skip:focus { background: var(--paper); left: 1rem; padding: .5rem; }
blockquote { background: var(--empty); border-left: .3rem solid var(--edge); margin: 1rem 0; padding: .1rem 1rem; }
pre { background: var(--soft); overflow-x: auto; padding: .75rem; white-space: pre-wrap; }
.wide { margin: 1rem 0; max-height: 34rem; overflow: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th { background: var(--soft); position: sticky; text-align: left; top: 0; vertical-align: bottom; }
caption { font-weight: 600; padding: .2rem 0; text-align: start; }
th, td { border: 1px solid var(--line); overflow-wrap: normal; padding: .3rem .6rem; }
td { vertical-align: top; }
nav ul { columns: 15rem; list-style: none; margin: .5rem 0; padding: 0; }
nav .h3 { padding-left: 1.2rem; }
nav li { line-height: 1.7; }
summary { color: var(--quiet); cursor: pointer; }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --quiet: #333; --line: #888; --soft: #eee;
  --empty: #fff; --edge: #555; }
  body { font-size: 9.5pt; max-width: none; padding: 0; } nav, .skip { display: none; }
  .wide { max-height: none; overflow: visible; } th { position: static; } table { font-size: 7pt; width: 100%; }
  th, td { overflow-wrap: anywhere; padding: 1pt 3pt; }
  tr { break-inside: avoid; } h2, h3, h4 { break-after: avoid; } }
""".strip()
