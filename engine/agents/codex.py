"""The codex program as an agent: `codex exec --json`.

It runs in its own sandbox: it may write the tree and temporary folders only, `.git` not among them,
and has no network unless the task allows it. Its state goes to a home of the attempt's own, which
links to the login; what the person configured for their own codex is not read.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Final

from engine.agents import programs
from engine.agents.codex_reader import CodexReader
from engine.agents.protocol import AgentTask, Launch

NAME: Final = "codex"
KEY_VARIABLE: Final = "CODEX_API_KEY"
_OTHER_KEY_VARIABLE: Final = "OPENAI_API_KEY"
_LOGIN_FILE: Final = "auth.json"
_PROFILE: Final = "controlroom"
_QUIET: Final = {
    "analytics.enabled": False,
    "check_for_update_on_startup": False,
    "web_search": "disabled",
    "features.plugins": False,
    "features.unbounded_connection_retries": False,
    # Variables whose names tell of a secret are kept from the commands that it runs.
    "shell_environment_policy.ignore_default_excludes": False,
}


class Codex:
    """Runs the codex program."""

    def launch(self, task: AgentTask) -> Launch:
        """How it is started; its home is made in the task's folder.

        Raises:
            AgentMissingError: the program is not on this machine.
            OSError: the home cannot be made.
        """
        program = programs.find(programs.CODEX, task.env.get("PATH", os.defpath))
        home = home_of(task)
        (home / "sessions").mkdir(parents=True, exist_ok=True)
        _link(task.home / _LOGIN_FILE, home / _LOGIN_FILE)
        return Launch(
            argv=(
                str(program), "exec", "--json",
                "--ignore-user-config", "--ignore-rules", "--skip-git-repo-check",
                "-C", str(task.tree), *_settings(task, home), *_schema(task), *task.options, "-",
            ),
            env=_env(task, home),
            read=(programs.package_of(program),),
            write=(task.home,),
        )  # fmt: skip

    def reader(self, task: AgentTask) -> CodexReader:
        """A reader of its events and of the file that it keeps of its session."""
        return CodexReader(home_of(task), task.model or "")


def home_of(task: AgentTask) -> Path:
    """The home of the attempt."""
    return task.own_home


def _link(login: Path, link: Path) -> None:
    """Let the attempt use, and renew, the login."""
    if login.exists():
        with contextlib.suppress(FileExistsError):
            link.symlink_to(login)


def _env(task: AgentTask, home: Path) -> dict[str, str]:
    env = dict(task.env)
    if KEY_VARIABLE not in env and _OTHER_KEY_VARIABLE in env:
        env[KEY_VARIABLE] = env.pop(_OTHER_KEY_VARIABLE)
    return env | {"CODEX_HOME": str(home), "HOME": str(home)}


def _settings(task: AgentTask, home: Path) -> list[str]:
    settings: dict[str, object] = dict(_QUIET)
    if task.effort is not None:
        settings["model_reasoning_effort"] = task.effort
    if task.secrets:
        hidden = dict.fromkeys((*task.secrets, KEY_VARIABLE))
        settings["shell_environment_policy.exclude"] = list(hidden)
    words = [] if task.model is None else ["-m", task.model]
    for name, value in settings.items():
        words += ["-c", f"{name}={_toml(value)}"]
    return [*words, "-c", f"default_permissions={_toml(_PROFILE)}", "-c", _permissions(task, home)]


def _permissions(task: AgentTask, home: Path) -> str:
    """A profile that hides logins and sessions from tools: a sandbox hides nothing by itself.

    Not the whole home: the sandbox's own program is started from there. Nor what is not there,
    which would be made.
    """
    hidden = [path for path in (task.home, home / "sessions") if path.exists()]
    files = ",".join(f'{_toml(str(path))}="deny"' for path in hidden)
    network = ",network={enabled=true}" if task.network else ""
    return f'permissions.{_PROFILE}={{extends=":workspace",filesystem={{{files}}}{network}}}'


def _schema(task: AgentTask) -> list[str]:
    return [] if task.answer_schema is None else ["--output-schema", str(task.answer_schema)]


def _toml(value: object) -> str:
    """Texts, lists of texts and truth values are written in TOML as they are in JSON."""
    return json.dumps(value, ensure_ascii=False)
