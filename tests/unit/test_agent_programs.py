"""Finding native programs, isolated homes, and logins."""

import os
import subprocess
from pathlib import Path

import pytest

from engine.agents import homes, programs
from engine.agents.programs import CODEX, Source
from engine.agents.protocol import AgentMissingError
from tests.models.programs import claude, codex

NOWHERE = Source(
    name="acme", package="no_such_package_at_all", inside="x", siblings="acme", advice="install it"
)
ELF = b"\x7fELF" + bytes(60)


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_a_native_program_on_path_is_taken(tmp_path: Path) -> None:
    program = put(tmp_path / "real" / "acme", ELF)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "acme").symlink_to(program)
    assert programs.find(NOWHERE, str(tmp_path / "bin")) == program


def npm(folder: Path) -> Path:
    """A launcher as npm installs it; its folder for PATH."""
    package = folder / "lib" / "node_modules" / "@acme" / "acme"
    launcher = put(package / "bin" / "acme.js", b"#!/usr/bin/env node\n")
    (package / "package.json").write_text("{}")
    (folder / "bin").mkdir()
    (folder / "bin" / "acme").symlink_to(launcher)
    return folder / "bin"


@pytest.mark.parametrize("nested", [False, True], ids=["hoisted", "nested"])
def test_a_launcher_leads_to_the_native_program_beside_it(tmp_path: Path, *, nested: bool) -> None:
    path = npm(tmp_path)
    scope = tmp_path / "lib" / "node_modules" / "@acme"
    scope = scope / "acme" / "node_modules" / "@acme" if nested else scope
    put(scope / "acme-linux-x64" / "vendor" / "triple" / "acme" / "acme", b"#!/bin/sh\n")
    program = put(scope / "acme-linux-x64" / "vendor" / "triple" / "bin" / "acme", ELF)
    assert programs.find(NOWHERE, str(path)) == program


def test_a_launcher_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentMissingError, match=r"only starts acme.*install it"):
        programs.find(NOWHERE, str(npm(tmp_path)))


def test_a_wrapper_script_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "acme", b"#!/bin/sh\nexec /opt/acme\n")
    with pytest.raises(AgentMissingError, match="only starts acme"):
        programs.find(NOWHERE, str(tmp_path))


def test_nothing_at_all_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(AgentMissingError, match="no program acme on PATH; install it"):
        programs.find(NOWHERE, str(tmp_path))


def test_the_packages_carry_the_programs(tmp_path: Path) -> None:
    assert programs.find(CODEX, str(tmp_path)) == codex()
    assert programs.find(programs.CLAUDE, str(tmp_path)) == claude()


def test_a_package_stands_in_for_a_launcher(tmp_path: Path) -> None:
    put(tmp_path / "codex", b"#!/usr/bin/env node\n")
    assert programs.find(CODEX, str(tmp_path)) == codex()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/h"}, "/h/.local/share/controlroom"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/data"}, "/data/controlroom"),
        ({"HOME": "/h", "XDG_DATA_HOME": "relative"}, "/h/.local/share/controlroom"),
        ({"HOME": "/h", "XDG_DATA_HOME": "/data", "CONTROLROOM_HOME": "/own"}, "/own"),
    ],
)
def test_where_homes_are(environ: dict[str, str], folder: str) -> None:
    assert homes.data_folder(environ) == Path(folder)
    assert homes.home_of("codex", environ) == Path(folder, "agents", "codex")


def test_a_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = homes.make_home("claude", {"CONTROLROOM_HOME": str(tmp_path)})
    assert home.stat().st_mode & 0o777 == 0o700
    home.chmod(0o755)
    homes.make_home("claude", {"CONTROLROOM_HOME": str(tmp_path)})
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.anyio
@pytest.mark.parametrize("kind", homes.KINDS)
async def test_a_fresh_home_has_no_login(tmp_path: Path, kind: homes.Kind) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "CONTROLROOM_HOME": str(tmp_path),
        "HOME": str(tmp_path),
        "ANTHROPIC_API_KEY": "sk-in-the-environment",
        "CODEX_API_KEY": "sk-in-the-environment",
    }
    status = await homes.login_status(kind, environ)
    assert not status.logged_in
    assert status.text


@pytest.mark.anyio
async def test_a_login_is_seen(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "CONTROLROOM_HOME": str(tmp_path), "HOME": str(tmp_path)}
    command = homes.login_command("codex", environ)
    assert command.argv[1:] == ("login",)
    assert command.env["CODEX_HOME"] == str(tmp_path / "agents" / "codex")
    subprocess.run(
        [*command.argv, "--with-api-key"], env=command.env, input="sk-x", text=True, check=True,
        capture_output=True,
    )  # fmt: skip
    status = await homes.login_status("codex", environ)
    assert status.logged_in
    assert "API key" in status.text


def test_the_login_is_that_of_the_native_program(tmp_path: Path) -> None:
    put(tmp_path / "bin" / "codex", ELF)
    environ = {"PATH": str(tmp_path / "bin"), "CONTROLROOM_HOME": str(tmp_path)}
    assert homes.login_command("codex", environ).argv[0] == str(tmp_path / "bin" / "codex")
