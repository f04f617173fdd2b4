"""From an Altair chart to a drawing inside the page: named colours, ids of its own, no script.

A drawing's colours are placeholders that become variables of the page's style, so that they follow light and dark. Its
size is that of its view box: it grows and shrinks with the page.
"""

import io
import re
from dataclasses import dataclass
from typing import Any

NAMED = ("ink", "quiet", "rule", "paper", "mark", "band", "other", "other-band")
STEPS = 6
"""Steps of the heat map; step 0 is the lowest WER."""
COLOURS = {
    name: f"#0a0b{place:02x}"
    for place, name in enumerate([*NAMED, *(f"{kind}-{k}" for kind in ("heat", "on-heat") for k in range(STEPS))])
}
"""Placeholders: a colour for each variable, which no chart would have otherwise."""
FONT_SIZE = 12
FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
# A reader's font may be wider than the one that the drawing was measured with.
PADDING = {"left": 20, "right": 12, "top": 4, "bottom": 2}
_PLACEHOLDER = re.compile("|".join(COLOURS.values()))
_NAMES = {colour: name for name, colour in COLOURS.items()}
_ID = re.compile(r'(\bid="|url\(#|href="#)([^")]+)')
_ATTRIBUTES = re.compile(r' (?:xmlns(?::xlink)?|version|class|pointer-events|role|aria-[a-z]+)="[^"]*"')
_EMPTY = re.compile(r'<path(?: aria-hidden="true")? d=""[^>]*/>')
_SIZE = re.compile(r'<svg[^>]*?width="([\d.]+)"[^>]*?viewBox="([^"]+)"[^>]*>')
_DECIMALS = re.compile(r"(\d+\.\d{2})\d+")


@dataclass(frozen=True)
class Drawing:
    """What is inside an ``svg`` element, its view box, and its natural width in pixels."""

    inside: str
    box: str
    width: int


def draw(chart: Any, *, name: str) -> Drawing:
    """Return a chart as a drawing.

    ``name`` begins the drawing's ids. The same chart gives the same text.
    """
    file = io.StringIO()
    _styled(chart).save(file, format="svg")
    text = file.getvalue()
    found = _SIZE.match(text)
    width = float(found[1]) if found else 400.0
    box = found[2] if found else f"0 0 {width:g} 300"
    inside = text[found.end() if found else 0 :].removesuffix("</svg>")
    places: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        # Vega counts on from drawing to drawing.
        return f"{match[1]}{name}-{places.setdefault(match[2], len(places))}"

    for pattern, replacement in ((_ATTRIBUTES, ""), (_EMPTY, ""), (_DECIMALS, r"\1"), (_ID, number)):
        inside = _outside_text(pattern, replacement, inside)
    inside = _outside_text(_PLACEHOLDER, lambda match: f"var(--{_NAMES[match[0]]})", inside)
    return Drawing(inside, box, round(width))


def _outside_text(pattern: re.Pattern[str], replacement: Any, text: str) -> str:
    """Replace in tags alone: what stands between them is data."""
    parts = re.split(r"(<[^>]*>)", text)
    return "".join(pattern.sub(replacement, part) if part.startswith("<") else part for part in parts)


def _styled(chart: Any) -> Any:
    axis = {
        "labelColor": COLOURS["ink"],
        "titleColor": COLOURS["ink"],
        "tickColor": COLOURS["quiet"],
        "domainColor": COLOURS["quiet"],
        "gridColor": COLOURS["rule"],
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": "normal",
        "labelLimit": 150,
    }
    return chart.configure(background="transparent", font=FONT, aria=False, padding=PADDING, axis=axis).configure_view(
        stroke=None
    )
