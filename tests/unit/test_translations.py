"""Every sentence of the pages is there in Chinese, with the same placeholders."""

import io
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}


def _catalogue() -> Catalog:
    with (ROOT / "translations/zh/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="zh")


def _used() -> set[str | tuple[str, ...]]:
    methods, options = parse_mapping_cfg(io.StringIO((ROOT / "babel.cfg").read_text()))
    found = extract_from_dir(str(ROOT), methods, options, KEYWORDS)
    return {message for _, _, message, _, _ in found}


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)[sd]", text))


def test_no_message_is_untranslated() -> None:
    catalogue = _catalogue()
    used = _used()
    assert len(used) > 300
    missing = []
    for message in used:
        entry = catalogue.get(message[0] if isinstance(message, tuple) else message)
        words = entry.string if entry else ""
        if not (all(words) if isinstance(words, tuple) else words) or not words:
            missing.append(message)
    assert missing == []


def test_translations_keep_the_placeholders_and_nothing_is_fuzzy() -> None:
    for entry in _catalogue():
        if not entry.id:
            continue
        assert "fuzzy" not in entry.flags, entry.id
        forms = [entry.id] if isinstance(entry.id, str) else list(entry.id)
        words = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
        for said in words:
            assert _placeholders(said) <= set.union(*map(_placeholders, forms)), entry.id
            assert _placeholders(said) >= _placeholders(forms[0]) - {"num"}, entry.id
