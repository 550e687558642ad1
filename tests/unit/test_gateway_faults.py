"""Whose fault a refusal is: Twilio's codes, by its answer and by receipts."""

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
