"""The Flask extensions, made once and bound to each app by :func:`dispatcher.create_app`."""

from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect

babel = Babel()
csrf = CSRFProtect()
login_manager = LoginManager()
migrate = Migrate()
# Without the broker each process counts for itself: weaker limits, never a page that fails.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, swallow_errors=True)
