"""Requests as no page of ours would send them: odd, incomplete, doubled, huge, broken, forged."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from tests.fuzz.place import ROLES, Known

PUBLIC_URL = "http://127.0.0.1:8000"
Pairs = tuple[tuple[str, str], ...]

ODD = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff尾",
    "\ufffe\uffff",
    "𠮷👵🏽\u200d👵",
    "\u202eabc\u202c",
    "e\u0301" * 30,
    "长" * 41,
    "长" * 81,
    "长" * 201,
    "x" * 501,
    "长" * 1001,
    "x" * 5000,
    "' OR 1=1 --",
    "<script>x</script>",
    "{{7*7}}",
    "%s%(x)s%00",
    "../../etc/passwd",
    "\r\nX: y",
    "0",
    "-1",
    "1",
    "2",
    "7",
    "2147483647",
    "2147483648",
    "9223372036854775808",
    "-99999999999999999999",
    "9" * 5000,
    "1e400",
    "NaN",
    "inf",
    "１２",
    "٣",
    "1_0",
    " 1 ",
    "0x10",
    "1.5",
    "None",
    "null",
    "true",
    "[]",
    "{}",
    "home",
    "away",
    "urgent",
    "soon",
    "same",
    "new",
    "zh",
    "en",
    "+8613635200001",
    "13935200001",
    "0351-7020001",
    "+",
    "+1",
    "110",
    "１３９３５２０００１２",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "2026-02-30T00:00",
    "2030-01-01",
    "2030-W01-1",
    "¥1e5",
    "100000",
    "-0.00",
    "1e-400",
    "3。5",
    "0.005",
)
odd = st.one_of(st.sampled_from(ODD), st.sampled_from(ODD), st.text(max_size=6))
ids = st.sampled_from(("1", "2", "3", "4", "5", "6", "7", "8", "0", "999", "2147483647", "2147483648"))


@dataclass(frozen=True)
class Case:
    """One request. `body`: as it goes over the wire; None: a GET or the like, without one."""

    who: str
    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    kind: str = "application/x-www-form-urlencoded"
    headers: Pairs = field(default=(), repr=False)


def encoded(pairs: Sequence[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogatepass")


@st.composite
def fields(draw: st.DrawFn, good: Pairs, most: int = 4) -> Pairs:
    """A good form, with up to `most` things wrong with it."""
    pairs = list(good)
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, max(0, len(pairs) - 1)))
        what = draw(st.sampled_from(("change", "change", "change", "drop", "double", "stray")))
        if what == "stray" or not pairs:
            pairs.append((draw(odd), draw(odd)))
        elif what == "drop":
            del pairs[at]
        elif what == "double":
            pairs.insert(at, (pairs[at][0], draw(odd)))
        else:
            pairs[at] = (pairs[at][0], draw(odd))
    return tuple(pairs)


_CALLS: tuple[Pairs, ...] = (
    (
        ("want", "medicine"),
        ("medicine-name", "阿司匹林"),
        ("medicine-strength", "100mg"),
        ("medicine-amount", "2盒"),
        ("medicine-source", "otc"),
        ("medicine-where", "校医院"),
        ("medicine-urgency", "soon"),
        ("medicine-due", "today"),
        ("medicine-due-at", ""),
        ("medicine-notes", "急"),
        ("medicine-repeat", "new"),
    ),
    (
        ("want", "groceries"),
        ("groceries-name", "鸡蛋"),
        ("groceries-amount", "10个"),
        ("groceries-due", "at"),
        ("groceries-due-at", "2030-01-01T10:00"),
        ("groceries-urgency", "routine"),
        ("groceries-notes", ""),
    ),
    (
        ("want", "urgent"),
        ("urgent-notes", "摔倒了"),
        ("life_danger", "1"),
        ("script_given", "1"),
        ("urgent-repeat", "same"),
    ),
    (("want", "other"), ("other-notes", "灯坏了"), ("other-due", "2h"), ("other-repeat", "")),
)
_PERSON: Pairs = (
    ("new_name", "新来的"),
    ("new_phone", "13935299999"),
    ("new_campus", "home"),
    ("new_area", "东区"),
    ("new_address", "1号楼"),
    ("new_language", "zh"),
    ("new_anyway", "1"),
)


@st.composite
def calls(draw: st.DrawFn) -> Case:
    """The hotline's form."""
    key = ("form_key", draw(st.one_of(st.integers(0, 10**9).map(str), odd)))
    who = (("retiree_id", draw(ids)),) if draw(st.booleans()) else _PERSON
    whole = (
        ("callback", draw(st.sampled_from(("", "13935288888")))),
        ("notes", "请快"),
        ("told_on_call", "1"),
    )
    good = (key, *who, *draw(st.sampled_from(_CALLS)), *whole)
    if draw(st.integers(0, 3)) == 0:
        good += draw(st.sampled_from(_CALLS))
    by = draw(st.sampled_from(("operator", "operator", "coordinator", "nobody")))
    return Case(by, "POST", "/hotline/requests", body=encoded(draw(fields(good))).encode())


