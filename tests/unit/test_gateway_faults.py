"""Whose fault a refusal is: Twilio's codes, by its answer and by receipts."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dispatcher.sms import twilio_codes
from dispatcher.sms.gateway import Fault, Refused, Setting, Unknown
from dispatcher.sms.twilio import TwilioGateway
from dispatcher.sms.twilio_codes import refusal, undelivered

RECIPIENT = (Fault.RECIPIENT, None)


def _ours(setting: Setting) -> tuple[Fault, Setting]:
    return Fault.OURS, setting


@pytest.mark.parametrize(
    ("code", "status", "whose"),
    [
        (21211, 400, RECIPIENT),
        (21214, 400, RECIPIENT),
        (21217, 400, RECIPIENT),
        (21266, 400, RECIPIENT),
        (21265, 400, RECIPIENT),
        (14101, 400, RECIPIENT),
        (21610, 400, RECIPIENT),
        (21614, 400, RECIPIENT),
        (21635, 400, RECIPIENT),
        (21606, 400, _ours(Setting.SENDER)),
        (21212, 400, _ours(Setting.SENDER)),
        (21401, 400, _ours(Setting.SENDER)),
        *((code, 400, _ours(Setting.SENDER)) for code in (30040, 30041, 30042, 30043)),
        (21601, 400, _ours(Setting.SENDER)),
        (21603, 400, _ours(Setting.SENDER)),
        (21607, 400, _ours(Setting.SENDER)),
        (21659, 400, _ours(Setting.SENDER)),
        (21660, 400, _ours(Setting.SENDER)),
        (21661, 400, _ours(Setting.SENDER)),
        (21701, 404, _ours(Setting.SENDER)),
        (21703, 400, _ours(Setting.SENDER)),
        (21704, 400, _ours(Setting.SENDER)),
        (21705, 400, _ours(Setting.SENDER)),
        (30034, 400, _ours(Setting.SENDER)),
        (21408, 400, _ours(Setting.REGION)),
        (20003, 401, _ours(Setting.CREDENTIALS)),
        (20404, 404, _ours(Setting.CREDENTIALS)),
        (20008, 403, _ours(Setting.CREDENTIALS)),
        *((code, 401, _ours(Setting.CREDENTIALS)) for code in (20101, 20103, 20104, 20151)),
        (None, 401, _ours(Setting.CREDENTIALS)),
        (21219, 400, _ours(Setting.ACCOUNT)),
        (21608, 400, _ours(Setting.ACCOUNT)),
        (10001, 400, _ours(Setting.ACCOUNT)),
        (20005, 401, _ours(Setting.ACCOUNT)),
        (30002, 400, _ours(Setting.ACCOUNT)),
        (63038, 429, _ours(Setting.ACCOUNT)),
        (90010, 403, _ours(Setting.ACCOUNT)),
        (None, 402, _ours(Setting.ACCOUNT)),
        (21609, 400, _ours(Setting.ADDRESS)),
        (21602, 400, (Fault.TEXT, None)),
        (21617, 400, (Fault.TEXT, None)),
        (20429, 429, (Fault.LOAD, None)),
        (14107, 429, (Fault.LOAD, None)),
        (21611, 429, (Fault.LOAD, None)),
        (21611, 400, (Fault.LOAD, None)),
        (30001, 400, (Fault.LOAD, None)),
        (63018, 429, (Fault.LOAD, None)),
        (None, 429, (Fault.LOAD, None)),
        (20409, 409, (Fault.LOAD, None)),
        (20503, 400, (Fault.LOAD, None)),
        (30450, 400, (Fault.LOAD, None)),
        (30453, 400, (Fault.LOAD, None)),
        *((None, status, (Fault.UNCLEAR, Setting.OTHER)) for status in (405, 410, 413, 415, 422, 451)),
        (21612, 400, (Fault.UNCLEAR, Setting.OTHER)),
        (21421, 400, (Fault.UNCLEAR, Setting.OTHER)),
        (99999, 400, (Fault.UNCLEAR, Setting.OTHER)),
        (None, 400, (Fault.UNCLEAR, Setting.OTHER)),
    ],
)
def test_whose_fault_a_refusal_is(code: int | None, status: int, whose: tuple[Fault, Setting | None]) -> None:
    said = refusal(code, status)
    assert isinstance(said, Refused)
    assert (said.fault, said.setting) == whose
    assert said.code == str(code or status)
    assert said.opted_out is (code == 21610)


def test_a_request_that_timed_out_on_their_side_proves_nothing() -> None:
    """It may have been read to its end: sent again without asking, it would come twice."""
    assert refusal(None, 408) == Unknown("408")
    assert refusal(21211, 408) == Refused("21211", Fault.RECIPIENT)


def test_the_table_of_codes_is_in_order_and_names_each_code_once() -> None:
    groups = [twilio_codes._RECIPIENT, twilio_codes._TEXT, twilio_codes._LOAD, *twilio_codes._OURS.values()]
    assert all(list(codes) == sorted(codes) for codes in groups)
    every = [code for codes in (*groups, twilio_codes._OPTED_OUT) for code in codes]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("code", "whose"),
    [
        ("30003", RECIPIENT),
        ("30004", RECIPIENT),
        ("30005", RECIPIENT),
        ("30006", RECIPIENT),
        ("21610", RECIPIENT),
        ("30001", (Fault.LOAD, None)),
        ("30022", (Fault.LOAD, None)),
        ("30023", (Fault.LOAD, None)),
        ("30021", (Fault.LOAD, None)),
        ("30042", _ours(Setting.SENDER)),
        ("30453", (Fault.LOAD, None)),
        ("30002", _ours(Setting.ACCOUNT)),
        ("30007", (Fault.TEXT, None)),
        ("30010", (Fault.TEXT, None)),
        ("30034", _ours(Setting.SENDER)),
        ("30035", _ours(Setting.SENDER)),
        ("30008", (Fault.UNCLEAR, Setting.OTHER)),
        ("", (Fault.UNCLEAR, Setting.OTHER)),
        ("abc", (Fault.UNCLEAR, Setting.OTHER)),
    ],
)
def test_whose_fault_it_is_that_a_message_did_not_arrive(
    code: str, whose: tuple[Fault, Setting | None]
) -> None:
    said = undelivered(code)
    assert (said.fault, said.setting) == whose


@pytest.mark.parametrize(
    ("sid", "token", "sender", "setting"),
    [
        ("", "t", "+8610690000727", Setting.CREDENTIALS),
        ("AC1", "", "+8610690000727", Setting.CREDENTIALS),
        ("AC1", "t", "", Setting.SENDER),
    ],
)
def test_without_credentials_or_sender_nothing_is_handed_to_anybody(
    sid: str, token: str, sender: str, setting: Setting
) -> None:
    # The address answers to nobody: a call would be refused as no connection.
    gateway = TwilioGateway(sid, token, sender, "http://here/sms/status", base_url="http://127.0.0.1:9")
    said = gateway.send("+8613635200001", "x", 1)
    assert (getattr(said, "fault", None), getattr(said, "setting", None)) == _ours(setting)


NOT_SENT = (Fault.LOAD, Setting.CONNECTION)
NOBODY = "http://127.0.0.1:9"


@contextmanager
def _served(context: ssl.SSLContext | None = None, answer: bytes = b"") -> Iterator[str]:
    """The address of a server that gives each caller `answer`, or hangs up."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                    with context.wrap_socket(caller, server_side=True) if context else caller as talking:
                        talking.recv(65536)
                        talking.sendall(answer)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def _said_by(address: str) -> object:
    gateway = TwilioGateway("AC1", "t", "+8610690000727", "http://here/sms/status", base_url=address)
    return gateway.send("+8613635200001", "x", 1)


