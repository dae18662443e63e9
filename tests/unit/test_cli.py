"""Claims about quivive.cli: thin commands, one clear sentence for what a person can mend, exit codes."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from quivive import __version__
from quivive.cli import cli
from quivive.core.init import initialise


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "quivive", *words], capture_output=True, text=True, timeout=30, check=False
    )


def test_the_version_is_printed():
    """`quivive --version` names program and version."""
    done = CliRunner().invoke(cli, ["--version"])
    assert done.exit_code == 0
    assert __version__ in done.output


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("words", list(commands(cli)), ids=" ".join)
def test_every_command_explains_itself(words):
    """`--help` of every command answers with a sentence, without reading any configuration."""
    done = CliRunner().invoke(cli, ["--home", "/nonexistent", *words, "--help"])
    assert done.exit_code == 0, done.output
    assert len(done.output.strip().splitlines()) > 3


def test_init_writes_what_serve_reads(tmp_path):
    """The first two commands of a newcomer."""
    home = tmp_path / "home"
    done = CliRunner().invoke(
        cli, ["--home", str(home), "init", "--operator", "Centre", "--origin", "centre.example/a", "--language", "en"]
    )
    assert done.exit_code == 0, done.output
    assert (home / "quivive.toml").exists()


def test_a_missing_configuration_is_one_sentence(tmp_path):
    """File, expected, found; exit 2; no traceback."""
    done = run("--home", str(tmp_path), "core")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("quivive: quivive.toml")


def test_no_core_is_one_sentence(tmp_path):
    """A command that needs the core says that none answers; exit 1."""
    initialise(tmp_path, operator="C", origin="centre.example/a", language="en")
    done = run("--home", str(tmp_path), "status")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_python_without_asserts_is_refused(tmp_path):
    """-O would drop the checks before durable writes."""
    done = subprocess.run(
        [sys.executable, "-O", "-m", "quivive", "--home", str(tmp_path), "status"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "-O" in done.stderr


def test_verify_of_an_empty_folder_is_not_a_success(tmp_path):
    """Nothing to check is never "verified"."""
    done = run("--home", str(tmp_path), "verify")
    assert done.returncode not in {0, 1, 2}
    assert "Traceback" not in done.stderr
