"""The web process: `gunicorn wsgi:app`."""

from dispatcher import create_app, logs, memory

logs.play("web")
app = create_app()
memory.settle()
