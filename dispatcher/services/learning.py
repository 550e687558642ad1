"""Outcomes become evidence, in the transaction that records them."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from dispatcher import logs
from dispatcher.models import Acceptance, AnswerTimes, Offer, Volunteer
from dispatcher.rules import response
from dispatcher.rules.crowd import FACETS
from dispatcher.rules.learning import Evidence, outcome, recent_offers
from dispatcher.rules.lifecycle import OfferState
from dispatcher.rules.response import Curves, learned_curves
from dispatcher.services import lately

log = logging.getLogger(__name__)
_seldom = logs.Seldom()

# Held until the end of the transaction.
_ACCEPTANCES = (
    select(Acceptance)
    .where(Acceptance.volunteer_id.in_(bindparam("volunteer_ids", expanding=True)))
    .order_by(Acceptance.volunteer_id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_ANSWER_TIMES = (
    select(AnswerTimes)
    .where(AnswerTimes.campus_id.in_(bindparam("campus_ids", expanding=True)))
    .order_by(AnswerTimes.campus_id, AnswerTimes.urgent)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_ALL_TIMES = select(AnswerTimes.urgent, AnswerTimes.waiting, AnswerTimes.answered)

_FIGURES = 2 * response.STRETCHES
"""In each row of answer times: as much work as so many plain rows."""

_NEARLY_NOTHING = 1e-6

ANSWERED = (OfferState.ACCEPTED, OfferState.DECLINED)


def learn(tx: Session, ended: Iterable[Offer], now: datetime) -> None:
    """Take in offers that have ended just now, in the states they have now.

    Silence about an offer whose SMS is not known to have left says nothing of anybody. An offer that
    has been taken in before, when it expired, is accepted late: what its silence said is taken back.

    All of a transaction in one call and in a fixed order, so that two of them can't lock each other.
    """
    if not current_app.config["DISPATCH"].learning.enabled:
        return
    told = (offer for offer in ended if offer.sent_at is not None or offer.state in ANSWERED)
    offers = sorted(told, key=lambda o: (o.volunteer_id, o.id))
    known = _acceptances(tx, [offer.volunteer_id for offer in offers])
    for offer in offers:
        if offer.state in (*ANSWERED, OfferState.EXPIRED):
            _note_outcome(tx, known, offer, now)
    times = _answer_times(tx, [offer.task.campus_id for offer in offers])
    for offer in offers:
        if offer.unasked_at is None:  # nobody knows since when it was known to its volunteer
            _note_answer(tx, times, offer, now)
        offer.learned_at = now
    tx.flush()


def _acceptances(tx: Session, volunteer_ids: Sequence[int]) -> dict[int, Acceptance]:
    """What is known of these volunteers, held until the end of the transaction."""
    rows = tx.scalars(_ACCEPTANCES, {"volunteer_ids": volunteer_ids}) if volunteer_ids else ()
    return {row.volunteer_id: row for row in rows}


def _answer_times(tx: Session, campus_ids: Sequence[int]) -> dict[tuple[int, bool], AnswerTimes]:
    """How fast people answer for these campuses, held until the end of the transaction."""
    rows = tx.scalars(_ANSWER_TIMES, {"campus_ids": campus_ids}) if campus_ids else ()
    return {(row.campus_id, row.urgent): row for row in rows}


def offered(volunteer: Volunteer, now: datetime) -> None:
    """Somebody is put one more task: they tire of it for a while."""
    volunteer.recent_offers = 1 + recently(volunteer.recent_offers, volunteer.last_asked_at, now)
    volunteer.last_asked_at = now


def not_offered(tx: Session, offers: Sequence[Offer]) -> None:
    """Take back that these were put to their volunteers: their SMS never left. They are marked as such
    (`unasked_at`) already."""
    if not offers:
        return
    ids = {offer.volunteer_id for offer in offers}
    held = select(Volunteer).where(Volunteer.id.in_(ids)).order_by(Volunteer.id)
    volunteers = tx.scalars(
        held.with_for_update(key_share=True).execution_options(populate_existing=True)
    ).all()
    asked = (
        select(Offer.volunteer_id, func.max(Offer.created_at).label("at"))
        .where(Offer.volunteer_id.in_(ids), Offer.unasked_at.is_(None))
        .group_by(Offer.volunteer_id)
    )
    before = {row.volunteer_id: row.at for row in tx.execute(asked)}
    settings = current_app.config["DISPATCH"].learning
    for volunteer in volunteers:
        last, earlier = volunteer.last_asked_at, before.get(volunteer.id)
        if last is None:
            continue
        theirs = [last - offer.created_at for offer in offers if offer.volunteer_id == volunteer.id]
        left = volunteer.recent_offers - sum(recent_offers(1.0, since, settings) for since in theirs)
        # What is left was noted as of the last offer; it is as of the last one that counts, from now on.
        faded = recent_offers(1.0, last - earlier, settings) if earlier is not None else 0.0
        volunteer.recent_offers = max(0.0, left) / faded if faded > _NEARLY_NOTHING else 0.0
        volunteer.last_asked_at = earlier


def recently(offers: float, last_asked_at: datetime | None, now: datetime) -> float:
    """The recent offers of a volunteer, noted when they were last asked, faded."""
    if last_asked_at is None:
        return 0.0
    return recent_offers(offers, now - last_asked_at, current_app.config["DISPATCH"].learning)


def evidence(
    accepts: dict[str, float] | None, refusals: dict[str, float] | None, as_of: datetime | None, now: datetime
) -> Evidence:
    """What is known of a volunteer, as it was noted last (by the columns of Acceptance), if at all."""
    if accepts is None or refusals is None or as_of is None:
        return Evidence([0.0] * len(FACETS), [0.0] * len(FACETS), now)
    return Evidence(
        [accepts.get(facet, 0.0) for facet in FACETS], [refusals.get(facet, 0.0) for facet in FACETS], as_of
    )


def known_of(row: Any, volunteer_id: int, now: datetime) -> Evidence:
    """What is known of a volunteer, faded, by the columns of Acceptance, if any; nothing where they make no
    sense, so that it begins anew."""
    if row is not None:
        try:
            noted = evidence(row.accepts, row.refusals, row.as_of, now)
            return noted.at(now, current_app.config["DISPATCH"].learning)
        except (AttributeError, TypeError, ValueError) as error:
            if _seldom.may_tell(volunteer_id):
                log.error(
                    "What is known of a volunteer makes no sense: %s", logs.origin(error),
                    extra={"volunteer": volunteer_id},
                )  # fmt: skip
    return evidence(None, None, None, now)


def curves(session: Session) -> Curves:
    """How fast people answer, by what was seen at all campuses; with very many, lately."""

    def find() -> tuple[Curves, int]:
        rows = session.execute(_ALL_TIMES).all()
        urgent, calm = (
            response.together(_counts(row) for row in rows if row.urgent is which) for which in (True, False)
        )
        learned = learned_curves(urgent, calm, current_app.config["DISPATCH"].learning)
        return learned, len(rows) * _FIGURES

    return lately.known("curves", find)


def _note_outcome(tx: Session, known: dict[int, Acceptance], offer: Offer, now: datetime) -> None:
    row = known.get(offer.volunteer_id)
    zone, learning = current_app.config["ZONE"], current_app.config["DISPATCH"].learning
    made, ended = offer.created_at.astimezone(zone), now.astimezone(zone)
    accepted = offer.state == OfferState.ACCEPTED
    refused_at = offer.learned_at if offer.sent_at is not None else None
    before = known_of(row, offer.volunteer_id, now)
    learned = outcome(before, offer.task.category, made, ended, accepted, learning, refused_at)
    if row is None:
        row = known[offer.volunteer_id] = Acceptance(volunteer_id=offer.volunteer_id)
        tx.add(row)
    row.accepts = dict(zip(FACETS, learned.accepts, strict=True))
    row.refusals = dict(zip(FACETS, learned.refusals, strict=True))
    row.as_of = now


def _note_answer(
    tx: Session, times: dict[tuple[int, bool], AnswerTimes], offer: Offer, now: datetime
) -> None:
    key = (offer.task.campus_id, offer.urgent)
    row = times.get(key)
    before = _counts(row) if row is not None else response.Counts()
    since = offer.sent_at or offer.created_at
    elapsed_s = (now - since).total_seconds()
    counted_s = (offer.learned_at - since).total_seconds() if offer.learned_at is not None else 0.0
    counts = response.observed(before, elapsed_s, offer.state in ANSWERED, counted_s)
    if row is None:
        row = times[key] = AnswerTimes(campus_id=key[0], urgent=key[1])
        tx.add(row)
    row.waiting, row.answered = list(counts.waiting), list(counts.answered)


def _counts(row: Any) -> response.Counts:
    """Of answer times, or of their columns; nothing of what makes no sense, which is then counted anew."""
    if _are_counts(row.waiting) and _are_counts(row.answered):
        return response.Counts(tuple(row.waiting), tuple(row.answered))
    if _seldom.may_tell("answer_times"):
        log.error("A row of answer_times makes no sense: it counts as empty")
    return response.Counts()


def _are_counts(numbers: Any) -> bool:
    whole = isinstance(numbers, list) and len(numbers) == response.STRETCHES
    return whole and all(isinstance(n, int | float) for n in numbers)
