"""Describes statements aside, for the shapes the wire left undescribed: re-executed statements and COPY queries.

Called by RelayContext, once per shape. Must never execute anything of an agent's.
"""

import asyncio

from quivive.capture.side import SideConnection, SideError
from quivive.capture.statements import Known
from quivive.wire.fields import Field
from quivive.wire.sql import CopyPlan, copy_query


class Describer:
    """The Side of a relay, over its side connection."""

    def __init__(self, side: SideConnection) -> None:
        self._side = side
        self._turn = asyncio.Lock()  # a path is looked from by one at a time

    async def fields_of(
        self, known: Known, index: int, types: tuple[int, ...], path: tuple[str, ...] | None = None
    ) -> tuple[Field, ...] | None:
        """Columns of a statement; None when the server refuses it or cannot be asked, there or by this account."""
        async with self._turn:
            try:
                if path is not None and not await self._stand(path):
                    return None
                return await self._fields_of(known, index, types)
            except SideError:
                return None
            finally:
                if path is not None:
                    await self._back()

    async def _stand(self, path: tuple[str, ...]) -> bool:
        """Look from another search path; False when this account may not use all of it, and would see other tables."""
        text = ", ".join(map(_quoted, path)) or '""'
        literal = text.replace("'", "''")
        rows = await self._side.query(
            f"SELECT pg_catalog.set_config('search_path', '{literal}', false);"
            " SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))"
        )
        return [row[0] for row in rows[1:]] == [name for name in path if name != "pg_temp"]

    async def _back(self) -> None:
        try:
            await self._side.query("RESET search_path")
        except SideError:
            await self._side.close()  # the next question opens another, which stands where it should

    async def _fields_of(self, known: Known, index: int, types: tuple[int, ...]) -> tuple[Field, ...] | None:
        plan = known.shape.plan(index)
        try:
            if plan.copy is not None:
                return await self._copied(known, plan.copy)
            if len(known.shape.plans) > 1:
                return None  # only one statement can be parsed at a time
            return await self._side.describe(known.text, types)
        except SideError:
            return None

    async def _copied(self, known: Known, plan: CopyPlan) -> tuple[Field, ...] | None:
        query = copy_query(known.text)
        if query is not None:
            return await self._side.describe(query)
        if not plan.table:
            return None
        if plan.columns:
            return await self._side.describe(
                f"SELECT {', '.join(map(_quoted, plan.columns))} FROM {_dotted(plan.table)}"
            )
        table = _dotted(plan.table)
        # COPY of a whole table leaves generated columns out (PostgreSQL manual, COPY).
        columns = await self._side.query(
            "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = "
            f"'{table.replace(chr(39), chr(39) * 2)}'::pg_catalog.regclass"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
        )
        names = ", ".join(_quoted(name) for (name,) in columns if name is not None)
        return await self._side.describe(f"SELECT {names} FROM {table}") if names else ()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _dotted(name: str) -> str:
    return ".".join(map(_quoted, name.split(".")))
