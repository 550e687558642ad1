"""The words of the pages for what the code calls by a code: one table a noun.

Every table maps codes to sentences in the reader's language, worded when they are shown.
"""

from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

CATEGORY = {
    "medicine": _l("Medicine"),
    "groceries": _l("Groceries"),
    "urgent": _l("Urgent help"),
    "other": _l("Other help"),
}
URGENCY = {"routine": _l("No hurry"), "soon": _l("Soon"), "urgent": _l("Urgent")}
STATE = {
    "open": _l("Looking for someone"),
    "assigned": _l("Accepted"),
    "underway": _l("On the way"),
    "delivered": _l("Delivered, not confirmed"),
    "closed": _l("Closed"),
    "cancelled": _l("Cancelled"),
}
LANE = {
    "needs": _l("Needs a person"),
    "looking": _l("Looking for someone"),
    "held": _l("Accepted or on the way"),
    "delivered": _l("Delivered, not confirmed"),
}
OFFER_STATE = {
    "queued": _l("being sent"),
    "sent": _l("asked"),
    "accepted": _l("accepted"),
    "declined": _l("declined"),
    "expired": _l("no answer"),
    "withdrawn": _l("withdrawn"),
}
HOLD_END = {
    "handed_back": _l("handed back"),
    "reassigned": _l("given to somebody else"),
    "reopened": _l("opened again"),
    "cancelled": _l("task cancelled"),
    "closed": _l("task closed"),
}
MESSAGE_STATE = {
    "queued": _l("waiting to be sent"),
    "sending": _l("being sent"),
    "unknown": _l("being looked up"),
    "sent": _l("sent"),
    "delivered": _l("delivered"),
    "undelivered": _l("not delivered"),
    "failed": _l("not sent"),
    "received": _l("received"),
}
WHY_NO = {
    "busy": _l("busy"),
    "too_far": _l("too far"),
    "not_well": _l("not well"),
    "cant_do": _l("can't do this"),
    "cant_make_it": _l("can't make it"),
    "shop_shut": _l("shop shut or out of stock"),
    "other": _l("another reason"),
}
RETURN_OUTCOME = {
    "reached": _l("reached, and a request saved"),
    "not_reached": _l("not reached, tried again later"),
    "settled": _l("settled by phone"),
}
RETURN_STEP = {
    "added": _l("A call to return was noted"),
    "claimed": _l("Makes a call to return"),
    "released": _l("Gave back a call to return"),
    "reached": _l("Called back as promised"),
    "not_reached": _l("Called back, nobody answered"),
    "settled": _l("Called back, and it was settled by phone"),
}
TROUBLE = {
    "not_home": _l("nobody is at home"),
    "shop_shut": _l("the shop is shut"),
    "no_stock": _l("it can't be had"),
    "not_well": _l("feeling ill"),
    "other": _l("something else"),
}
CHANGED = {
    "routine": _l("no hurry any more"),
    "soon": _l("now: as soon as you can"),
    "urgent": _l("now urgent, please go right away"),
}
WHEN = {
    "routine": _l("no hurry, when it suits"),
    "soon": _l("as soon as you can"),
    "urgent": _l("right away"),
}
HEARD = {
    "underway": _l("on the way"),
    "undone": _l("took back a step, said too early"),
    "more_time": _l("needs more time"),
    "spent": _l("money laid out"),
    "receipt": _l("a picture of a receipt"),
    "too_late": _l("a second yes"),
}
BAR = {
    "unavailable": _l("paused or stopped"),
    "off_duty": _l("off duty"),
    "asked_before": _l("asked before"),
    "busy": _l("has as many tasks as agreed"),
    "live_offer": _l("has another offer to answer"),
    "daily_cap": _l("asked often enough today"),
    "quiet_hours": _l("quiet hours"),
}
ROLE = {
    "operator": _l("Hotline operator"),
    "coordinator": _l("Coordinator"),
    "administrator": _l("Administrator"),
}
SOURCE = {
    "prescription": _l("prescription"),
    "card": _l("medicine card"),
    "otc": _l("no prescription needed"),
}
MESSAGE_KIND = {
    "offer": _l("offer"),
    "taken": _l("taken, thank you"),
    "assigned": _l("details for the volunteer"),
    "assigned_by_hand": _l("details for the volunteer"),
    "cancelled_volunteer": _l("cancelled"),
    "released": _l("released"),
    "changed_volunteer": _l("changed"),
    "noted": _l("noted"),
    "reply_help": _l("help with replying"),
    "reply_help_many": _l("help with replying"),
    "reply_help_retiree": _l("help with replying"),
    "closed_volunteer": _l("closed"),
    "reply_help_nothing": _l("help with replying"),
    "reply_seen": _l("your text will be read"),
    "reply_urgent": _l("whom to ring in danger"),
    "thanked": _l("thanks for the reply"),
    "will_call": _l("we are calling"),
    "received": _l("request received"),
    "received_urgent": _l("request received"),
    "received_remote": _l("request received"),
    "coming": _l("who is coming"),
    "later": _l("later than meant"),
    "your_page": _l("link to their own page"),
    "finding_another": _l("finding someone else"),
    "still_looking": _l("we are still looking"),
    "delivered": _l("delivered: all well?"),
    "cancelled_retiree": _l("cancelled"),
    "reply": _l("reply"),
}
TEXT_USE = {
    "offer": _l("To a volunteer: a task is put to them."),
    "taken": _l("To a volunteer who was asked: somebody else has accepted."),
    "assigned": _l("To the volunteer whose task it is: all they need."),
    "assigned_by_hand": _l("To a volunteer to whom the office has given a task: all they need."),
    "cancelled_volunteer": _l("To a volunteer: the task was cancelled before it was delivered."),
    "closed_volunteer": _l("To a volunteer who held the task or was asked: it was closed."),
    "released": _l("To a volunteer: a coordinator has given the task to somebody else."),
    "changed_volunteer": _l("To the volunteer whose task it is: what has changed about it."),
    "your_page": _l("To a volunteer who asked for it, or by the office: the link to their own page."),
    "noted": _l("To a volunteer: confirms a step that they have reported by SMS."),
    "reply_help": _l(
        "To any phone: a reply that isn't clear; which digits say what, of the task that waits."
    ),
    "reply_help_retiree": _l("To a retiree, or any other phone: a text while nothing waits for an answer."),
    "reply_help_many": _l("To any phone: a reply that isn't clear, while several tasks wait for an answer."),
    "reply_help_nothing": _l("To a volunteer: a reply about a task that is over."),
    "reply_seen": _l("To a volunteer: a text while nothing waits for an answer."),
    "reply_urgent": _l(
        "To any phone: a text that sounds like a call for help, in place of every other answer."
    ),
    "thanked": _l("To a retiree who says that all is well."),
    "will_call": _l("To a retiree who says that something is wrong."),
    "received": _l("To the retiree: the call is saved."),
    "received_urgent": _l("To the retiree: an urgent call is saved."),
    "received_remote": _l("To a retiree out of reach: the call is saved."),
    "coming": _l("To the retiree: who is coming, when, and the code word."),
    "later": _l("To the retiree: whoever is coming needs more time."),
    "still_looking": _l("To the retiree: a coordinator says that somebody is still being looked for."),
    "finding_another": _l("To the retiree: the volunteer can't come after all."),
    "delivered": _l("To the retiree: it was delivered; is all well?"),
    "cancelled_retiree": _l("To the retiree: it was cancelled before it was delivered."),
}
TEXT_PROBLEM = {
    "unreadable": _l("The file can't be read."),
    "not_toml": _l("The file isn't written as it should be, so nothing in it is used."),
    "unknown_table": _l(
        "There is no such table. There are [zh.sms], [zh.say], [zh.words] and the same with en."
    ),
    "unknown_entry": _l("There is no text of this name."),
    "not_text": _l("It must be a text in quotes."),
    "empty": _l("It is empty."),
    "too_many_characters": _l("It is too long."),
    "braces": _l("Something is wrong with its braces: only a name may stand in { and }."),
    "unknown_names": _l("These names aren't filled in here:"),
    "missing_names": _l("These must not be missing:"),
    "link_touches": _l("After {link} there must be a space or nothing, or phones won't see where it ends."),
    "signature": _l("What stands in 【】 is taken for a signature: please say it in words."),
    "too_long": _l("With the longest names it costs too many SMS:"),
}
ATTENTION = {
    "nobody_left": _l("nobody left to ask"),
    "nobody_answered": _l("everybody was asked, nobody has answered"),
    "too_few": _l("too few people can be asked"),
    "too_long": _l("nobody has accepted for too long"),
    "due_in_quiet_hours": _l("due before the quiet hours end"),
    "remote": _l("out of reach for volunteers"),
    "call_retiree": _l("call the retiree"),
    "volunteer_unreachable": _l("the volunteer's SMS did not arrive"),
    "overdue": _l("no word from the volunteer"),
    "volunteer_problem": _l("the volunteer is stuck"),
    "no_word": _l("no word from the retiree"),
    "retiree_problem": _l("the retiree says something is wrong"),
    "repeat_call": _l("called again"),
    "unclear_reply": _l("a reply that could not be read"),
    "call_for_help": _l("may be calling for help"),
    "stopped": _l("wants no more SMS"),
    "outcome_unknown": _l("nobody knows whether an SMS went out"),
    "gateway_setting": _l("the SMS gateway refuses a setting of ours"),
    "cannot_ask": _l("nobody can be asked by SMS"),
    "text_refused": _l("the SMS gateway refuses the text"),
    "software": _l("the software can't see to it"),
    "webhooks_refused": _l("replies by SMS are refused"),
    "disk_low": _l("little disk space left"),
    "unworded": _l("an SMS that can't be worded"),
    "unreadable": _l("can't be asked: their data make no sense"),
}
GATEWAY_SETTING = {
    "sender": _l(
        "The SMS gateway refuses our sender number. "
        "Please check HOTLINE_SMS_NUMBER and TWILIO_MESSAGING_SERVICE_SID."
    ),
    "credentials": _l(
        "The SMS gateway refuses our credentials. Please check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."
    ),
    "region": _l(
        "Our account at the SMS gateway may not send to this country. "
        "Please permit it in the gateway's console."
    ),
    "account": _l(
        "Our account at the SMS gateway is suspended, restricted or has no balance left. "
        "Please see the gateway's console."
    ),
    "account:one": _l(
        "Our account at the SMS gateway doesn't send to every number; a trial account sends to verified "
        "ones only. Please see the gateway's console."
    ),
    "address": _l("The SMS gateway refuses our public address. Please check PUBLIC_URL."),
    "connection": _l(
        "The SMS gateway can't be reached. Please check the network of the server, and TWILIO_API_BASE."
    ),
    "other": _l(
        "The SMS gateway refuses messages for a reason that we don't know. Please see the gateway's console."
    ),
}
"""What of ours a gateway refuses, with the settings to look at; ":one": where that keeps some phones only."""


