"""Use cases. Each is one transaction: read, ask the rules, write state, events and messages, commit.

Functions that take a `Session` first are steps inside somebody else's transaction; the others open
their own. Services never import the jobs: they note wake-ups by name, published after the commit.
"""
