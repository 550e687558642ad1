"""The office's own wording: a file that overrides single texts, checked, and read again when it changes.

The file is TOML with tables such as `[zh.sms]`, `[en.say]` or `[zh.words]`. Nothing in it can stop an SMS: an
entry that isn't right is left out, the text that comes with the program is used in its place, and what is
wrong is kept in :attr:`Reading.problems` for the page that shows it, and logged once.
"""

import logging
import tomllib
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from dispatcher.sms import samples, texts
from dispatcher.sms.texts import LANGUAGES, MOST_SEGMENTS, Catalogue

log = logging.getLogger(__name__)

TABLES = ("words", "sms", "say")
MOST_BYTES = 60_000
MOST_CHARACTERS = 600

Signature = tuple[int, int, int] | None


@dataclass(frozen=True)
class Problem:
    """Why an entry, or the whole file, isn't used.

    `where`: such as "zh.sms.received", or "" for the file. `code`: "unreadable", "not_toml", "unknown_table",
    "unknown_entry", "not_text", "empty", "too_many_characters", "braces", "unknown_names", "missing_names",
    "link_touches", "signature" or "too_long". `detail`: the names, the segments, or what the reader of TOML
    says.
    """

    where: str
    code: str
    detail: str = ""


@dataclass(frozen=True)
class Reading:
    """What the file says. `changed`: the entries that are used, as (language, table, entry)."""

    catalogues: dict[str, Catalogue]
    changed: frozenset[tuple[str, str, str]] = frozenset()
    problems: tuple[Problem, ...] = ()
    there: bool = False


@dataclass
class OfficeTexts:
    """The texts in use, with the file at `path`; it needn't be there."""

    path: Path
    _signature: Signature | str = "never looked"
    _reading: Reading = field(default_factory=lambda: read(None))

    def catalogue(self, language: str) -> Catalogue:
        """The texts of a language."""
        return self.reading().catalogues[language]

    def reading(self) -> Reading:
        """What the file says now. Costs one look at its size and times unless it has changed."""
        signature = _signature(self.path)
        if signature != self._signature:
            self._reading = read(self.path if signature else None)
            self._signature = signature
            for problem in self._reading.problems:
                log.warning(
                    "SMS_TEXTS %s: %s is not used: %s %s",
                    self.path, problem.where or "the file", problem.code, problem.detail,
                )  # fmt: skip
        return self._reading


def follow(path: Path) -> OfficeTexts:
    """Use the file at `path` in this process from now on, whenever it is there."""
    found = OfficeTexts(path)
    found.reading()
    texts.use(found.catalogue)
    return found


def _signature(path: Path) -> Signature:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def read(path: Path | None) -> Reading:
    """The texts with what the file overrides; what isn't right in it is left out and said."""
    catalogues = {language: deepcopy(texts.built_in(language)) for language in LANGUAGES}
    if path is None:
        return Reading(catalogues)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            return Reading(
                catalogues, problems=(Problem("", "unreadable", f"> {MOST_BYTES} bytes"),), there=True
            )
        given = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        return Reading(catalogues, problems=(Problem("", "unreadable", error.strerror or ""),), there=True)
    except (ValueError, RecursionError) as error:  # of TOML, or no UTF-8
        return Reading(catalogues, problems=(Problem("", "not_toml", str(error)[:200]),), there=True)
    changed: set[tuple[str, str, str]] = set()
    problems: list[Problem] = []
    for language, tables in given.items():
        if language not in LANGUAGES or not isinstance(tables, dict):
            problems.append(Problem(str(language), "unknown_table"))
            continue
        for table in tables.keys() - {*TABLES}:
            problems.append(Problem(f"{language}.{table}", "unknown_table"))
        for table in TABLES:  # words first: they are part of the others
            entries = tables.get(table, {})
            if not isinstance(entries, dict):
                problems.append(Problem(f"{language}.{table}", "unknown_table"))
                continue
            for name, text in entries.items():
                found = check(language, table, name, text, catalogues[language])
                if found:
                    problems += found
                else:
                    catalogues[language][table][name] = text
                    changed.add((language, table, name))
    return Reading(catalogues, frozenset(changed), tuple(problems), there=True)


def check(language: str, table: str, name: str, text: Any, among: Catalogue) -> list[Problem]:
    """What is wrong with an entry; nothing, if it can be used. `among`: the other texts of its language."""
    where = f"{language}.{table}.{name}"
    built_in = texts.built_in(language)[table].get(name)
    if built_in is None:
        return [Problem(where, "unknown_entry")]
    if not isinstance(text, str):
        return [Problem(where, "not_text")]
    if not text.strip() and built_in:
        return [Problem(where, "empty")]
    if len(text) > MOST_CHARACTERS:
        return [Problem(where, "too_many_characters", str(MOST_CHARACTERS))]
    try:
        given, wanted = samples.placeholders(text), samples.placeholders(built_in)
    except ValueError as error:
        return [Problem(where, "braces", str(error))]
    problems = []
    if given - wanted:
        problems.append(Problem(where, "unknown_names", _braced(given - wanted)))
    if wanted - given:
        problems.append(Problem(where, "missing_names", _braced(wanted - given)))
    if not problems and "link" in given and not _link_stands_alone(text):
        problems.append(Problem(where, "link_touches"))
    if not problems and table != "say" and set(text) & set("【】"):
        problems.append(Problem(where, "signature"))
    if not problems and table != "say":
        most, allowed = _segments(language, table, name, text, among)
        if most > allowed:
            problems.append(Problem(where, "too_long", str(most)))
    return problems


def _braced(names: set[str]) -> str:
    return " ".join(f"{{{name}}}" for name in sorted(names))


def _link_stands_alone(text: str) -> bool:
    """Whether phones will see where the link begins and ends."""
    before, _link, after = text.partition("{link}")
    glued = before[-1:].isascii() and before[-1:].isalnum()
    return not glued and (not after or after[0].isspace())


def _segments(language: str, table: str, name: str, text: str, among: Catalogue) -> tuple[int, int]:
    """What the longest SMS costs that this entry is part of, and what it may cost: what comes with the
    program may be longer than all others."""
    kinds = {name: text} if table == "sms" else among["sms"]
    words = among["words"] if table == "sms" else among["words"] | {name: text}
    most = {kind: segments_at_most(kind, language, template, words) for kind, template in kinds.items()}
    kind = max(most, key=lambda one: most[one] - allowed(one, language))
    return most[kind], allowed(kind, language)


@cache
def allowed(kind: str, language: str) -> int:
    """How many segments a kind may cost."""
    tables = texts.built_in(language)
    return max(MOST_SEGMENTS, segments_at_most(kind, language, tables["sms"][kind], tables["words"]))


def segments_at_most(kind: str, language: str, template: str, words: dict[str, str]) -> int:
    """What an SMS costs with the longest names."""
    return max(
        texts.segments(texts.fill(template, words, language, params, samples.NOW, samples.ZONE))
        for params in samples.longest(kind, language)
    )