@st.composite
def board_acts(draw: st.DrawFn) -> Case:
    """A coordinator's buttons."""
    act = draw(
        st.sampled_from(("assign", "ask", "urgency", "cancel", "close", "reopen", "note", "done", "done"))
    )
    row = draw(ids)
    path = f"/board/attention/{row}/done" if act == "done" else f"/board/tasks/{row}/{act}"
    good = (
        ("task_id", row),
        ("seen", "2147483647"),
        ("said", "说好了"),
        ("volunteer_id", draw(ids)),
        ("urgency", draw(st.sampled_from(("routine", "soon", "urgent")))),
    )
    by = draw(st.sampled_from(("coordinator", "coordinator", "administrator", "operator", "nobody")))
    headers = (("HX-Request", "true"),) if draw(st.booleans()) else ()
    return Case(by, "POST", path, body=encoded(draw(fields(good, 3))).encode(), headers=headers)


@st.composite
def link_acts(draw: st.DrawFn, known: Known) -> Case:
    """The buttons of a volunteer's page."""
    token = draw(st.one_of(st.sampled_from(known.links), st.sampled_from(known.links), odd.map(_part)))
    step = draw(
        st.sampled_from(
            ("accept", "decline", "underway", "delivered", "handback", "nonsense", "undo", "later",
             "problem", "receipt", "page", "stage")
        )
    )  # fmt: skip
    good = (
        ("said", "马上到"),
        ("reason", draw(st.sampled_from(("busy", "cant_make_it", "not_home", "other")))),
        ("spent", "35.50"),
        ("seen", draw(st.sampled_from(("0", "30", "120")))),
        ("undo", draw(odd)),
    )
    query = draw(st.sampled_from(("", "", "lang=en", "lang=%00", "lang=xx")))
    return Case("nobody", "POST", f"/o/{token}/{step}", query, encoded(draw(fields(good, 3))).encode())


@st.composite
def own_acts(draw: st.DrawFn, known: Known) -> Case:
    """The buttons of a volunteer's own page, and of a task that is opened from it."""
    token = draw(st.one_of(st.sampled_from(known.pages), st.sampled_from(known.pages), odd.map(_part)))
    act = draw(st.sampled_from(("pause", "resume", "free", "settings", "task", "nonsense")))
    if act == "task":
        act = f"tasks/{draw(ids)}/{draw(st.sampled_from(('later', 'problem', 'receipt', 'accept')))}"
    good = (
        ("until", draw(st.sampled_from(("today", "week", "date")))),
        ("day", draw(st.one_of(st.just("2030-01-01"), odd))),
        ("hours", draw(st.sampled_from(("0", "1", "4")))),
        ("language", "en"),
        ("capacity", "3"),
        ("reason", "not_home"),
        ("spent", "35.50"),
        ("seen", "0"),
    )
    query = draw(st.sampled_from(("", "lang=en", "lang=%00", "done=pause")))
    return Case("nobody", "POST", f"/v/{token}/{act}", query, encoded(draw(fields(good, 3))).encode())


