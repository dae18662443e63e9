"""A test client that knows its form secret."""

from litestar.testing import TestClient


class Client(TestClient):
    """A client that knows its form secret."""

    csrf = ""

    def submit(self, path: str, **fields: str):
        """Post a form of ours."""
        return self.post(path, data={"csrf": self.csrf, **fields}, follow_redirects=False)
