"""What the office looks after itself: the SMS texts, what they cost, and a place to try a wording."""

import json
from dataclasses import dataclass

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from dispatcher.sms import office_texts, samples, texts
from dispatcher.sms.office_texts import OfficeTexts, Problem, Reading
from dispatcher.web.auth import COORDINATORS, roles
from dispatcher.web.words import MESSAGE_KIND, TEXT_PROBLEM

blueprint = Blueprint("office", __name__, url_prefix="/office")


@dataclass(frozen=True)
class Wording:
    """One text in one language. `says`: with usual names filled in; `segments` of that, and `most` with the
    longest names."""

    template: str
    changed: bool
    says: str
    segments: int
    most: int


@dataclass(frozen=True)
class Trial:
    """A wording that somebody tries. `entry`: such as "sms.received"; `line`: what to write into the file."""

    entry: str
    language: str
    text: str
    problems: tuple[Problem, ...] = ()
    wording: Wording | None = None
    table: str = ""
    line: str = ""


@blueprint.get("/texts")
@roles(*COORDINATORS)
def sms_texts() -> ResponseReturnValue:
    """Every text in both languages as its reader gets it; with `entry` and `language`, that one to try."""
    entry, language = request.args.get("entry", ""), request.args.get("language", "zh")
    trial = None
    if _known(entry, language):
        table, name = entry.split(".")
        trial = Trial(entry, language, texts.catalogue(language)[table][name])
    return _page(trial)


@blueprint.post("/texts/try")
@roles(*COORDINATORS)
def try_text() -> ResponseReturnValue:
    """What a wording would look like and cost. Nothing is kept of it."""
    entry, language = request.form.get("entry", ""), request.form.get("language", "")
    text = request.form.get("text", "").replace("\r\n", "\n").strip()[: 2 * office_texts.MOST_CHARACTERS]
    if not _known(entry, language):
        return _page(Trial(entry, language, text)), 422
    table, name = entry.split(".")
    problems = office_texts.check(language, table, name, text, texts.catalogue(language))
    wording = None
    # What is only too long can still be shown, so that it can be seen how much is.
    if table != "words" and all(problem.code == "too_long" for problem in problems):
        wording = _wording(table, name, language, text, True)
    line = f"{name} = {json.dumps(text, ensure_ascii=False)}"
    trial = Trial(entry, language, text, tuple(problems), wording, f"[{language}.{table}]", line)
    code = 422 if problems else 200
    if request.headers.get("HX-Request"):
        return render_template("office/_trial.html", trial=trial, problem=TEXT_PROBLEM), code
    return _page(trial), code


def _known(entry: str, language: str) -> bool:
    table, _dot, name = entry.partition(".")
    return language in texts.LANGUAGES and name in texts.built_in(language).get(table, {})


def _page(trial: Trial | None) -> str:
    found: OfficeTexts = current_app.extensions["office_texts"]
    reading = found.reading()
    return render_template(
        "office/texts.html", place=found.path, reading=reading, kinds=_kinds(reading), words=_words(reading),
        trial=trial or Trial("sms.received", "zh", texts.catalogue("zh")["sms"]["received"]),
        tried=trial is not None, options=_options(), problem=TEXT_PROBLEM,
    )  # fmt: skip


def _kinds(reading: Reading) -> dict[str, dict[str, dict[str, Wording]]]:
    """By kind, table and language."""
    return {
        kind: {
            table: {
                language: _wording(
                    table, kind, language, reading.catalogues[language][table][kind],
                    (language, table, kind) in reading.changed,
                )
                for language in texts.LANGUAGES
            }
            for table in ("sms", "say")
            if kind in texts.built_in("zh")[table]
        }
        for kind in texts.built_in("zh")["sms"]
    }  # fmt: skip


def _wording(table: str, kind: str, language: str, template: str, changed: bool) -> Wording:
    words = texts.catalogue(language)["words"]
    usual = samples.usual(kind, language)
    if table == "say":
        known = texts.worded_by(words, language, usual, samples.NOW, samples.ZONE)
        return Wording(template, changed, template.format_map(known), 0, 0)
    says = texts.fill(template, words, language, usual, samples.NOW, samples.ZONE)
    most = office_texts.segments_at_most(kind, language, template, words)
    return Wording(template, changed, says, texts.segments(says), most)


def _words(reading: Reading) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """What parameters become: (name, for each language the word and whether it is the office's own)."""
    return [
        (
            name,
            [
                (lang, reading.catalogues[lang]["words"][name], (lang, "words", name) in reading.changed)
                for lang in texts.LANGUAGES
            ],
        )
        for name in texts.built_in("zh")["words"]
    ]


def _options() -> list[tuple[str, str]]:
    """What can be tried: every entry with its name in words."""
    words = {"sms": _("SMS"), "say": _("On the phone"), "words": _("Word")}
    return [
        (f"{table}.{name}", f"{word}: {name if table == 'words' else _of(name)}")
        for table, word in words.items()
        for name in texts.built_in("zh")[table]
    ]


def _of(kind: str) -> str:
    return f"{MESSAGE_KIND.get(kind, kind)} ({kind})"
