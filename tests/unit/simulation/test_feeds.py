"""Claims on the feeds: order kept, nothing lost while the product is away, heartbeats that do not overclaim."""

import asyncio
import json
import random
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from quivive.model.clock import from_rfc3339, now_us
from quivive.simulation import feeds
from quivive.simulation.feeds import Api, Delay, Feed, FeedError


class Product(BaseHTTPRequestHandler):
    """Keeps what is posted; refuses everything while `away`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        status = 503 if server.away else 200
        if status == 200:
            server.taken.append((self.path, self.headers["Authorization"], [json.loads(x) for x in body.splitlines()]))
        answer = json.dumps({"accepted": 1, "duplicates": 0, "refused": []}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def product():
    server = HTTPServer(("127.0.0.1", 0), Product)
    server.taken, server.away = [], False
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def feed(product, monkeypatch):
    monkeypatch.setattr(feeds, "FLUSH_S", 0.01)
    monkeypatch.setattr(feeds, "HEARTBEAT_S", 0.05)
    api = Api(f"http://127.0.0.1:{product.server_port}", "token")
    yield Feed(api, Delay(usual=0.001, most=0.05), random.Random(1))
    api.close()


def run_for(feed, seconds):
    async def run():
        task = asyncio.create_task(feed.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_versions_arrive_in_order_with_the_token(feed, product):
    """A later version of a contact is never delivered before an earlier one."""
    for version in range(1, 6):
        feed.deliver({"id": "A", "version": version}, covers_from=now_us())
    run_for(feed, 0.5)
    rows = [row for path, _, rows in product.taken if path == "/v1/contacts" for row in rows]
    assert [row["version"] for row in rows] == [1, 2, 3, 4, 5]
    assert {token for _, token, _ in product.taken} == {"Bearer token"}
    assert feed.delivered == 5


def test_nothing_is_lost_while_the_product_is_away(feed, product):
    """Deliveries wait and the source stays incomplete; then everything arrives."""
    product.away = True
    began = now_us()
    feed.deliver({"id": "A", "version": 1}, covers_from=began)
    run_for(feed, 0.3)
    assert product.taken == []
    assert from_rfc3339(feed._heartbeat()["complete_to"]) <= began
    product.away = False
    run_for(feed, 0.5)
    assert any(path == "/v1/contacts" for path, _, _ in product.taken)


def test_a_heartbeat_claims_nothing_that_is_still_to_come(feed):
    """A call that rings but was not handed over holds the claim back; handing over moves it to the delivery."""
    feed.expect("A", 1_000_000)
    assert from_rfc3339(feed._heartbeat()["complete_to"]) == 1_000_000
    feed.deliver({"id": "A", "version": 1}, covers_from=2_000_000)
    assert from_rfc3339(feed._heartbeat()["complete_to"]) == 2_000_000


def test_a_refused_request_says_no_row(product):
    """The error names the route and the status only."""
    product.away = True
    api = Api(f"http://127.0.0.1:{product.server_port}", "token")
    with pytest.raises(FeedError, match=r"^POST /v1/contacts: 503$"):
        api.post("/v1/contacts", [{"id": "secret"}])
    api.close()
