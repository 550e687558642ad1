"""How a web process shares out its threads: boards that listen, logins that are turned away, and pages."""

import os

THREADS = int(os.environ.get("WEB_THREADS", "352"))
"""As in gunicorn.conf.py."""

FOR_PAGES = 32
"""Nothing that only waits takes these, but two lanes of logins (`turnstile.LOBBY`)."""

FOR_TURNED_AWAY = THREADS // 4
"""So many logins that find no place may hold a thread, asleep, before they are answered."""

FOR_STREAMS = max(1, THREADS - FOR_PAGES - FOR_TURNED_AWAY)
"""Each open board holds one."""
