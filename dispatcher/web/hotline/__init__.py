"""The operators' face: the desk, a call, drafts of calls, calls to return, and what a shift needs to know."""

from dispatcher.web.hotline import call, desk, drafts, returns, shift
from dispatcher.web.hotline.blueprint import blueprint

__all__ = ["blueprint", "call", "desk", "drafts", "returns", "shift"]