@st.composite
def logins(draw: st.DrawFn) -> Case:
    """Logging in; few, for each costs a tenth of a second by design."""
    good = (("username", draw(st.sampled_from(ROLES))), ("password", "not it"), ("next", "/board"))
    return Case(
        "nobody",
        "POST",
        "/login",
        encoded(draw(fields(good[2:], 1))),
        encoded(draw(fields(good, 2))).encode(),
    )


@st.composite
def language_switches(draw: st.DrawFn) -> Case:
    good = (("language", draw(st.sampled_from(("zh", "en")))), ("next", "/board?x=1"))
    who = draw(st.sampled_from((*ROLES, "nobody")))
    return Case(who, "POST", "/language", body=encoded(draw(fields(good))).encode())


@st.composite
def webhooks(draw: st.DrawFn, known: Known) -> Case:
    """The gateway's callbacks: signed as the gateway signs, or not."""
    if draw(st.booleans()):
        path, sid = "/sms/status", draw(st.sampled_from((*known.gateway_ids, "SM" + "f" * 32)))
        query = draw(
            st.one_of(
                st.sampled_from(known.message_ids).map("m={}".format), odd.map(lambda v: encoded([("m", v)]))
            )
        )
        status = draw(st.sampled_from(("delivered", "undelivered", "failed", "sent", "read")))
        good: Pairs = (("MessageSid", sid), ("MessageStatus", status), ("ErrorCode", "30003"), ("To", "+861"))
    else:
        path, query = "/sms/inbound", ""
        phone, slot = draw(st.sampled_from(known.replies))
        body = draw(
            st.one_of(
                st.sampled_from("01234").map(slot.__add__), st.sampled_from(("STOP", "START", "1", "好")), odd
            )
        )
        sid = f"SM{draw(st.integers(0, 10**6)):032x}"
        good = (("MessageSid", sid), ("From", phone), ("Body", body), ("OptOutType", ""), ("To", "+862"))
    body_text = encoded(draw(fields(good, 3)))
    signature = draw(odd)
    if draw(st.integers(0, 3)):
        posted: dict[str, str] = {}
        for name, value in parse_qsl(body_text, keep_blank_values=True, errors="replace"):
            posted.setdefault(name, value)
        url = f"{PUBLIC_URL}{path}" + (f"?{query}" if query else "")
        signature = RequestValidator("token of the integration tests").compute_signature(url, posted)
    return Case(
        "nobody",
        "POST",
        path,
        query,
        body_text.encode(),
        headers=(("X-Twilio-Signature", _header(signature)),),
    )


