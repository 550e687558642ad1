"""What the project exists for, as pure functions.

Nothing here may import Flask, Celery, SQLAlchemy or the network, read the clock, or draw from
global randomness. Whatever depends on the time takes `now`. A test holds that line.
"""
