"""Whose fault a refusal is: Twilio's codes, by its answer and by receipts."""

import pytest

from dispatcher.sms.gateway import Fault, Setting
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
        (21401, 400, RECIPIENT),
        (21610, 400, RECIPIENT),
        (21614, 400, RECIPIENT),
        (21635, 400, RECIPIENT),
        (21606, 400, _ours(Setting.SENDER)),
        (21212, 400, _ours(Setting.SENDER)),
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
        (None, 408, (Fault.LOAD, None)),
        (21612, 400, (Fault.UNCLEAR, Setting.OTHER)),
        (21421, 400, (Fault.UNCLEAR, Setting.OTHER)),
        (99999, 400, (Fault.UNCLEAR, Setting.OTHER)),
        (None, 400, (Fault.UNCLEAR, Setting.OTHER)),
    ],
)
def test_whose_fault_a_refusal_is(code: int | None, status: int, whose: tuple[Fault, Setting | None]) -> None:
    said = refusal(code, status)
    assert (said.fault, said.setting) == whose
    assert said.code == str(code or status)
    assert said.opted_out is (code == 21610)


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


@pytest.mark.parametrize("code", [21219, 21608, 572005])
def test_what_a_trial_account_has_not_verified_says_nothing_of_other_phones(code: int) -> None:
    assert refusal(code, 400).this_phone
    assert undelivered(str(code)).this_phone
    assert not refusal(21606, 400).this_phone
