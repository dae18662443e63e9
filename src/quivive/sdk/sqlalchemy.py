"""SQLAlchemy 2: an engine whose statements are attributed to `acting_as`.

    from quivive.sdk.sqlalchemy import attribute
    attribute(engine)                                        # async: attribute(engine.sync_engine)

Must never change a statement: one short `select set_config(…)` goes before it when the actor has changed.
"""

from typing import Any, Final

from sqlalchemy import Connection, Engine, event, text

from quivive.sdk.actor import current_actor

_TOLD: Final = "quivive_told"
_TELL: Final = text("select set_config('quivive.agent', :agent, false), set_config('quivive.contact', :contact, false)")


def attribute(engine: Engine) -> None:
    """Attribute every statement of this engine; call once, after it was made."""
    event.listen(engine, "before_cursor_execute", _before)
    event.listen(engine, "checkout", _checkout)  # the pool rolled back when the connection came home
    for ended in ("rollback", "rollback_savepoint", "rollback_twophase"):
        event.listen(engine, ended, _forget)


def _before(connection: Connection, *_: Any) -> None:
    actor, info = current_actor(), connection.info
    if info.get(_TOLD) == actor:
        return
    info[_TOLD] = actor  # before the statement: it comes through here itself
    try:
        connection.execute(_TELL, actor._asdict())
    except BaseException:
        info.pop(_TOLD, None)
        raise


def _forget(connection: Connection, *_: Any) -> None:
    connection.info.pop(_TOLD, None)


def _checkout(_: Any, record: Any, __: Any) -> None:
    record.info.pop(_TOLD, None)
