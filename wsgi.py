"""The web process: `gunicorn wsgi:app`."""

from dispatcher import create_app, logs, memory
from dispatcher.rules import names

logs.play("web")
app = create_app()
names.warm()
memory.settle()
