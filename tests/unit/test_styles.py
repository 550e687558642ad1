"""Colours and fonts have one place, and pictures and the page of parts agree with it."""

import re
from pathlib import Path

import pytest

from dispatcher.web import charts, colours

ROOT = Path(__file__).parents[2]
CSS = ROOT / "static/css"
TOKENS = (CSS / "tokens.css").read_text("utf-8")
LIGHT, _, DARK = TOKENS.partition("@media (prefers-color-scheme: dark)")
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|color)\(")


def _value(css: str, name: str) -> str:
    found = re.search(rf"--{name}:\s*([^;]+);", css)
    assert found, name
    return found[1]


def _rules(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


@pytest.mark.parametrize("path", sorted(CSS.glob("*.css")), ids=lambda path: path.name)
def test_no_style_sheet_but_the_tokens_names_a_colour_or_a_font(path: Path) -> None:
    if path.name == "tokens.css":
        return
    rules = _rules(path.read_text("utf-8"))
    assert COLOUR.findall(rules) == []
    fonts = set(re.findall(r"font(?:-family)?:\s*([^;]+);", rules))
    assert fonts <= {"inherit", "var(--font)", "var(--font-code)"}


def test_pictures_have_the_colours_of_the_pages() -> None:
    for css, palette in ((LIGHT, colours.LIGHT), (DARK, colours.DARK)):
        assert palette == {name: _value(css, name) for name in palette}
    assert _value(LIGHT, "font") == colours.FONT
    assert {*charts.TONES.values()} <= {*colours.LIGHT}


def test_the_page_of_parts_shows_every_colour() -> None:
    shown = set(re.findall(r"\.token-([\w-]+) ", (CSS / "design.css").read_text("utf-8")))
    named = {name for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", LIGHT) if COLOUR.match(value)}
    assert shown == named