def gateway_refuses(params: dict[str, Any], space: str) -> str:
    """What of ours a gateway refuses, where to mend it, and what waits meanwhile, by the parameters of the
    alarm; `space`: between sentences."""
    setting, one = params.get("setting", ""), params.get("one", False)
    words = GATEWAY_SETTING.get(f"{setting}:one") if one else None
    what = str(words or GATEWAY_SETTING.get(setting, GATEWAY_SETTING["other"]))
    region, code, locale = params.get("region"), params.get("code", ""), get_locale()
    if one:
        waits = _(
            "This keeps SMS from some people only (code %(code)s). Who counted on one is to be called; "
            "volunteers are asked once it is mended.",
            code=code,
        )
    elif region and locale is not None:
        country = locale.territories.get(region, region)
        waits = _("SMS to %(country)s wait until then (code %(code)s).", country=country, code=code)
    else:
        waits = _("All SMS wait until then (code %(code)s).", code=code)
    return what + space + waits


ROSTER_PROBLEM = {
    "empty": _l("Please write a name."),
    "too_long": _l("Please shorten this."),
    "no_such_language": _l("Please choose Chinese or English."),
    "no_such_sex": _l("Please choose one of the options."),
    "not_international": _l("This is no phone number. Mobile: 11 digits; landline: 0351-…"),
    "landline": _l("This is a landline, which gets no SMS. Please give a mobile number."),
    "no_such_kind": _l("Please choose mobile or landline."),
    "out_of_range": _l("Please give a number from 1 to 50."),
    "no_such_weekday": _l("Please choose a day from Monday to Sunday."),
    "outside_the_day": _l("Please give times from 0:00 to 24:00."),
    "window_empty": _l("It begins and ends at the same time."),
    "window_past_midnight": _l(
        "It goes past midnight: please give it in two parts, until 24:00 and from 0:00."
    ),
}
"""Why the roster can't hold something of a person, by the code of the rules."""
