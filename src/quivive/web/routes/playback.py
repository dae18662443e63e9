"""Hearing a recording: asked for with purpose and reason, heard here, the seconds written down (law reference R-12).

Registered by `app.create_app`. Must never give out a whole file, show anything about accesses beside a sound (R-08: no
screen and no trace with the voice), nor put a recording or a person into an address.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Redirect, Stream

from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.model.recording import ListeningReason, Purpose
from quivive.recordings.audio import READ_BYTES
from quivive.recordings.playback import PlaybackRefusal, Span, span_of
from quivive.web.audio_services import OpenPlayback, PlaybackDesk
from quivive.web.guards import requires
from quivive.web.pages import page
from quivive.web.reading import Period, Reader, reader_for
from quivive.web.reading import Purpose as LookPurpose
from quivive.web.services import Services

REASONS: Final = tuple(reason for reason in ListeningReason if reason is not ListeningReason.UNSTATED)
_PLAYERS: Final = frozenset({"", "audio", "video"})
"""`Sec-Fetch-Dest` of a player; a browser that opens or saves the address says `document`."""


def _desk(services: Services) -> PlaybackDesk:
    if services.playback is None:
        raise RefusedError("audio_none")
    return services.playback


async def _reader(request: Request[Any, Any, Any]) -> Reader:
    return await reader_for(request, LookPurpose.RECORDINGS, period=Period.YEAR)


@get("/recordings/playback", opt=requires(Permission.RECORDINGS_AUDIO_LISTEN), include_in_schema=False)
async def playback_list(request: Request[Any, Any, Any]) -> Response[str]:
    """Recordings that this person may ask for, and the form: purpose and reason first."""
    reader = await _reader(request)
    rows = await asyncio.to_thread(_desk(reader.services).listed, reader.principal.id, reader.controllers)
    await reader.record(ActKind.VIEW_RECORDINGS, object_id="playback", count=len(rows))
    heard = request.query_params.get("heard", "")
    return page(
        request,
        "recordings_playback.html",
        rows=rows,
        purposes=tuple(Purpose),
        reasons=REASONS,
        heard_s=int(heard) if heard.isdigit() and len(heard) < 7 else None,
    )


@post(
    "/recordings/playback", opt=requires(Permission.RECORDINGS_AUDIO_LISTEN), include_in_schema=False, status_code=303
)
async def playback_open(request: Request[Any, Any, Any]) -> Response[Any]:
    """Ask for one recording. Refused or not, the asking is an act; the opening is durable before any sound."""
    form = await request.form()
    reader = await _reader(request)
    desk = _desk(reader.services)
    try:
        playing = await asyncio.to_thread(
            desk.open,
            str(form.get("recording", "")),
            principal=reader.principal.id,
            controllers=reader.controllers,
            purpose=str(form.get("purpose", "")),
            reason=str(form.get("reason", "")),
        )
    except RefusedError as error:
        await reader.record(ActKind.PLAY_RECORDING, object_id=f"refused:{error.code}", count=0)
        raise
    await reader.record(ActKind.PLAY_RECORDING, object_id=playing.body.listening, count=1)
    return Redirect(f"/recordings/playback/{playing.ident}", status_code=303)


@get("/recordings/playback/{ident:str}", opt=requires(Permission.RECORDINGS_AUDIO_LISTEN), include_in_schema=False)
async def playback_page(request: Request[Any, Any, Any], ident: str) -> Response[str]:
    """One recording and its player; nothing else stands beside it."""
    reader = await _reader(request)
    playing = await asyncio.to_thread(_desk(reader.services).get, ident, reader.principal.id)
    return page(
        request,
        "recordings_play.html",
        ident=ident,
        body=playing.body,
        length_s=playing.length_ms // 1_000,
        expires_at=playing.expires_at,
    )


@get(
    "/recordings/playback/{ident:str}/sound", opt=requires(Permission.RECORDINGS_AUDIO_LISTEN), include_in_schema=False
)
async def playback_sound(request: Request[Any, Any, Any], ident: str) -> Response[Any]:
    """The sound, in ranges, to a player; sent hardly faster than it is heard, and counted."""
    reader = await _reader(request)
    desk = _desk(reader.services)
    if request.headers.get("sec-fetch-dest", "") not in _PLAYERS:
        await reader.record(ActKind.PLAY_RECORDING, object_id=f"refused:{PlaybackRefusal.DOWNLOAD_NEEDS_CASE}", count=0)
        raise RefusedError(PlaybackRefusal.DOWNLOAD_NEEDS_CASE)
    playing = await asyncio.to_thread(desk.get, ident, reader.principal.id)
    await asyncio.to_thread(desk.may_go_on, playing)
    span = span_of(request.headers.get("range", ""), playing.size)
    if span is None:
        return Response(b"", status_code=416, headers={"Content-Range": f"bytes */{playing.size}"})
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(span.end - span.start),
        "Content-Disposition": "inline",
    }
    if span.partial:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{span.size}"
    return Stream(
        _sound(desk, playing, span),
        status_code=206 if span.partial else 200,
        headers=headers,
        media_type=playing.media_type,
    )


async def _sound(desk: PlaybackDesk, playing: OpenPlayback, span: Span) -> AsyncIterator[bytes]:
    """Blocks of sound, paced over all requests; ends with the playback, at its limit, or at the caller's objection."""
    at, blocks = span.start, desk.read(playing, span.start, span.end)
    while at < span.end:
        count = min(READ_BYTES, span.end - at)
        wait = desk.pace(playing, count, time.monotonic())
        try:
            if wait:
                await asyncio.sleep(wait)
        except asyncio.CancelledError:
            desk.pace(playing, -count, time.monotonic())
            raise
        try:
            await asyncio.to_thread(desk.may_go_on, playing)
        except RefusedError:
            return
        block = await asyncio.to_thread(next, blocks, b"")
        if not block:
            return
        at += len(block)
        yield block


@post(
    "/recordings/playback/{ident:str}/end", opt=requires(Permission.RECORDINGS_AUDIO_LISTEN), include_in_schema=False,
    status_code=303,
)  # fmt: skip
async def playback_end(request: Request[Any, Any, Any], ident: str) -> Response[Any]:
    """Close: the entry says how many seconds were heard. A page that is left is closed ten minutes later."""
    reader = await _reader(request)
    heard_ms = await asyncio.to_thread(_desk(reader.services).close, ident, reader.principal.id)
    return Redirect(f"/recordings/playback?heard={max(0, heard_ms) // 1_000}", status_code=303)


@post(
    "/recordings/playback/{ident:str}/download", opt=requires(Permission.RECORDINGS_AUDIO_LISTEN),
    include_in_schema=False,
)  # fmt: skip
async def playback_download(request: Request[Any, Any, Any], ident: str) -> Response[Any]:
    """Refused: a recording leaves only as an exhibit of a case, sealed to its recipient."""
    reader = await _reader(request)
    await asyncio.to_thread(_desk(reader.services).get, ident, reader.principal.id)
    await reader.record(ActKind.PLAY_RECORDING, object_id=f"refused:{PlaybackRefusal.DOWNLOAD_NEEDS_CASE}", count=0)
    raise RefusedError(PlaybackRefusal.DOWNLOAD_NEEDS_CASE)
