"""Volunteers and retirees with their phones: they read what arrives and answer, by link or by SMS.

Each decides by the seed and the text's own id. Whoever gets no answer tries again, as people do.
"""

from __future__ import annotations

import heapq
import itertools
import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from devtools.chaos.rig import Rig

POLL_S = 0.25
PAGE = 500
HANDS = 24
TRIES = 6
_LINK = r"(?P<link>http\S+/o/\w+)"
OFFER = re.compile(
    rf"能去点{_LINK} 或回(?P<yes>\d+)，不能回(?P<no>\d+)"
    rf"|Yes: {_LINK.replace('link', 'link_en')} or reply (?P<yes_en>\d+)\. No: reply (?P<no_en>\d+)",
    re.ASCII,
)
YOURS = re.compile(
    rf"{_LINK} 出发回(?P<go>\d+) 办好(?P<done>\d+) 去不了(?P<back>\d+)"
    rf"|{_LINK.replace('link', 'link_en')} Reply going (?P<go_en>\d+), done (?P<done_en>\d+), "
    r"(?:can't|no) (?P<back_en>\d+)",
    re.ASCII,
)
ALL_WELL = re.compile(
    r"请回复(?P<well>\d+)；[^；]*请回复(?P<problem>\d+)，我们打给您"
    r"|Reply (?P<well_en>\d+) if [^,]*, (?P<problem_en>\d+) if .* we'll call you",
    re.ASCII,
)


def found(pattern: re.Pattern[str], body: str) -> dict[str, str] | None:
    """What a text of that kind names (link, codes), in whichever language; None if it is another."""
    match = pattern.search(body)
    if match is None:
        return None
    return {name.removesuffix("_en"): value for name, value in match.groupdict().items() if value}


class Public:
    """Everybody with a phone, until they are told to stop.

    `heard`: how many texts they have read; `did`: how often which answer got through; `gave_up`: how
    many answers never did.
    """

    def __init__(self, rig: Rig, seed: int) -> None:
        self._rig, self._seed = rig, seed
        self._over = threading.Event()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._busy = 0
        self._hands = ThreadPoolExecutor(HANDS, thread_name_prefix="hand")
        self._local = threading.local()
        self._thread = threading.Thread(target=self._live, name="public", daemon=True)
        self.heard = 0
        self.gave_up = 0
        self.did: dict[str, int] = {}

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read and answer no more."""
        self._over.set()
        self._thread.join()
        self._hands.shutdown(cancel_futures=True)

    @property
    def idle(self) -> bool:
        """Whether nobody means to answer anything, and no answer is under way."""
        with self._lock:
            return not self._due and not self._busy

    # -- reading -----------------------------------------------------------------------------------------

    def _live(self) -> None:
        session = requests.Session()
        while not self._over.wait(POLL_S):
            try:
                answer = session.get(
                    f"{self._rig.system.phones_url}/api/messages",
                    params={"since": self.heard, "limit": PAGE}, timeout=10,
                ).json()  # fmt: skip
            except requests.RequestException:
                continue  # the simulator is down: part of the storm
            for message in answer["messages"]:
                if message["direction"] == "to_phone":
                    self._read(message)
            self.heard = answer["last_seq"]
            self._act()

    def _act(self) -> None:
        now = time.monotonic()
        with self._lock:
            while self._due and self._due[0][0] <= now:
                self._busy += 1
                self._hands.submit(self._do, heapq.heappop(self._due)[2])

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        finally:
            with self._lock:
                self._busy -= 1

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        with self._lock:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), act))

    # -- deciding ----------------------------------------------------------------------------------------

    def _read(self, message: dict[str, Any]) -> None:
        draw = random.Random(f"{self._seed}/{message['status_callback'] or message['sid']}")
        phone, body = message["number"], message["body"]
        if offer := found(OFFER, body):
            self._offered(phone, offer, draw)
        elif yours := found(YOURS, body):
            self._holding(phone, yours, draw)
        elif asked := found(ALL_WELL, body):
            what = draw.choices(("well", "problem", ""), (75, 8, 17))[0]
            if what:
                self._later(draw.uniform(0.5, 4), lambda: self._sms(what, phone, asked[what]))

    def _offered(self, phone: str, offer: dict[str, str], draw: random.Random) -> None:
        what = draw.choices(("accept", "late", "decline", ""), (52, 8, 12, 28))[0]
        wait = draw.uniform(19, 24) if what == "late" else draw.uniform(0.3, 3)
        if what in ("accept", "late"):
            self._either(wait, "accept", phone, offer["link"], "accept", offer["yes"], draw)
        elif what == "decline":
            self._either(wait, "decline", phone, offer["link"], "decline", offer["no"], draw)

    def _holding(self, phone: str, yours: dict[str, str], draw: random.Random) -> None:
        what = draw.choices(("done", "straight", "back", ""), (36, 48, 8, 8))[0]
        go, done = draw.uniform(0.5, 3), draw.uniform(4, 8)
        link = yours["link"]
        if what == "back":
            self._either(go, "handback", phone, link, "handback", yours["back"], draw)
        if what == "done":
            self._either(go, "underway", phone, link, "underway", yours["go"], draw)
        if what in ("done", "straight"):
            self._either(done, "delivered", phone, link, "delivered", yours["done"], draw)

    def _either(
        self, wait: float, what: str, phone: str, link: str, step: str, code: str, draw: random.Random
    ) -> None:
        """By link or by SMS; one in ten does it twice at once."""
        by_link = draw.random() < 0.8
        for _ in range(2 if draw.random() < 0.1 else 1):
            if by_link:
                self._later(wait, lambda: self._tap(what, f"{link}/{step}"))
            else:
                self._later(wait, lambda: self._sms(what, phone, code))

    # -- answering ---------------------------------------------------------------------------------------

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session

    def _tap(self, what: str, url: str) -> None:
        def once() -> bool:
            return self._session.post(url, timeout=35, allow_redirects=False).status_code < 500

        self._until_heard(what, once)

    def _sms(self, what: str, phone: str, text: str) -> None:
        url = f"{self._rig.system.phones_url}/api/phones/{phone}/messages"

        def once() -> bool:
            answer = self._session.post(url, json={"body": text}, timeout=60)
            # The gateway could not tell the product: whoever hears nothing writes again.
            return answer.ok and (answer.json()["webhook_status"] or 500) < 500

        self._until_heard(what, once)

    def _until_heard(self, what: str, once: Callable[[], bool]) -> None:
        for attempt in range(TRIES):
            try:
                if once():
                    with self._lock:
                        self.did[what] = self.did.get(what, 0) + 1
                    return
            except requests.RequestException:
                pass  # tried again below
            if self._over.wait(0.5 * 2**attempt):
                return
        with self._lock:
            self.gave_up += 1
