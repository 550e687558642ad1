"""How the web process runs. Read by `gunicorn -c gunicorn.conf.py wsgi:app`.

Environment: BIND (default 127.0.0.1:PORT), PORT (8000), WEB_PROCESSES (2), WEB_THREADS (224),
LOG_LEVEL (info), ACCESS_LOG (off; a file, or - for standard output).
"""

import os

bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT', '8000')}"

# Threads, because a page that follows live changes keeps one waiting nearly all the time.
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "224"))
preload_app = False  # database connections must not be shared across the fork

timeout = 30  # seconds without a sign of life, after which a process is replaced
graceful_timeout = 3  # seconds for open requests at a stop; a live stream never ends by itself
keepalive = 5

# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# Off unless asked for: links carry access tokens in their addresses, which a log must not keep.
accesslog = os.environ.get("ACCESS_LOG") or None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()

control_socket_disable = True  # no second way in; it would also be shared by all demos of one user
