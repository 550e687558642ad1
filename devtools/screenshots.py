"""Take pictures of every page in every state, in both languages, at three widths, light and dark.

Run by `make screenshots`: those that the README shows go to docs/screenshots/, all of them to
build/screenshots/. It starts the whole system on invented people in a temporary folder and lives through a
few calls there first.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from devtools.gallery.scene import evening
from devtools.gallery.states import State, states
from devtools.gallery.studio import LOCALES, WIDTHS, Studio, opened
from devtools.system import ROOT

OUT = ROOT / "build" / "screenshots"
DOCS = ROOT / "docs" / "screenshots"
DOCS_WIDTHS = (390, 1440)
SHOWN = {
    "hotline call": "hotline", "board board": "board", "phones phones": "phones",
    "volunteer offered": "volunteer", "volunteer yours": "volunteer",
}  # fmt: skip
"""The states that the README shows, by the names of their pictures there."""

ONLY_AT = {"volunteer offered": 1440, "volunteer yours": 390}
"""Of two states that share a name there, which is shown at which width."""


def take(studio: Studio, wanted: Sequence[State], out: Path) -> int:
    """Photograph these states in every language, width and theme; how many pictures were taken."""
    count = 0
    for language in LOCALES:
        for width in WIDTHS:
            for who in dict.fromkeys(state.who for state in wanted):
                page = studio.page(who, language, width)
                for state in (one for one in wanted if one.who == who):
                    state.open(page, language)
                    for theme in ("light", "dark"):
                        page.emulate_media(color_scheme=theme)
                        page.wait_for_timeout(350)
                        name = re.sub(r"\W+", "-", f"{state.face}-{state.name}")
                        page.screenshot(path=out / f"{name}-{language}-{width}-{theme}.png", full_page=True)
                        count += 1
                        if theme == "light":
                            _show(page, state, language, width)
                    page.emulate_media(color_scheme="light")
                page.context.close()
    return count


def _show(page: Page, state: State, language: str, width: int) -> None:
    """Keep what the README shows: the window as it is, not the whole page."""
    key = f"{state.face} {state.name}"
    if key in SHOWN and width in DOCS_WIDTHS and ONLY_AT.get(key, width) == width:
        page.screenshot(path=DOCS / f"{SHOWN[key]}-{language}-{width}.png")


def main() -> None:
    """Start, live, photograph, stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="photograph only states whose face and name contain this")
    only = parser.parse_args().only
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    with opened() as studio:
        wanted = [one for one in states(studio, evening(studio)) if only in f"{one.face} {one.name}"]
        count = take(studio, wanted, OUT)
    print(f"{count} pictures in {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
