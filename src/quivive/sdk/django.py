"""Django: statements of a request are attributed to its user, those of a task to `acting_as`.

    INSTALLED_APPS = [..., "quivive.sdk.django.Attribution"]
    MIDDLEWARE = [..., AuthenticationMiddleware's name, "quivive.sdk.django.attribute_request"]
    QUIVIVE_CONTACT_HEADER = "X-Contact"                     # optional: the call or ticket on the screen

Must never change a statement: one short `select set_config(…)` goes before it when the actor has changed.
"""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from asgiref.sync import markcoroutinefunction
from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created
from django.utils.decorators import sync_and_async_middleware

from quivive.sdk.actor import acting_as, current_actor
from quivive.sdk.announcer import TELL, Announcer

_IDLE: Final = 0  # libpq's PQTRANS_IDLE, in psycopg 2 and 3
_FAILED: Final = 3  # PQTRANS_INERROR: nothing but a rollback is heard


class Attribution(AppConfig):  # type: ignore[misc]
    """The application that Django loads."""

    name = "quivive.sdk.django"
    label = "quivive_attribution"

    def ready(self) -> None:
        """Follow every PostgreSQL connection that Django opens."""
        connection_created.connect(_follow, dispatch_uid=self.label)


def _follow(connection: Any, **_: Any) -> None:
    if connection.vendor == "postgresql":  # a new connection: what the one before was told does not count
        others = [each for each in connection.execute_wrappers if not isinstance(each, _Announce)]
        connection.execute_wrappers[:] = [*others, _Announce(connection)]


class _Announce:
    """An execute wrapper: announces the actor when he has changed."""

    def __init__(self, connection: Any) -> None:
        self._connection, self._announcer = connection, Announcer()

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
        raw, actor = self._connection.connection, current_actor()
        status, savepoints = _status(raw), tuple(self._connection.savepoint_ids)
        inside = status != _IDLE
        if status != _FAILED and self._announcer.due(actor, in_transaction=inside, savepoints=savepoints):
            with raw.cursor() as cursor:
                cursor.execute(TELL, tuple(actor))
            self._announcer.told(actor, in_transaction=inside or not raw.autocommit, savepoints=savepoints)
        return execute(sql, params, many, context)


def _status(raw: Any) -> int:
    """Transaction status of libpq, as psycopg 3 and psycopg 2 give it."""
    pgconn = getattr(raw, "pgconn", None)
    return int(raw.get_transaction_status() if pgconn is None else pgconn.transaction_status)


@sync_and_async_middleware  # type: ignore[untyped-decorator]
def attribute_request(get_response: Any) -> Any:
    """Middleware: the signed-in user acts, on the contact that the request names."""
    if iscoroutinefunction(get_response):

        async def respond_async(request: Any) -> Any:
            user = await request.auser()
            with acting_as(_agent(user), contact=_contact(request)):
                return await get_response(request)

        markcoroutinefunction(respond_async)
        return respond_async

    def respond(request: Any) -> Any:
        with acting_as(_agent(request.user), contact=_contact(request)):
            return get_response(request)

    return respond


def _agent(user: Any) -> str:
    return str(user.get_username()) if user.is_authenticated else ""


def _contact(request: Any) -> str:
    header = getattr(settings, "QUIVIVE_CONTACT_HEADER", "")
    return str(request.headers.get(header, "")) if header else ""
