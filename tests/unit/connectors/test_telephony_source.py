"""Claims on a declared switch: where it is, whose secret, what its settings may say."""

import pytest

from quivive.connectors.telephony import AMI_SECRET, ami_carrier
from quivive.model.errors import ConfigurationError
from quivive.settings import load_settings

MAIN = """
[operator]
name = "Centre"
origin = "example.test/centre"
[sources.switch]
kind = "ami"
controller = "shop"
namespace = "telephony"
target = "127.0.0.1:5038"
user = "quivive"
"""
SHOP = 'name = "Shop"\nslot = 1\n[[tables]]\nname = "public.customer"\nkind = "person"\nkey = ["id"]\n'


def declared(home, *more, target="127.0.0.1:5038"):
    (home / "controllers").mkdir()
    (home / "quivive.toml").write_text("\n".join([MAIN.replace("127.0.0.1:5038", target), *more]), encoding="utf-8")
    (home / "controllers" / "shop.toml").write_text(SHOP, encoding="utf-8")
    return load_settings(home)


def test_the_secret_comes_by_file_or_environment(tmp_path, monkeypatch):
    """Either is enough; a file that lacks is told by its key alone."""
    monkeypatch.delenv(AMI_SECRET, raising=False)
    settings = declared(tmp_path, 'secret_file = "ami-secret"')
    with pytest.raises(ConfigurationError) as refused:
        ami_carrier(settings, "switch", None)
    assert "sources.switch.secret_file" in str(refused.value)
    (tmp_path / "ami-secret").write_text("an-invented-secret\n", encoding="utf-8")
    run = ami_carrier(settings, "switch", None)
    assert run.__self__._target.secret == "an-invented-secret"
    assert "an-invented-secret" not in repr(run.__self__._target)


def test_the_environment_is_asked_when_no_file_is_named(tmp_path, monkeypatch):
    """Nothing in either is an error before anything connects."""
    settings = declared(tmp_path)
    monkeypatch.delenv(AMI_SECRET, raising=False)
    with pytest.raises(ConfigurationError, match=AMI_SECRET):
        ami_carrier(settings, "switch", None)
    monkeypatch.setenv(AMI_SECRET, "an-invented-secret")
    assert ami_carrier(settings, "switch", None).__self__._target.port == 5038


@pytest.mark.parametrize("target", ["unix:/run/asterisk.ctl", "switch", "switch:port"])
def test_a_switch_is_a_host_and_a_port(tmp_path, target):
    """Its manager interface has no other address."""
    with pytest.raises(ConfigurationError, match="host:port"):
        declared(tmp_path, target=target)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('agents = "PJSIP/(.*)"', "agents"),
        ('agents = "(?P<login>"', "agents"),
        ('internal = "["', "internal"),
        ('timezone = "Nowhere/Land"', "timezone"),
        ('controllers = { assistance = "nobody" }', "controllers"),
        ("outbond_queues = []", "telephony"),
    ],
)
def test_settings_of_a_switch_are_checked_at_once(tmp_path, line, named):
    """By key, before a call is read with them."""
    with pytest.raises(ConfigurationError, match=named):
        declared(tmp_path, "[sources.switch.telephony]", line)
