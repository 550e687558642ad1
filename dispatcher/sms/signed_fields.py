"""What a gateway's signature really says: one reading of the signed fields, or none.

Twilio signs the address and, sorted by name, all names and values, run together without anything between
them. So whoever has seen one signed request could cut the same text into other fields:
`MessageSid=SM…NumMedia0` in place of `MessageSid=SM…` and `NumMedia=0`, which would look like another
message. Here the fields that we go by must be there, have the shape that Twilio gives them, and be the only
ones of their kind in the whole text. Fields that we don't know may have any value.
"""

import re
from collections.abc import Collection, Mapping

_SHAPES = {
    name: re.compile(shape)
    for name, shape in {
        "MessageSid": "(SM|MM)[0-9a-f]{32}",
        "SmsSid": "(SM|MM)[0-9a-f]{32}",
        "SmsMessageSid": "(SM|MM)[0-9a-f]{32}",
        "AccountSid": "AC[0-9a-f]{32}",
        "MessagingServiceSid": "(MG[0-9a-f]{32})?",
        "ApiVersion": r"\d{4}-\d\d-\d\d",
        "MessageStatus": "[a-z_-]{1,20}",
        "SmsStatus": "[a-z_-]{1,20}",
        "NumMedia": r"\d{0,3}",
        "NumSegments": r"\d{0,4}",
        "ErrorCode": r"\d{0,9}",
        "OptOutType": "[A-Z]{0,20}",
    }.items()
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_MESSAGE_IDS = re.compile("MessageSid((?:SM|MM)[0-9a-f]{32})")
_ACCOUNT_IDS = re.compile("AccountSid(AC[0-9a-f]{32})")
_SAME_AS_MESSAGE = ("SmsSid", "SmsMessageSid")


def mean_one_thing(
    fields: Mapping[str, Collection[str]], account_sid: str, required: Collection[str]
) -> bool:
    """Whether these form fields, each with all its values, can be read in one way only.

    `account_sid`: our account, or "" where any will do. `required`: names that must be there.
    """
    if any(len(values) != 1 for values in fields.values()) or not all(map(_NAME.fullmatch, fields)):
        return False
    single = {name: next(iter(values)) for name, values in fields.items()}
    if any(name not in single for name in required):
        return False
    if any(name in single and not shape.fullmatch(single[name]) for name, shape in _SHAPES.items()):
        return False
    message, account = single.get("MessageSid", ""), single.get("AccountSid", "")
    if account_sid and account != account_sid:
        return False
    if any(single.get(name, message) != message for name in _SAME_AS_MESSAGE):
        return False
    signed = "".join(name + single[name] for name in sorted(single))
    return {*_MESSAGE_IDS.findall(signed), message} == {message} and (
        {*_ACCOUNT_IDS.findall(signed), account} == {account}
    )
