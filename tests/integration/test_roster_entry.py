"""Nobody enters the roster whom it can't hold, by whatever way they come."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from dispatcher.database import db, transaction
from dispatcher.models import Campus, Retiree, Staff, Volunteer
from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone
from dispatcher.rules.roster import RosterError
from dispatcher.services import intake, own_page, roster, tokens
from dispatcher.services.intake import Call, NewPerson, Wanted
from tests.integration.conftest import People, now, volunteer


@pytest.mark.parametrize(
    "changed",
    [
        {"language": "中文"}, {"capacity": 0}, {"phone": "+863517010001"}, {"phone": "13635200009"},
        {"windows": [Window(7, 0, 60)]}, {"windows": [Window(0, 1320, 360)]},
    ],
    ids=str,
)  # fmt: skip
def test_a_volunteer_is_refused_and_nothing_is_written(
    app: Flask, people: People, changed: dict[str, Any]
) -> None:
    with app.app_context():
        data = roster.VolunteerData("吴静", "+8613635200009", volunteer(people, 0).campus_id)
        before = db.session.scalar(select(func.count()).select_from(Volunteer))
        with pytest.raises(RosterError), transaction() as tx:
            roster.add_volunteer(tx, replace(data, **changed))
        assert db.session.scalar(select(func.count()).select_from(Volunteer)) == before
        with transaction() as tx:
            assert roster.add_volunteer(tx, data).id


def test_an_operators_new_person_is_refused_and_the_call_is_not_half_saved(
    app: Flask, people: People
) -> None:
    with app.app_context():
        campus = db.session.scalars(select(Campus.id)).first() or 0
        new = NewPerson("吴老师", Phone("+8613935200009", "mobile"), campus, "东区", "1号楼", "中文")
        call = Call("key", [Wanted("medicine", "soon", None)], None, new)
        before = db.session.scalar(select(func.count()).select_from(Retiree))
        with pytest.raises(RosterError):
            intake.save(call, _operator(people), now())
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(Retiree)) == before
        intake.save(replace(call, new_person=replace(new, language="zh")), _operator(people), now())


def test_nobody_sets_themselves_what_the_roster_cannot_hold(app: Flask, people: People) -> None:
    with app.app_context():
        person = volunteer(people, 0)
        token, link = tokens.mint(tokens.YOUR_PAGE, None, person.id, now())
        with transaction() as tx:
            tx.execute(db.metadata.tables["link_token"].insert(), [link])
        for language, capacity in (("中文", 2), ("zh", 0)):
            with pytest.raises(RosterError):
                own_page.settle_on(token, language, capacity, now())
        own_page.settle_on(token, "en", 3, now())
        db.session.rollback()
        assert (volunteer(people, 0).language, volunteer(people, 0).capacity) == ("en", 3)


def _operator(people: People) -> Staff:
    return db.session.get_one(Staff, people.operator)
