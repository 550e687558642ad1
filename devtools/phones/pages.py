"""The page with the phones; its content is filled in by the scripts in static/."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for

from devtools.phones import numbers
from devtools.phones.texts import LANGUAGE_TAGS, TEXTS, choose_language


def blueprint() -> Blueprint:
    """The routes of the page: the list, and one phone."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def index() -> str:
        return _render("phones.html", number="")

    @routes.get("/phones/<number>")
    def phone(number: str) -> str:
        if not numbers.is_e164(number):
            abort(404)
        return _render("phones.html", number=number)

    return routes


def error_page(status: int) -> tuple[str, int]:
    """A page that says what is wrong and leads back."""
    return _render("error.html", missing=status == 404), status


def _render(template: str, **values: object) -> str:
    language = choose_language(request.args.get("lang"), request.accept_languages)
    other = "en" if language == "zh" else "zh"
    return render_template(
        template,
        lang=language,
        tag=LANGUAGE_TAGS[language],
        other=other,
        other_tag=LANGUAGE_TAGS[other],
        other_url=f"{request.path}?lang={other}",
        home_url=url_for("pages.index", lang=language),
        texts=TEXTS[language],
        **values,
    )
