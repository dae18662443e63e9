"""Opens the audio stores that the configuration declares, and says whose calls each may hold.

Called by `core.recording_audio`. Must never open a store that the settings did not check.
"""

from collections.abc import Mapping

from quivive.audio_settings import AudioKind, AudioSettings
from quivive.connectors.registry import Context
from quivive.recordings.audio import AudioStore
from quivive.recordings.audio_folder import FolderStore
from quivive.recordings.audio_listing import ListingStore
from quivive.recordings.audio_s3 import open_bucket
from quivive.recordings.gather import Place
from quivive.recordings.naming import NameReader
from quivive.settings import Settings


def open_stores(settings: Settings) -> dict[str, AudioStore]:
    """Open every declared store.

    Raises:
        ConfigurationError: one cannot be opened as declared.
    """
    return {name: _open(name, store, settings) for name, store in settings.audio.items()}


def places(settings: Settings) -> Mapping[str, Place]:
    """Every declared store as `gather` needs it."""
    every = tuple(sorted(settings.controllers))
    return {
        name: Place(
            name=name,
            controllers=store.controllers or every,
            reader=NameReader(store, settings.operator.timezone),
        )
        for name, store in settings.audio.items()
    }


def _open(name: str, store: AudioSettings, settings: Settings) -> AudioStore:
    if store.kind is AudioKind.S3:
        return open_bucket(name, store, settings.home)
    if store.kind is AudioKind.FOLDER:
        return FolderStore(name, settings.home / store.path, store.endings)
    only = store.controllers[0] if len(store.controllers) == 1 else ""
    context = Context(
        source=name, controller=only, timezone=store.timezone or settings.operator.timezone, home=settings.home
    )
    return ListingStore(name, settings.home / store.path, store.mapping, context)
