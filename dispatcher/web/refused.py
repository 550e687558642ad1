"""Why something can't be done (any more), in words, and beside which field it is said."""

from flask_babel import gettext as _


def field(code: str) -> str:
    """The field of the task's forms that a refusal belongs to; "task" when to none."""
    return {
        "reason_missing": "cancel_said",
        "note_missing": "note_said",
        "no_such_volunteer": "volunteer_id",
        "phone_lost": "volunteer_id",
        "no_such_urgency": "urgency",
        "nobody_left": "ask",
    }.get(code, "task")


def words(code: str) -> str:
    """A sentence for a refusal."""
    return {
        "over": _("This task is over; nothing more can be done to it."),
        "changed": _("This task has changed meanwhile."),
        "no_such_task": _("There is no such task."),
        "not_open": _("Somebody holds this task, or it needs a coordinator's call instead."),
        "reason_missing": _("Please give a reason; it is kept in the history."),
        "note_missing": _("Please write the note first."),
        "no_such_volunteer": _("This volunteer can't be given tasks."),
        "phone_lost": _(
            "Their phone is lost, so no SMS would reach them. Once the number is theirs again, say so on "
            "their page."
        ),
        "no_such_urgency": _("Please choose how urgent it is."),
        "nobody_left": _("Nobody is left to ask just now. You can assign by hand."),
        "software": _("The software could not do this here; nothing was changed. The log says more."),
        "not_looking": _("Nobody is being looked for just now, so it would not be true."),
        "told_lately": _("They were told less than an hour ago."),
        "no_such_message": _("There is no such message."),
        "not_resendable": _("This message has been overtaken; there is nothing to send again."),
        "resent_lately": _("It has just been sent again. Please wait a minute and see whether it arrives."),
        "stopped": _("They want no more SMS. Please call."),
        "cannot_ask": _("SMS can't leave just now, so nobody can be asked by SMS. Please ring round."),
        "no_such_moment": _("Please choose until when: a day in the coming year."),
    }.get(code, _("That can't be done any more."))


def phone(reason: str, area_code: str) -> str:
    """A sentence for a phone number that isn't taken; `reason` as in :data:`dispatcher.rules.phones.REASONS`.

    `area_code`: the office's, for the example.
    """
    form = _("This is no phone number. Mobile: 11 digits; landline: %(code)s-…", code=area_code)
    return {
        "missing": _("Please write the phone number."),
        "letters": _("Only the number here, please: without letters or other words."),
        "extension": _("An extension can't be dialled by a link or an SMS. Please write the number alone."),
        "short_code": _("This is the number of a service, not of a person."),
        "hotline": _("This is the number of a hotline, not of a person."),
        "too_short": _("Some digits are missing. Mobile: 11 digits; landline: %(code)s-…", code=area_code),
        "too_long": _(
            "These are too many digits for one number. Please check it; only one number goes here."
        ),
        "mobile_length": _("A mobile number has 11 digits. Please check it."),
        "area_code": _(
            "Please check the area code. A landline is written with it and its 0 (%(code)s-…); a mobile has "
            "11 digits; a number from abroad begins with + and the country code.",
            code=area_code,
        ),
        "country_code": _("A number from abroad begins with + and the country code, such as +1 or +81."),
    }.get(reason, form)