@st.composite
def reads(draw: st.DrawFn, known: Known) -> Case:
    """Every page, with odd parts and odd questions."""
    part = draw(st.one_of(ids, odd.map(_part)))
    path = draw(
        st.sampled_from(
            (
                "/",
                "/login",
                "/board",
                "/board/rows",
                f"/board/tasks/{part}",
                f"/board/tasks/{part}/live",
                f"/board/tasks/{part}/assign",
                "/board/volunteers",
                "/board/forecast",
                "/hotline",
                "/hotline/matches",
                f"/hotline/people/{part}",
                "/hotline/new",
                f"/o/{draw(st.sampled_from(known.links))}",
                f"/o/{part}",
                f"/o/{draw(st.sampled_from(known.links))}/stage",
                "/o/",
                f"/v/{draw(st.sampled_from(known.pages))}",
                f"/v/{draw(st.sampled_from(known.pages))}/tasks/{part}",
                f"/v/{draw(st.sampled_from(known.pages))}/manifest.webmanifest",
                f"/v/{part}",
                f"/board/tasks/{part}/receipts/{part}",
                f"/board/volunteers/{part}/page",
                "/healthz",
                "/readyz",
                f"/static/{part}",
                f"/{part}",
                f"/board/attention/{part}/done",
                "/sms/status",
            )
        )
    )
    good: Pairs = (
        ("q", "wxl"),
        ("campus", "home"),
        ("state", "open"),
        ("category", "medicine"),
        ("saved", "1"),
        ("lang", "en"),
    )
    if path == "/board/forecast":
        # A good number would be answered, which takes seconds and is tested elsewhere.
        good = (("per_day", draw(odd.filter(lambda v: not _is_a_good_number(v)))),)
        query = encoded(good)
    else:
        query = draw(
            st.one_of(
                fields(good).map(encoded), st.sampled_from(("%", "%ff=%fe", "a=b=c&&;", "q=%00%ed%a0%80"))
            )
        )
    headers = draw(
        st.sampled_from(
            (
                (),
                (("HX-Request", "true"),),
                (("Accept-Language", "\xff;q=x,*;q=9"),),
                (("If-None-Match", 'W/"'),),
            )
        )
    )
    method = draw(st.sampled_from(("GET", "GET", "GET", "GET", "HEAD")))
    return Case(draw(st.sampled_from((*ROLES, "nobody"))), method, path, query, headers=headers)


@st.composite
def garbage(draw: st.DrawFn, known: Known) -> Case:
    """Bodies that are no forms, and methods that are not offered."""
    method = draw(st.sampled_from(("POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND")))
    path = draw(
        st.sampled_from(
            (
                "/login",
                "/logout",
                "/language",
                "/hotline/requests",
                "/hotline",
                "/board/tasks/1/cancel",
                "/board",
                "/sms/status",
                "/sms/inbound",
                f"/o/{known.links[0]}/accept",
                f"/o/{known.links[0]}",
                "/board/attention/1/done",
                "/healthz",
                "/",
            )
        )
    )
    kind = draw(
        st.sampled_from(
            (
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "multipart/form-data",
                "application/json",
                "text/plain; charset=utf-16",
                "",
                "\xff",
            )
        )
    )
    body = draw(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                (
                    b"--x\r\n\r\n",
                    b"%",
                    b"a=%ff&b=%ed%a0%80",
                    b"=&=&",
                    b"{}",
                    b'--x\r\nContent-Disposition: form-data; name="said"; filename="a"\r\n\r\nq\r\n--x--\r\n',
                    b"a" * 1_000_001,
                )
            ),
        )
    )
    # Logging out would end the client's session for the cases that follow.
    who = "nobody" if path == "/logout" else draw(st.sampled_from((*ROLES, "nobody")))
    return Case(who, method, path, body=body, kind=kind)


def cases(known: Known) -> st.SearchStrategy[Case]:
    """Any request, the forms more often than the rest."""
    kinds: list[tuple[st.SearchStrategy[Case], int]] = [
        (reads(known), 34),
        (language_switches(), 5),
        (calls(), 50),
        (board_acts(), 40),
        (link_acts(known), 20),
        (own_acts(known), 10),
        (webhooks(known), 35),
        (logins(), 1),
        (garbage(known), 10),
    ]
    return st.sampled_from([kind for kind, weight in kinds for _ in range(weight)]).flatmap(lambda kind: kind)


def _part(value: str) -> str:
    """As one part of an address, whatever it is; unlike a browser, nothing is left out."""
    return quote(value[:300], safe="", errors="surrogatepass")


def _header(value: str) -> str:
    """As a header can carry it."""
    return "".join(ch for ch in value if " " <= ch <= "~")[:200]


def _is_a_good_number(value: str) -> bool:
    try:
        return 1 <= int(value) <= 500
    except ValueError:
        return False
