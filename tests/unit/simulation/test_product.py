"""Claims on the supervised product: what it waits for, what it says when it fails."""

import asyncio

import pytest

from quivive.model.gate import CapturePolicy
from quivive.privacy.policy_file import encode_policy
from quivive.simulation import product as module
from quivive.simulation.product import Product, ProductError


def test_a_product_that_ends_at_once_is_told_with_its_last_words(tmp_path):
    """Without a configuration `quivive serve` refuses; the sentence is passed on."""
    product = Product(tmp_path)
    product.start()
    with pytest.raises(ProductError, match=r"quivive\.toml"):
        asyncio.run(product.ready())
    asyncio.run(product.stop())
    assert not product.running()


def test_policies_are_waited_for(tmp_path, monkeypatch):
    """A dry or missing policy is not enough; an active one with informed accounts is."""
    monkeypatch.setattr(module, "MAX_POLICY_S", 0.2)
    folder = tmp_path / "run" / "policy"
    folder.mkdir(parents=True)
    product = Product(tmp_path)
    with pytest.raises(ProductError, match="shop-db"):
        asyncio.run(product.policies_active(["shop-db"], accounts=1))
    policy = CapturePolicy(active=True, informed={"a" * 32: 1}, keep_unknown=True, service_accounts=())
    (folder / "shop-db.json").write_bytes(encode_policy(policy))
    asyncio.run(product.policies_active(["shop-db"], accounts=1))
