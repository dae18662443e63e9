"""The few errors that cross packages. Each names the place, the expected and the found, never a personal value."""


class QuiviveError(Exception):
    """Root of what Quivive raises on purpose. Anything else is a defect."""


class ConfigurationError(QuiviveError):
    """A configuration file is wrong: file, key, expected, found."""

    def __init__(self, *, file: str, key: str, expected: str, found: str) -> None:
        self.file, self.key, self.expected, self.found = file, key, expected, found
        super().__init__(f"{file}: {key}: expected {expected}, found {found}")


class StorageError(QuiviveError):
    """A durable write or read failed (disk full, permission, damaged file); nothing was acknowledged."""


class RefusedError(QuiviveError):
    """The gate, a permission or a limit refuses; `code` is stored and translated when shown."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}" if detail else code)
