"""A scripted switch: greets, signs in by challenge, then sends what the test gives it and answers pings."""

import asyncio
from hashlib import md5

CHALLENGE = "841415273"


class Switch:
    """Listens on a free port of this machine; `actions` are those it was sent, in order."""

    def __init__(self, secret, events=b"", *, pongs=True):
        self.secret, self.events, self.pongs = secret, events, pongs
        self.actions, self.writers, self.sign_ins = [], [], 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    def hang_up(self):
        """End every connection."""
        while self.writers:
            self.writers.pop().close()

    def send(self, data):
        """Send to whoever is connected."""
        for writer in self.writers:
            writer.write(data)

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in text.strip().split("\r\n"))
                self.actions.append(action)
                self._answer(action, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, action, writer):
        head = f"Response: Success\r\nActionID: {action['ActionID']}\r\n"
        if action["Action"] == "Challenge":
            writer.write(f"{head}Challenge: {CHALLENGE}\r\n\r\n".encode())
        elif action["Action"] == "Login":
            right = md5(f"{CHALLENGE}{self.secret}".encode(), usedforsecurity=False).hexdigest()
            if action["Key"] != right:
                writer.write(head.replace("Success", "Error").encode() + b"Message: Authentication failed\r\n\r\n")
                return
            self.sign_ins += 1
            writer.write(head.encode() + b"\r\n" + self.events)
        elif action["Action"] == "Ping" and self.pongs:
            writer.write(f"{head}Ping: Pong\r\n\r\n".encode())


def message(event, **headers):
    """One event as the switch writes it."""
    lines = [f"Event: {event}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()
