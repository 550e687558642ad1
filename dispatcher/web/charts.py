"""Pictures of figures: SVG drawn by pygal, in our colours, light and dark, without a script.

pygal brings a style sheet and a script of its own; both are taken out, as are the texts meant for the script,
and one style sheet is put in, the same for every picture, so that its hash can be allowed and nothing else.
"""

import hashlib
import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width
from xml.etree import ElementTree

import pygal
from pygal.style import Style

from dispatcher.web.colours import DARK, FONT, LIGHT

# It leaves behind a finder of modules for plugins of its own, of a kind that Python has given up.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

WIDTH = 400
"""Units across; a picture is shown at about one pixel a unit, so that its text is as large as on the page."""

_TEXT = 12
TONES = {"plain": "accent", "good": "accent", "late": "waiting-bar", "bad": "needs", "soft": "line-strong"}
"""What a row of a picture means, and its colour. The order of light and dark tells them apart in print."""


@dataclass(frozen=True)
class Series:
    """One row of figures, as long as the labels; `tone`: one of :data:`TONES`."""

    name: str
    values: Sequence[float]
    tone: str = "plain"


def bars(
    labels: Sequence[str],
    series: Sequence[Series],
    title: str,
    *,
    lying: bool = False,
    every: int = 1,
    percent: bool = False,
) -> bytes:
    """Bars side by side, or `lying` below each other, stacked where there are several `series`.

    `every`: only every so manieth label is written. `percent`: the values are percentages of a whole.
    """
    largest = max((sum(column) for column in zip(*(s.values for s in series), strict=True)), default=0)
    common: dict[str, Any] = {
        "js": [], "css": [], "title": None, "show_legend": False, "no_prefix": True, "margin": 6,
        "width": WIDTH, "print_values": False, "truncate_label": -1, "min_scale": 2, "max_scale": 5,
        "style": Style(label_font_size=_TEXT, major_label_font_size=_TEXT, font_family="sans-serif"),
        "range": (0, 100 if percent else max(largest, 1)),
        "value_formatter": lambda value: f"{value:.0f}%" if percent else f"{value:.0f}",
    }  # fmt: skip
    if percent:
        common["y_labels"] = [0, 25, 50, 75, 100]
    elif largest <= 3:
        common["y_labels"] = list(range(int(largest) + 1)) if largest else [0, 1]
    if lying:
        chart = pygal.HorizontalStackedBar(
            height=34 + 26 * max(1, len(labels)), margin_right=20, margin_left=6 + _more_width(labels),
            **common,
        )  # fmt: skip
        # Its first row is at the bottom.
        order = slice(None, None, -1)
    else:
        chart = pygal.StackedBar(
            height=180, x_labels_major_every=every, show_minor_x_labels=every == 1, **common
        )
        order = slice(None)
    chart.x_labels = list(labels)[order]
    for one in series:
        chart.add(one.name, list(one.values)[order])
    return _finished(chart.render_tree(), title, [one.tone for one in series])


def _more_width(labels: Sequence[str]) -> int:
    """What labels need beyond the room that pygal leaves, to which every character is a Latin one."""
    widths = [sum(1.0 if east_asian_width(ch) in "WF" else 0.6 for ch in label) for label in labels]
    left = 0.6 * max(map(len, labels), default=0)
    return max(0, int(_TEXT * (max(widths, default=0) - left)))


def _finished(svg: ElementTree.Element, title: str, tones: Sequence[str]) -> bytes:
    """The picture without what a script would need, and with our style sheet and title."""
    for parent in list(svg.iter()):
        for child in list(parent):
            name = child.tag if isinstance(child.tag, str) else "comment"
            tooltip = "tooltip" in child.get("class", "").split()
            if (
                name in ("script", "style", "desc", "title", "comment")
                or not isinstance(child.tag, str)
                or tooltip
            ):
                parent.remove(child)
    svg.attrib.pop("id", None)
    svg.set("role", "img")
    svg.set("width", str(WIDTH))
    svg.insert(0, _element("title", title))
    svg.insert(1, _element("style", STYLE))
    for number, tone in enumerate(tones):
        for group in svg.iter():
            if f"color-{number}" in group.get("class", "").split():
                group.set("class", f"{group.get('class')} tone-{tone}")
    return ElementTree.tostring(svg, encoding="utf-8")


def _element(tag: str, text: str) -> ElementTree.Element:
    made = ElementTree.Element(tag)
    made.text = text
    return made


def _palette(colours: dict[str, str]) -> str:
    tones = "".join(f".tone-{tone} .rect{{fill:{colours[name]}}}" for tone, name in TONES.items())
    return (
        f"text{{fill:{colours['ink-soft']}}}"
        f".vertical .axis.x text,.horizontal .axis.y text{{fill:{colours['ink']}}}"
        f".guide.line{{stroke:{colours['line']}}}.axis.line,.axis>.line{{stroke:{colours['line-strong']}}}{tones}"
    )


STYLE = (
    f"text{{font:{_TEXT}px {FONT};font-variant-numeric:tabular-nums;stroke:none}}"
    ".background{fill:none}path{fill:none;stroke-width:1}.rect{stroke:none}"
    ".axis.x text{text-anchor:middle}.axis.y text{text-anchor:end}"
    ".vertical .axis.x path,.vertical .axis.y>path{stroke:none!important}"
    f"{_palette(LIGHT)}@media (prefers-color-scheme:dark){{{_palette(DARK)}}}"
)
POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of a picture: its own style sheet and nothing else."""
