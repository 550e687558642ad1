"""People in front of browsers, as far as HTTP goes: many at once, cheaply."""

import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from devtools.benchmark.live.people import PASSWORD
from devtools.local import hidden_fields

KEEP_S = 4
"""A little less than the server keeps an idle connection, so that no request meets a closed one."""

MIXED = ("medicine", "groceries", "other", "medicine", "groceries", "other", "medicine", "groceries", "other",
         "urgent")  # fmt: skip
"""What callers want, in turn: one in ten is urgent."""


@dataclass
class Person:
    """A member of staff, logged in, with the form open. `fields`: its hidden ones."""

    http: aiohttp.ClientSession
    url: str
    fields: dict[str, str]

    async def save(self, retiree_id: int, want: str = "medicine") -> float:
        """Fill in the form for a caller and save; the seconds until the answer.

        Raises:
            RuntimeError: it wasn't saved.
        """
        # As the page makes it: a key for each form.
        form = self.fields | {"form_key": secrets.token_urlsafe(18), "retiree_id": str(retiree_id)}
        form |= _typed(want)
        began = time.perf_counter()
        async with self.http.post(f"{self.url}/hotline/requests", data=form, allow_redirects=False) as answer:
            if answer.status != 303:
                raise RuntimeError(f"not saved: {answer.status}")
        return time.perf_counter() - began

    async def get(self, path: str) -> tuple[float, int]:
        """Fetch a page whole; seconds and bytes."""
        began = time.perf_counter()
        async with self.http.get(self.url + path) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
        return time.perf_counter() - began, len(body)


def _typed(want: str) -> dict[str, str]:
    typed = {"want": want}
    if want == "medicine":
        typed |= {"medicine-name": "阿司匹林", "medicine-strength": "100mg", "medicine-amount": "2盒"}
    elif want == "groceries":
        typed |= {"groceries-name": "鸡蛋", "groceries-amount": "10个"}
    elif want == "other":
        typed |= {"other-notes": "想找人聊聊"}
    return typed


@asynccontextmanager
async def connected() -> AsyncIterator[aiohttp.TCPConnector]:
    """A pool of connections for many sessions."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_S)
    try:
        yield connector
    finally:
        await connector.close()


def session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """A browser of its own, with cookies."""
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=False,
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # unsafe: also for addresses that are numbers
        timeout=aiohttp.ClientTimeout(total=120),
    )


@asynccontextmanager
async def staff(
    url: str, names: Sequence[str], page: str = "/hotline/people/1"
) -> AsyncIterator[list[Person]]:
    """These members of staff, each logged in through the form, with `page` open."""
    async with connected() as connector:
        people: list[Person] = []
        try:
            for name in names:
                http = session(connector)
                people.append(Person(http, url, {}))
                async with http.get(f"{url}/login") as answer:
                    form = hidden_fields(await answer.text())
                form |= {"username": name, "password": PASSWORD}
                async with http.post(f"{url}/login", data=form) as answer:
                    if answer.status != 200 or "/login" in str(answer.url):
                        raise RuntimeError(f"{name} can't log in: {answer.status}")
                async with http.get(url + page) as answer:
                    people[-1].fields = hidden_fields(await answer.text())
            yield people
        finally:
            for person in people:
                await person.http.close()


def callers(retirees: int) -> Iterator[tuple[int, str]]:
    """Who calls next, and what for: everybody once, then again."""
    while True:
        for n in range(retirees):
            yield n + 1, MIXED[n % len(MIXED)]
