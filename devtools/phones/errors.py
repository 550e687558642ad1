"""The provider's API errors: codes, HTTP statuses and bodies as its client library meets them."""

from __future__ import annotations

AUTHENTICATE = 20003
METHOD_NOT_ALLOWED = 20004
ACCOUNT_NOT_ACTIVE = 20005
NOT_FOUND = 20404
TOO_MANY_REQUESTS = 20429
SERVER_ERROR = 20500
SERVICE_UNAVAILABLE = 20503
INVALID_TO = 21211
REGION_NOT_ENABLED = 21408
BODY_MISSING = 21602
FROM_MISSING = 21603
TO_MISSING = 21604
FROM_NOT_OURS = 21606
OPTED_OUT = 21610
NOT_MOBILE = 21614
BODY_TOO_LONG = 21617

_CATALOGUE: dict[int, tuple[int, str]] = {
    AUTHENTICATE: (401, "Authenticate"),
    METHOD_NOT_ALLOWED: (405, "Method not allowed"),
    NOT_FOUND: (404, "The requested resource {detail} was not found"),
    TOO_MANY_REQUESTS: (429, "Too Many Requests"),
    SERVER_ERROR: (500, "An internal server error has occurred"),
    SERVICE_UNAVAILABLE: (503, "Service unavailable"),
    INVALID_TO: (400, "Invalid 'To' Phone Number: {detail}"),
    ACCOUNT_NOT_ACTIVE: (401, "Account not active"),
    FROM_NOT_OURS: (
        400,
        "The 'From' phone number provided is not a valid message-capable phone number for this account",
    ),
    REGION_NOT_ENABLED: (
        400,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: "
        "{detail}",
    ),
    BODY_MISSING: (400, "Message body is required."),
    FROM_MISSING: (400, "A 'From' phone number is required."),
    TO_MISSING: (400, "A 'To' phone number is required."),
    OPTED_OUT: (400, "Attempt to send to unsubscribed recipient"),
    NOT_MOBILE: (400, "To number: {detail}, is not a mobile number"),
    BODY_TOO_LONG: (400, "The concatenated message body exceeds the 1600 character limit"),
}

DELIVERY_ERRORS: dict[int, str] = {
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30034: "Message from an unregistered number",
}


class TwilioError(Exception):
    """An API call is answered with this error instead of a resource."""

    def __init__(self, code: int, detail: str = "", *, status: int | None = None) -> None:
        """Take the text for `code` from the catalogue; `status` replaces the usual HTTP status."""
        usual_status, text = _CATALOGUE.get(code, (400, "Simulated error"))
        self.code = code
        self.status = status if status is not None else usual_status
        self.text = text.format(detail=detail)
        super().__init__(f"{self.code}: {self.text}")

    def as_json(self) -> dict[str, int | str]:
        """The error body of the API."""
        return {
            "code": self.code,
            "message": self.text,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def usual_status(code: int) -> int:
    """The HTTP status that normally comes with error `code`; 400 for codes not in the catalogue."""
    return _CATALOGUE.get(code, (400, ""))[0]
