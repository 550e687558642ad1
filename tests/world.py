"""A test's own world inside the running system: campuses, people, phones, and what may reach them.

Nothing is faked: people are put on the roster by the product's services, calls are taken through the
operator's form, phones are the simulator's, and every SMS that reaches one of the world's phones must
have been expected by the test.
"""

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests
from flask import Flask
from sqlalchemy import select, update

from devtools.local import hidden_fields
from devtools.system import System
from dispatcher.database import db, transaction
from dispatcher.models import (
    Assignment,
    Attention,
    Campus,
    CampusNeighbour,
    Event,
    Message,
    Offer,
    Task,
    Volunteer,
)
from dispatcher.rules.availability import Window
from dispatcher.rules.phones import Phone
from dispatcher.services import roster

PATIENCE_S = 15.0
"""How long a scenario waits for what must happen. Not a measure of speed: the machine may be busy."""

_numbers = itertools.count(3141)
_campuses = itertools.count(1)
ALL_WEEK = [Window(day, 0, 1440) for day in range(7)]


def eventually(check: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first truthy answer of `check`; AssertionError naming `what` if none comes in time."""
    deadline = time.monotonic() + patience_s
    while True:
        if found := check():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s:g} s: {what}")
        time.sleep(0.05)


class Browser:
    """A member of staff in front of a browser, as far as HTTP goes."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        form = hidden_fields(self.get("/login").text)
        answer = self.post("/login", form | {"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        assert "/login" not in answer.url

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=20, **options)

    def post(self, path: str, data: Any, **options: Any) -> requests.Response:
        return self.session.post(self.url + path, data=data, timeout=20, **options)

    def submit(self, page: str, action: str, **fields: Any) -> requests.Response:
        """Open `page`, then post its form with `fields` filled in."""
        html = self.get(page)
        assert html.status_code == 200, html.text
        return self.post(action, hidden_fields(html.text) | fields)


@dataclass
class Sms:
    """One SMS on a phone, as its owner sees it."""

    body: str
    sid: str

    @property
    def link(self) -> str:
        """The link in it."""
        found = re.search(r"http\S+/o/\w+", self.body)
        assert found, f"no link in: {self.body}"
        return found[0]

    def code(self, answer: int) -> str:
        """The reply code in it that ends in `answer`."""
        words = re.sub(r"https?://[!-~]+", "", self.body)  # digits in a link are no codes
        found = [c for c in re.findall(r"(?<![\d/-])\d{2,3}(?!\d|[:.-]\d)", words) if c[-1] == str(answer)]
        found = [code for code in found if code != "120"]  # the number to ring
        assert found, f"no code for {answer} in: {self.body}"
        return found[0]


@dataclass
class Handset:
    """One phone of the simulator."""

    number: str
    simulator: str
    name: str = ""
    seen: set[str] = field(default_factory=set)

    def inbox(self) -> list[Sms]:
        """All SMS it has got."""
        answer = requests.get(f"{self.simulator}/api/phones/{self.number}/messages", timeout=10)
        return [Sms(m["body"], m["sid"]) for m in answer.json() if m["direction"] == "to_phone"]

    def expect(self, *words: str, patience_s: float = PATIENCE_S) -> Sms:
        """Wait for a new SMS that contains all `words`."""

        def found() -> Sms | None:
            for sms in self.inbox():
                if sms.sid not in self.seen and all(word in sms.body for word in words):
                    return sms
            return None

        try:
            sms: Sms = eventually(found, f"SMS to {self.name} with {words}", patience_s)
        except AssertionError as error:
            got = [s.body for s in self.inbox() if s.sid not in self.seen]
            raise AssertionError(f"{error}; unread there: {got}") from None
        self.seen.add(sms.sid)
        return sms

    def unexpected(self) -> list[str]:
        """What it got that nobody waited for."""
        return [sms.body for sms in self.inbox() if sms.sid not in self.seen]

    def reply(self, body: str) -> None:
        """Send an SMS to the hotline."""
        answer = requests.post(
            f"{self.simulator}/api/phones/{self.number}/messages", json={"body": body}, timeout=10
        )
        assert answer.status_code == 201, answer.text

    def configure(self, **settings: Any) -> None:
        """Switch it off, make it a landline, …"""
        answer = requests.post(f"{self.simulator}/api/phones/{self.number}", json=settings, timeout=10)
        assert answer.ok, answer.text


@dataclass
class Helper:
    """A volunteer of the world, with a phone."""

    id: int
    name: str
    phone: Handset

    def open(self, sms: Sms) -> requests.Response:
        """Tap the link."""
        return requests.get(sms.link, timeout=20)

    def tap(self, sms: Sms, step: str, **fields: str) -> requests.Response:
        """Press a button of the page behind the link."""
        return requests.post(f"{sms.link}/{step}", data=fields, timeout=20)


@dataclass
class Elder:
    """A retiree of the world."""

    id: int
    name: str
    phone: Handset


class World:
    """One test's people. `home` has one neighbour, `near`; `away` is out of reach."""

    def __init__(self, system: System, app: Flask, operator: Browser, coordinator: Browser) -> None:
        self.system, self.app = system, app
        self.operator, self.coordinator = operator, coordinator
        self.helpers: list[Helper] = []
        self.elders: list[Elder] = []
        self.handsets: list[Handset] = []
        n = chr(0x4E10 + next(_campuses))  # no digits: they would look like reply codes
        with app.app_context(), transaction() as tx:
            places = {
                name: Campus(
                    code=f"{name}-{n}", name_zh=f"{zh}{n}校区", name_en=f"{name.title()} {n}",
                    reachable=name != "away",
                )
                for name, zh in (("home", "甲"), ("near", "乙"), ("away", "丙"))
            }  # fmt: skip
            tx.add_all(places.values())
            tx.flush()
            self.campuses = {name: place.id for name, place in places.items()}
            home, near = self.campuses["home"], self.campuses["near"]
            tx.add(CampusNeighbour(campus_id=home, neighbour_id=near, rank=1))
            tx.add(CampusNeighbour(campus_id=near, neighbour_id=home, rank=1))

    def handset(self, number: str, name: str) -> Handset:
        phone = Handset(number, self.system.phones_url, name)
        self.handsets.append(phone)
        return phone

    def volunteer(self, name: str, campus: str = "home", **data: Any) -> Helper:
        """A volunteer who is always on duty."""
        number = f"+861363520{next(_numbers)}"
        with self.app.app_context(), transaction() as tx:
            person = roster.add_volunteer(
                tx,
                roster.VolunteerData(
                    name=name, phone=number, campus_id=self.campuses[campus],
                    windows=data.pop("windows", ALL_WEEK), night_ok=True, **data,
                ),
            )  # fmt: skip
            helper = Helper(person.id, name, self.handset(number, name))
        self.helpers.append(helper)
        return helper

    def retiree(self, name: str = "王秀兰", campus: str = "home", kind: str = "mobile", **data: Any) -> Elder:
        """A retiree with one phone."""
        n = next(_numbers)
        number = f"+861393520{n}" if kind == "mobile" else f"+86351702{n}"
        with self.app.app_context(), transaction() as tx:
            person = roster.add_retiree(
                tx,
                roster.RetireeData(
                    name=name, campus_id=self.campuses[campus], phones=[Phone(number, kind)],
                    area="东区", address="3号楼2单元501", sex="f",
                    health_notes="高血压", visit_notes="请大声敲门", **data,
                ),
            )  # fmt: skip
            elder = Elder(person.id, name, self.handset(number, name))
        self.elders.append(elder)
        return elder

    def call(
        self, elder: Elder, want: str = "medicine", expect: int = 200, also: dict[str, str] | None = None
    ) -> int:
        """Take a call through the operator's form; the id of the newest task of the retiree."""
        typed: dict[str, Any] = {"want": want}
        if want == "medicine":
            typed |= {"medicine-name": "阿司匹林", "medicine-strength": "100mg", "medicine-amount": "2盒"}
        elif want == "groceries":
            typed |= {"groceries-name": "鸡蛋", "groceries-amount": "10个"}
        elif want == "other":
            typed |= {"other-notes": "想找人聊聊"}
        answer = self.operator.submit(
            f"/hotline/people/{elder.id}", "/hotline/requests", **(typed | (also or {}))
        )
        assert answer.status_code == expect, answer.text
        return self.newest_task(elder)

    def offered(self, elder: Elder, helper: Helper) -> tuple[int, Sms]:
        """A call for medicine, and the offer that `helper` has got."""
        task = self.call(elder)
        elder.phone.expect("记下了")
        return task, helper.phone.expect("买药", "/o/")

    def held(self, elder: Elder, helper: Helper) -> tuple[int, Sms]:
        """A task that `helper` has accepted by link, with everybody told."""
        task, offer = self.offered(elder, helper)
        assert helper.tap(offer, "accept").status_code == 200
        helper.phone.expect(elder.name, "暗号")
        elder.phone.expect(helper.name, "暗号")
        return task, offer

    def newest_task(self, elder: Elder) -> int:
        with self.reading() as session:
            found = session.scalars(
                select(Task.id).where(Task.retiree_id == elder.id).order_by(Task.id.desc())
            ).first()
            return int(found or 0)

    def act(self, task_id: int, action: str, **fields: Any) -> requests.Response:
        """A coordinator presses a button of the task's page."""
        return self.coordinator.submit(
            f"/board/tasks/{task_id}", f"/board/tasks/{task_id}/{action}", **fields
        )

    def board(self) -> str:
        """All that the board shows, page by page."""
        pages: list[str] = []
        while not pages or 'id="page-after"' in pages[-1]:
            answer = self.coordinator.get(f"/board?page={len(pages) + 1}")
            assert answer.status_code == 200
            pages.append(answer.text)
        return "\n".join(pages)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A fresh look into the database."""
        with self.app.app_context():
            yield db.session

    def state(self, task_id: int) -> str:
        with self.reading() as session:
            return str(session.get(Task, task_id).state)

    def wait_state(self, task_id: int, state: str) -> None:
        eventually(lambda: self.state(task_id) == state, f"task {task_id} {state}")

    def attention(self, **about: int) -> list[str]:
        """Reasons of standing attention about a task, volunteer or retiree."""
        with self.reading() as session:
            query = select(Attention.reason).where(Attention.resolved_at.is_(None))
            for name, value in about.items():
                query = query.where(getattr(Attention, name) == value)
            return list(session.scalars(query))

    def wait_attention(self, reason: str, **about: int) -> None:
        eventually(lambda: reason in self.attention(**about), f"attention {reason} about {about}")

    def events(self, task_id: int) -> list[str]:
        with self.reading() as session:
            query = select(Event.kind).where(Event.task_id == task_id).order_by(Event.id)
            return list(session.scalars(query))

    def standing(self, task_id: int) -> list[int]:
        """Volunteers whose assignment to the task stands."""
        with self.reading() as session:
            query = select(Assignment.volunteer_id).where(
                Assignment.task_id == task_id, Assignment.ended_at.is_(None)
            )
            return list(session.scalars(query))

    def change_counter(self) -> tuple[Any, ...]:
        """Everything that could change by itself being read: for "a GET changes nothing". When a task is
        looked at next, and what it waits for, the clock keeps up besides."""
        by_the_clock = ("look_again_at", "waiting")
        with self.reading() as session:
            return tuple(
                tuple(
                    session.execute(
                        select(*(c for c in model.__table__.c if c.name not in by_the_clock)).order_by(
                            model.id
                        )
                    ).all()
                )
                for model in (Task, Offer, Assignment, Event, Attention, Message)
            )

    def asked(self) -> list[Helper]:
        """Volunteers whose phone has got an offer nobody has read yet, waiting for at least one."""

        def look() -> list[Helper]:
            return [h for h in self.helpers if any("/o/" in body for body in h.phone.unexpected())]

        found: list[Helper] = eventually(look, "an offer")
        return found

    def close(self) -> None:
        """Take everybody off duty, let what is under way arrive, and fail on any unexpected SMS. What is left
        is ended without a word: the next test's board begins empty."""
        ids = list(self.campuses.values())
        with self.app.app_context(), transaction() as tx:
            tx.execute(update(Volunteer).where(Volunteer.campus_id.in_(ids)).values(active=False))
            tx.execute(update(Task).where(Task.campus_id.in_(ids)).values(look_again_at=None))
        try:
            self.settle()
        finally:
            self._end(ids)
        surprises = {h.name: h.unexpected() for h in self.handsets if h.unexpected()}
        assert not surprises, f"nobody expected these SMS: {surprises}"

    def _end(self, ids: list[int]) -> None:
        """Nothing of these campuses is under way or needs anybody any more."""
        at = datetime.now(UTC)
        with self.app.app_context(), transaction() as tx:
            theirs = select(Task.id).where(Task.campus_id.in_(ids))
            asked = update(Offer).where(Offer.task_id.in_(theirs), Offer.is_live)
            tx.execute(asked.values(state="withdrawn"))
            left = update(Task).where(Task.id.in_(theirs), Task.is_open_ended)
            tx.execute(left.values(state="closed", ended_at=at))
            tx.execute(update(Attention).where(Attention.resolved_at.is_(None)).values(resolved_at=at))

    def settle(self) -> None:
        """Wait until no message of this system waits to be sent."""

        def idle() -> bool:
            with self.reading() as session:
                query = select(Message.id).where(
                    Message.state.in_(["queued", "sending"]), Message.not_before.is_(None)
                )
                return session.scalars(query).first() is None

        eventually(idle, "all messages sent")
        time.sleep(0.3)


def now() -> datetime:
    return datetime.now(UTC)


def random_key() -> str:
    return secrets.token_hex(8)


def own_link(helper: Helper) -> str:
    """The link to their own page in the SMS that they got last."""
    found = re.search(r"http\S+/v/\w+", helper.phone.expect("/v/").body)
    assert found
    return found[0]