def test_a_certificate_that_cannot_be_trusted_is_no_connection(tmp_path: Path) -> None:
    """Our clock is wrong, say, or the list of authorities is missing: nothing has been sent."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl, to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with _served(context) as place:
        assert _said_by(f"https://{place}") == Refused("certificate", *NOT_SENT)


@pytest.mark.parametrize("address", ["https://127.0.0.2:8", "http://127.0.0.2:8"])
def test_a_proxy_that_is_down_is_no_connection(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOBODY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert _said_by(address) == Refused("proxy", *NOT_SENT)


def test_a_proxy_that_lets_nobody_through_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with _served(answer=b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as place:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://{place}")
        assert _said_by("https://127.0.0.2:8") == Refused("proxy", *NOT_SENT)


def test_nobody_there_is_no_connection_and_a_connection_that_breaks_off_proves_nothing() -> None:
    assert _said_by(NOBODY) == Refused("connection_refused", *NOT_SENT)
    with _served() as place:
        assert _said_by(f"http://{place}") == Unknown("connection_broken")


@pytest.mark.parametrize("code", [21219, 21608, 572005])
def test_what_a_trial_account_has_not_verified_says_nothing_of_other_phones(code: int) -> None:
    said, of_all = refusal(code, 400), refusal(21606, 400)
    assert isinstance(said, Refused)
    assert isinstance(of_all, Refused)
    assert said.this_phone
    assert undelivered(str(code)).this_phone
    assert not of_all.this_phone
