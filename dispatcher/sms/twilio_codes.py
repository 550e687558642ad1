"""Twilio's error codes: whose fault each is, both when a message is handed over and in later receipts.

After Twilio's error dictionary (https://www.twilio.com/docs/api/errors). Codes are added and split up by
Twilio now and then: what isn't listed is unclear, never held against the recipient.
"""

from dispatcher.sms.gateway import Fault, Refused, Setting, Unknown

_RECIPIENT = (
    14101,  # 'To' is no valid number
    21211,  # 'To' is no valid number
    21214,  # 'To' can't be reached
    21217,  # number doesn't appear to be valid
    21265,  # 'To' is a short code
    21266,  # 'To' and 'From' are the same number
    21614,  # 'To' is no mobile number
    21635,  # 'To' is a landline
    30003,  # handset switched off, out of reach
    30004,  # blocked by the recipient or their carrier
    30005,  # unknown destination
    30006,  # landline, or a carrier that can't be reached
    30011,  # MMS not supported by the recipient's carrier
)
_OPTED_OUT = (21610,)  # replied STOP to this sender
_TEXT = (
    21602,  # no body
    21604,  # no 'To'
    21605,  # body too long
    21617,  # body longer than 1600 characters
    21619,  # neither body nor media
    21620,  # invalid media address
    21623,  # invalid media address
    30007,  # filtered as spam or unwanted content
    30009,  # a part of the message is missing
    30010,  # dearer than the most that was allowed for it
    30019,  # content too large for the carrier
    30038,  # filtered: one-time password
    30044,  # too long for a trial account
)
_OURS: dict[Setting, tuple[int, ...]] = {
    Setting.SENDER: (
        14102,  # invalid 'From'
        14108,  # 'From' can't send SMS
        21210,  # 'From' isn't verified
        21212,  # 'From' is no valid number
        21267,  # an alphanumeric sender isn't available to trial accounts
        21401,  # 'From' is neither a number of ours that can send SMS nor a sender id
        21601,  # 'From' isn't a number of ours that can send SMS
        21603,  # no 'From'
        21606,  # 'From' isn't a number of ours, or not for this account
        21607,  # 'From' isn't a number that can send SMS
        21657,  # invalid sender id
        21659,  # 'From' is no number of Twilio's
        21660,  # 'From' belongs to another account
        21661,  # 'From' can't send SMS
        21701,  # no such messaging service
        21702,  # messaging service not available
        21703,  # messaging service without numbers
        21704,  # messaging service without a number that suits
        21705,  # messaging service invalid
        21712,  # number not in the messaging service
        30018,  # the destination's carriers require a registered sender id
        30024,  # numeric sender id not provisioned on the carrier
        30032,  # toll-free number not verified
        30033,  # campaign suspended
        30034,  # number not registered with a campaign
        30035,  # the sender isn't accepted by the carriers
        30040,  # sender id not accepted
        30041,  # sender id not accepted
        30042,  # sender id blocked as too generic
        30043,  # sender id not accepted
        30127,  # messaging service invalid
    ),
    Setting.CREDENTIALS: (
        20003,  # wrong account or token
        20004,  # method not allowed
        20006,  # access denied
        20008,  # test credentials
        20101,  # access token invalid
        20103,  # access token by an unknown issuer
        20104,  # access token expired
        20151,  # authentication failed
        20403,  # forbidden
        20404,  # no such account
    ),
    Setting.REGION: (
        21215,  # no permission for this country (calls)
        21408,  # no permission for this country (SMS)
    ),
    Setting.ACCOUNT: (
        10001,  # account not active: out of funds or suspended
        10002,  # not available to trial accounts
        20005,  # account not active
        21219,  # 'To' not verified: trial account
        21472,  # account not active
        21608,  # 'To' not verified: trial account
        30002,  # suspended after the message was taken
        63038,  # daily limit of the account reached
        90010,  # account not active
        572005,  # 'To' not verified yet: trial account
    ),
    Setting.ADDRESS: (
        11100,  # invalid address
        21502,  # invalid address for status callbacks
        21609,  # invalid address for status callbacks
    ),
}
_UNVERIFIED = (21219, 21608, 572005)
"""What a trial account says of this phone alone: others may be verified."""
_LOAD = (
    14107,  # rate limit of messages
    20409,  # conflict: the same thing is being changed just now
    20429,  # too many requests
    20500,  # internal error
    20503,  # service unavailable
    20504,  # gateway timed out
    21611,  # the sender's queue is full
    21730,  # maintenance
    30001,  # queue overflow
    30017,  # carrier congested
    30021,  # internal failure
    30022,  # rate limit of the campaign
    30023,  # daily cap of the carrier
    30036,  # not passed on within its validity period
    30410,  # provider timed out
    30450,  # blocked for a while by the protection against pumping
    30453,  # blocked for some hours by the protection against pumping
    30500,  # internal error of the provider
    63017,  # rate limit of the account
    63018,  # rate limit of the channel
)

_FAULTS: dict[int, tuple[Fault, Setting | None]] = {
    **dict.fromkeys((*_RECIPIENT, *_OPTED_OUT), (Fault.RECIPIENT, None)),
    **dict.fromkeys(_TEXT, (Fault.TEXT, None)),
    **dict.fromkeys(_LOAD, (Fault.LOAD, None)),
    **{code: (Fault.OURS, setting) for setting, codes in _OURS.items() for code in codes},
}

_BY_STATUS: dict[int, tuple[Fault, Setting | None]] = {
    401: (Fault.OURS, Setting.CREDENTIALS),
    402: (Fault.OURS, Setting.ACCOUNT),
    403: (Fault.OURS, Setting.CREDENTIALS),
    404: (Fault.OURS, Setting.CREDENTIALS),
    407: (Fault.LOAD, Setting.CONNECTION),  # a proxy of ours wants to know who we are
    425: (Fault.LOAD, None),
    429: (Fault.LOAD, None),
}
"""What an HTTP status says by itself. Any other 4xx doesn't say whose fault it is, nor passes by waiting."""

_TIMED_OUT = 408


def refusal(code: int | None, status: int) -> Refused | Unknown:
    """What an answer of 4xx means, by Twilio's `code`, if it gives one, and the HTTP `status`: a refusal,
    unless it gave up waiting for us, for that proves nothing of what it had by then."""
    known = _FAULTS.get(code) if code is not None else None
    if known is None and status == _TIMED_OUT:
        return Unknown(str(code or status))
    fault, setting = known or _BY_STATUS.get(status, (Fault.UNCLEAR, Setting.OTHER))
    return Refused(
        str(code or status), fault, setting, opted_out=code in _OPTED_OUT, this_phone=code in _UNVERIFIED
    )


def undelivered(code: str) -> Refused:
    """What a receipt of a message that wasn't delivered means, by its error code.

    Without a code, or with 30008 ("unknown error"), nobody knows whose fault it is.
    """
    number = int(code) if code.isdecimal() else 0
    fault, setting = _FAULTS.get(number, (Fault.UNCLEAR, Setting.OTHER))
    return Refused(code, fault, setting, opted_out=number in _OPTED_OUT, this_phone=number in _UNVERIFIED)
