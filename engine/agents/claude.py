"""The claude program as an agent: `claude -p --output-format stream-json`.

It edits files in the tree only. Its commands run in its own sandbox where bubblewrap and socat are
installed, and can then write the tree only; where they are not, its commands are not kept in the
tree, and every attempt says so. What the person configured for their own claude is not read.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Final

from engine.agents import programs
from engine.agents.claude_reader import ClaudeReader
from engine.agents.protocol import AgentTask, Launch

NAME: Final = "claude"
UNCONFINED: Final = (
    "its commands are not kept in the tree: install bubblewrap and socat to have claude do that"
)
UNCONFINED_WITHIN: Final = (
    "its commands have no sandbox but that of the whole program, with its network and its login: "
    "install bubblewrap and socat to have claude make one of its own"
)
_DESCRIPTORS: Final = {
    "ANTHROPIC_API_KEY": "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
    "CLAUDE_CODE_OAUTH_TOKEN": "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
}
_TOOLS: Final = (
    "Bash", "Read", "Edit", "Write", "NotebookEdit", "Glob", "Grep", "Task", "TodoWrite",
    "TaskCreate", "TaskGet", "TaskList", "TaskUpdate", "TaskStop",
)  # fmt: skip
_SANDBOX_TOOLS: Final = ("bwrap", "socat")
_NETWORK_TOOLS: Final = ("WebFetch", "WebSearch")
_DEFAULTS: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_MAX_RETRIES": "5",
}
_WITH_KEY: Final = """\
exec 9<<END
${key}
END
unset {key}
exec env {descriptor}=9 "$@"
"""
"""The key is on a pipe when the program begins, and in no environment that its tools can read."""


class Claude:
    """Runs the claude program."""

    def launch(self, task: AgentTask) -> Launch:
        """How it is started; its home is made in the task's folder.

        Raises:
            AgentMissingError: the program is not on this machine.
            OSError: the home cannot be made.
        """
        path = task.env.get("PATH", os.defpath)
        program = programs.find(programs.CLAUDE, path)
        home = task.own_home
        home.mkdir(parents=True, exist_ok=True)
        key = next((name for name in _DESCRIPTORS if task.env.get(name)), None)
        # A login is renewed by a file that takes the old one's place, so that no link would do.
        state = home if key else task.home
        words = (
            str(program), "-p", "--output-format", "stream-json", "--verbose",
            "--include-partial-messages", "--no-session-persistence", "--strict-mcp-config",
            "--setting-sources", "", "--permission-mode", "acceptEdits",
            "--permission-prompts", "none", *_tools(task), "--settings", _settings(task, state),
            *_wishes(task), *task.options,
        )  # fmt: skip
        env = _DEFAULTS | task.env | {"CLAUDE_CONFIG_DIR": str(state), "HOME": str(home)}
        return Launch(
            argv=(*_with_key(key), *words),
            env=env,
            read=(programs.package_of(program), *_tools_of_sandbox(path)),
            write=() if key else (task.home,),
            # Asked to end, it hears first that its tool has ended, and may begin one more call.
            ends_at_once=True,
        )

    def reader(self, task: AgentTask) -> ClaudeReader:
        """A reader of its events."""
        words = UNCONFINED if task.confinement is None else UNCONFINED_WITHIN
        return ClaudeReader(task.model or "", "" if confined(task) else words)


def confined(task: AgentTask) -> bool:
    """Whether claude can put the commands that it runs into a sandbox here."""
    return can_confine(task.env.get("PATH", os.defpath))


def can_confine(path: str) -> bool:
    """Whether what claude's sandbox needs is on a PATH."""
    # On macOS the system brings the sandbox.
    return os.uname().sysname == "Darwin" or len(_tools_of_sandbox(path)) == len(_SANDBOX_TOOLS)


def _tools_of_sandbox(path: str) -> list[Path]:
    """Where the programs are that claude's sandbox needs, as far as they are installed."""
    return [Path(found) for name in _SANDBOX_TOOLS if (found := shutil.which(name, path=path))]


def _with_key(key: str | None) -> tuple[str, ...]:
    if key is None:
        return ()
    script = _WITH_KEY.replace("{key}", key).replace("{descriptor}", _DESCRIPTORS[key])
    return ("/bin/sh", "-c", script, "sh")


def _tools(task: AgentTask) -> list[str]:
    network = _NETWORK_TOOLS if task.network else ()
    known, allowed = (*_TOOLS, *network), ("Bash", *network)
    return ["--tools", ",".join(known), "--allowedTools", ",".join(allowed)]


def _settings(task: AgentTask, state: Path) -> str:
    if not confined(task):
        return "{}"
    sandbox: dict[str, object] = {
        "enabled": True,
        "autoAllowBashIfSandboxed": True,
        "allowUnsandboxedCommands": False,
        "failIfUnavailable": True,
        "filesystem": {"denyRead": [str(path) for path in (state, task.home) if path.exists()]},
    }
    if task.confinement is not None and not task.confinement.own_proc:
        sandbox["enableWeakerNestedSandbox"] = True  # it does without a /proc of its own then
    if task.network:
        sandbox["network"] = {"allowedDomains": ["*"], "allowLocalBinding": True}
    return json.dumps({"sandbox": sandbox})


def _wishes(task: AgentTask) -> list[str]:
    words = [] if task.model is None else ["--model", task.model]
    words += [] if task.effort is None else ["--effort", task.effort]
    words += [] if task.budget_usd is None else ["--max-budget-usd", f"{task.budget_usd:g}"]
    if task.answer_schema is not None:
        words += ["--json-schema", task.answer_schema.read_text(encoding="utf-8")]
    return words
