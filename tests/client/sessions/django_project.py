"""The same application for Django, which has one configuration for a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]
from django.contrib.auth import get_user_model, login, logout  # type: ignore[import-untyped]
from django.core.management import call_command  # type: ignore[import-untyped]
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.http import JsonResponse  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from elasticache_client.sessions import Sessions

sessions: Sessions | None = None
"""Set by each test."""

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    ELASTICACHE_SESSIONS=f"{__name__}.sessions",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not-of-any-use",
    SESSION_COOKIE_NAME="__Host-session",
    SESSION_COOKIE_SECURE=True,
    SESSION_ENGINE="elasticache_client.sessions.django",
    USE_TZ=True,
)
django.setup()
call_command("migrate", verbosity=0)


def serve(request: Any, deed: str, who: str) -> Any:
    """What a request does to its session."""
    users = get_user_model().objects
    session = request.session
    if deed == "log-in":
        login(request, users.get_or_create(username=who)[0])
    elif deed == "elevate":
        session.cycle_key()
    elif deed == "put":
        session[who] = True
    elif deed == "log-out":
        logout(request)
    elif deed == "revoke":
        assert sessions is not None
        sessions.revoke(str(users.get(username=who).pk))
    values = {name: value for name, value in session.items() if not name.startswith("_auth")}
    return JsonResponse({"user": request.user.username or None, **values})


def plain(_: Any) -> Any:
    """Does not look at the session."""
    return JsonResponse("plain", safe=False)


urlpatterns = [path("plain", plain), path("<deed>/<who>", serve)]
application = get_wsgi_application()
