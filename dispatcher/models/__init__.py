"""The tables, one file for a noun. Import models from here."""

from dispatcher.models.campus import Campus, CampusNeighbour
from dispatcher.models.desk import Draft, ReturnCall, ShiftNote
from dispatcher.models.help_request import HelpRequest, RepeatCall
from dispatcher.models.history import Attention, Event
from dispatcher.models.learning import Acceptance, AnswerTimes
from dispatcher.models.login import LoginSession
from dispatcher.models.message import LinkToken, Message, MessageReceipt, ReplyCode
from dispatcher.models.retiree import Retiree, RetireePhone, SearchKey
from dispatcher.models.staff import ADMINISTRATOR, COORDINATOR, OPERATOR, ROLES, Staff
from dispatcher.models.stoppage import Stoppage
from dispatcher.models.task import Assignment, Offer, ReceiptPhoto, Task
from dispatcher.models.volunteer import DutyWindow, Volunteer, VolunteerKey

__all__ = [
    "ADMINISTRATOR",
    "COORDINATOR",
    "OPERATOR",
    "ROLES",
    "Acceptance",
    "AnswerTimes",
    "Assignment",
    "Attention",
    "Campus",
    "CampusNeighbour",
    "Draft",
    "DutyWindow",
    "Event",
    "HelpRequest",
    "LinkToken",
    "LoginSession",
    "Message",
    "MessageReceipt",
    "Offer",
    "ReceiptPhoto",
    "RepeatCall",
    "ReplyCode",
    "Retiree",
    "RetireePhone",
    "ReturnCall",
    "SearchKey",
    "ShiftNote",
    "Staff",
    "Stoppage",
    "Task",
    "Volunteer",
    "VolunteerKey",
]
