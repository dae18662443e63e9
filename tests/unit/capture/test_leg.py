"""Legs: reading pauses with the other side's writing, and holds add up."""

import asyncio
import contextlib
import socket

from quivive.capture.leg import WRITE_BUFFER_BYTES, Leg


class Pair:
    """Owner of two legs that forward to each other."""

    def __init__(self) -> None:
        self.lost_legs: list[Leg] = []
        self.client = Leg(self, self._forward)
        self.server = Leg(self, self.client.write)
        self.client.peer, self.server.peer = self.server, self.client

    def _forward(self, data: bytes) -> None:
        self.server.write(data)

    def client_arrived(self) -> None:
        pass

    def half_closed(self, leg: Leg) -> bool:
        if leg is self.client:
            self.server.finish()
        return leg is self.client

    def lost(self, leg: Leg) -> None:
        self.lost_legs.append(leg)
        leg.peer.close()


async def joined() -> tuple[Pair, socket.socket, socket.socket]:
    loop, pair, ends = asyncio.get_running_loop(), Pair(), []
    for leg in (pair.client, pair.server):
        outer, inner = socket.socketpair()
        outer.setblocking(False)
        ends.append(outer)
        await loop.create_unix_connection(lambda leg=leg: leg, sock=inner)
    return pair, ends[0], ends[1]


def test_a_slow_reader_pauses_the_other_side() -> None:
    """What waits for a slow side stays bounded, and everything arrives in the end."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pair, client, server = await joined()
        sent = received = 0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await loop.sock_sendall(client, bytes(65_536))
                    sent += 65_536
                    continue
            break
        assert pair.server.transport is not None
        assert pair.server.transport.get_write_buffer_size() <= WRITE_BUFFER_BYTES + (256 << 10)
        while received < sent:
            received += len(await loop.sock_recv(server, 1 << 20))
        client.close()
        server.close()

    asyncio.run(main())


def test_holds_add_up() -> None:
    """Reading goes on only when every hold was taken back."""

    async def main() -> None:
        pair, client, server = await joined()
        transport = pair.client.transport
        assert transport is not None
        pair.client.hold()
        pair.client.hold()
        pair.client.unhold()
        assert not transport.is_reading()
        pair.client.unhold()
        assert transport.is_reading()
        server.close()
        await asyncio.sleep(0.01)
        assert pair.lost_legs[0] is pair.server
        pair.server.write(b"late")  # nobody is there: dropped, no error
        client.close()

    asyncio.run(main())


def test_a_half_closed_side_still_reads() -> None:
    """What one side says last reaches the other, and its answer comes back."""

    async def work() -> None:
        pair, client, server = await joined()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"last words")
        client.shutdown(socket.SHUT_WR)
        assert await loop.sock_recv(server, 64) == b"last words"
        assert await loop.sock_recv(server, 64) == b""
        await loop.sock_sendall(server, b"the answer")
        assert await loop.sock_recv(client, 64) == b"the answer"
        server.close()
        assert await loop.sock_recv(client, 64) == b""
        client.close()
        pair.client.close()

    asyncio.run(work())
