"""An invented roster for demonstrations and tests.

The number of retirees at each place follows ``retirees_by_place.csv``; every person, address and
telephone number is invented. The same seed always gives the same roster.
"""

from devtools.roster.build import ANCHOR_KEY, build, labels, read_place_counts
from devtools.roster.model import DemoRoster, DutyWindow, Phone, Place, Retiree, Staff, Volunteer

__all__ = [
    "ANCHOR_KEY",
    "DemoRoster",
    "DutyWindow",
    "Phone",
    "Place",
    "Retiree",
    "Staff",
    "Volunteer",
    "build",
    "labels",
    "read_place_counts",
]
