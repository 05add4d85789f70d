"""docs/parity.md and docs/parity-cnns.md: no empty row, nothing named that is not there.

Nor is anything of theirs left out: flags, configuration keys, defects, weaknesses.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import click
import pytest

from engine.cli.main import main
from engine.core.campaign.schema import campaign_schema
from engine.core.events import AnyEvent

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = {"docs/parity.md": 250, "docs/parity-cnns.md": 250}
"""The documents, and how many rows each has at least."""

MOST_WAITING: Final = 0
"""Rows that nothing shows yet. It may only get smaller."""

REASONS: Final = (
    "deliberately not, because ",
    "comes with Remote",
    "comes with Record",
    "comes with Mentor",
    "comes with Screen",
    "waits for ",
)
THEIR_FLAGS: Final = """\
    --after-run-target --after-xplane --alias --all-transformer --allow-dirty --allow-no-commit
    --allow-non-monotonic --allow-pending --allow-this-commit --baseline-step-duration-ms
    --baseline-summary --batch-size --before-run-target --before-xplane --ce-bwd-mode
    --ce-implementation --chunk-size --cluster --codex-bin --codex-ephemeral
    --codex-idle-timeout-seconds --codex-profile --codex-retries --codex-timeout-seconds
    --dev-tpu-allocate-attempts --dev-tpu-allocate-log --dev-tpu-allocate-retry-sleep
    --dev-tpu-cluster --dev-tpu-fallback-cluster --dev-tpu-name --dev-tpu-ready-timeout
    --dev-tpu-stop-timeout --dev-tpu-sync-path --dev-tpu-type --dev-tpu-verbose --directive
    --directive-file --directive-preset --dirty-policy --download-root --dry-run --entity
    --gdn-block-size --gdn-layer-fraction --gdn-layers-per-block --grep --hillclimb-log-file
    --hold-dev-tpu --hold-dev-tpu-policy --include-xplane --iteration-error-policy --iterations
    --keep-remote --limit --log-dir --log-file --marin-prefix --max-failures --model
    --no-codex-ephemeral --no-commit-policy --no-sync --no-wait --normalize-positive-deltas-ms
    --num-steps --output --output-dir --path-prefix --pattern --perf-aggregation
    --perf-control-gate-override-pct --perf-history-aggregation --perf-history-min-points
    --perf-max-ad-wrapper-shell-increase-ms --perf-max-decoder-layer-shell-budget-increase-ms
    --perf-max-dispatch-shard-shell-increase-ms --perf-max-regression-pct
    --perf-max-remainder-budget-increase-ms --perf-max-train-path-budget-increase-ms
    --perf-max-while-increase-ms --perf-max-xprof-ad-wrapper-shell-increase-ms
    --perf-max-xprof-idle-increase-ms --perf-metric --perf-min-decoder-layer-shell-drop-ms
    --perf-min-dispatch-shard-shell-drop-ms --perf-min-improvement-pct
    --perf-min-train-path-drop-ms --perf-min-xprof-dispatch-shard-shell-drop-ms --perf-mode
    --perf-new-conditional-ms --perf-regression-policy --perf-state-file
    --perf-step-duration-improvement-margin-ms --perf-upper-bound-step-ms --perf-wandb-entity
    --perf-wandb-project --poll --post-check --post-check-policy --post-check-retries
    --profile-env --profile-num-steps --profile-start-step --project --prompt-file --pytest-args
    --reasoning-effort --remote-stage-dir --repo-id --repo-type --resilient --retry-sleep-seconds
    --revision --run-name-prefix --scope --search --segment-size --show-file-updates --show-logs
    --size --sleep-seconds --stash-restore-policy --step-duration-ms --summary
    --sync-main-branch --sync-main-conflict-policy --sync-main-policy --sync-main-remote
    --sync-repo --tail --tests --timeout --token --top-k --tpu --tpu-name --tpu-type
    --upper-bound-step-ms --validation-cross-tpu-test-fallback --validation-dev-no-sync
    --validation-max-attempts --validation-mode --validation-policy
    --validation-profile-all-transformer --validation-profile-batch-size
    --validation-profile-ce-bwd-compare-mode --validation-profile-ce-bwd-mode
    --validation-profile-ce-compare-implementation --validation-profile-ce-implementation
    --validation-profile-chunk-size --validation-profile-dry-run --validation-profile-env
    --validation-profile-gdn-block-size --validation-profile-gdn-layers-per-block
    --validation-profile-marin-prefix --validation-profile-num-steps
    --validation-profile-num-steps-window --validation-profile-run-name-prefix
    --validation-profile-segment-size --validation-profile-size --validation-profile-start-step
    --validation-profile-tpu --validation-profile-wandb-mode --validation-pytest-args
    --validation-ray-cluster --validation-ray-cluster-auto --validation-ray-cluster-exclude
    --validation-ray-log-tail --validation-ray-profile-timeout --validation-ray-test-timeout
    --validation-ray-tpu --validation-retry-sleep --validation-tests --wandb-mode --workdir
    --xprof-compare-json
"""
THEIR_KEYS: Final = """\
    run_id model reasoning_effort web_search_mode network_access_enabled interaction_mode
    skip_git_repo_check run_shell daemon_poll_seconds cycle_poll_seconds default_monitor_seconds
    max_monitor_seconds enable_stuck_wait_recovery stale_orphan_idle_cycles
    stuck_wait_recovery_cycles rechallenge_on_done mentor_enabled mentor_every_n_cycles
    mentor_health_check_every_n_cycles mentor_force_when_stuck
    mentor_challenge_streak_min_idle_cycles mentor_apply_suggestions mentor_require_web_search
    mentor_model mentor_reasoning_effort mentor_web_search_mode mentor_network_access_enabled
    worker_display_name mentor_display_name force_bootstrap_if_idle bootstrap_label
    bootstrap_command workspace_root mission_file worker_mission_file mentor_mission_file python_exe
    auto_repair_enabled auto_repair_retry_on_success auto_repair_allow_direct_module_install
    auto_repair_python_exe auto_repair_module_package_map auto_repair_module_alias_map
    auto_repair_model_package_map auto_repair_model_fallback_map auto_repair_module_clone_map
    auto_repair_model_clone_map finishup_control_file finishup_report_script
    finishup_default_minutes_left finishup_default_report_top_k data_source_root
"""
DEFECTS, WEAKNESSES = 28, 30
SECTIONS: Final = tuple(f"1.{number}" for number in range(3, 21))
_PATH: Final = re.compile(r"(?:tests|docs|engine|configs|prompts|tui|kernels|scripts|assets)/\S+")
_EVENT: Final = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+")


class Row:
    """A row of a table, with the page and the line that it stands on."""

    def __init__(self, number: int, line: str, page: str = "") -> None:
        self.number, self.line, self.page = number, line, page
        self.cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]


@cache
def rows(page: str | None = None) -> list[Row]:
    """The rows of a page, or of all of them."""
    if page is None:
        return [row for each in PAGES for row in rows(each)]
    lines = (ROOT / page).read_text().splitlines()
    found = [Row(n, line, page) for n, line in enumerate(lines, 1) if line.startswith("|")]
    return [r for r in found if r.cells[0] != "theirs" and not set(r.line) <= set("|- ")]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@cache
def keys() -> frozenset[str]:
    """All keys of a campaign file; list positions are left out, names are `NAME`."""
    schema = campaign_schema()
    return frozenset(_keys(schema, schema["$defs"], ""))


def _keys(part: dict[str, Any], models: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in part:
        part = models[part["$ref"].rpartition("/")[2]]
    for option in [*part.get("anyOf", []), *part.get("oneOf", [])]:
        yield from _keys(option, models, path)
    if isinstance(part.get("items"), dict):
        yield from _keys(part["items"], models, path)
    for name, value in part.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        yield inner
        yield from _keys(value, models, inner)


def wrong_key(span: str) -> str | None:
    key, _, _value = span.partition(": ")
    head = key.partition(".")[0]
    looks = re.fullmatch(r"[a-z_]+(?:\.[a-zA-Z_]+)+", key) and head in keys()
    return f"no key {key}" if looks and key not in keys() else None


def wrong_command(span: str) -> str | None:
    words = span.split()
    if words[0] != "controlroom" or "<" in span:
        return None
    command: click.Command = main
    for word in words[1:]:
        if word.startswith("--"):
            if not any(word in parameter.opts for parameter in command.params):
                return f"no flag {word} of {command.name}"
        elif isinstance(command, click.Group):
            found = command.commands.get(word)
            if found is None:
                return f"no command {word}"
            command = found
    return None


def wrong_path(span: str) -> str | None:
    if not _PATH.fullmatch(span):
        return None
    path, _, test = span.partition("::")
    if not (ROOT / path).exists():
        return f"no file {path}"
    if test and not re.search(rf"(?m)^\s*(?:async )?def {re.escape(test)}\(", _text(path)):
        return f"no test {test} in {path}"
    return None


def wrong_event(span: str) -> str | None:
    known = {kind.__name__ for kind in get_args(AnyEvent)}
    return f"no event {span}" if _EVENT.fullmatch(span) and span not in known else None


def _text(path: str) -> str:
    return (ROOT / path).read_text()


def wrong(span: str) -> list[str]:
    """What a code span names that is not there."""
    looks = (wrong_key, wrong_command, wrong_path, wrong_event)
    return [problem for look in looks if (problem := look(span)) is not None]


def shown(cell: str) -> bool:
    """Whether the third column names something that shows it, or says why nothing does."""
    named = any(_PATH.fullmatch(span) or span.startswith("controlroom ") for span in spans(cell))
    return named or cell.startswith(REASONS)


def empty(row: Row) -> bool:
    return len(row.cells) != 3 or any(not re.search(r"\w{2}|\d", cell) for cell in row.cells)


def test_no_row_is_empty() -> None:
    assert [row.line for row in rows() if empty(row)] == []
    for page, least in PAGES.items():
        assert len(rows(page)) > least, page


def test_each_row_is_shown_or_says_why_not() -> None:
    assert [row.line for row in rows() if not shown(row.cells[2])] == []


def test_nothing_is_named_that_is_not_there() -> None:
    found = [
        f"{row.page}:{row.number}: {problem}"
        for row in rows()
        for cell in row.cells[1:]
        for span in spans(cell)
        for problem in wrong(span)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("page", "names"), [("docs/parity.md", THEIR_FLAGS), ("docs/parity-cnns.md", THEIR_KEYS)]
)
def test_nothing_of_theirs_is_left_out(page: str, names: str) -> None:
    theirs = {word for row in rows(page) for span in spans(row.cells[0]) for word in span.split()}
    assert sorted(set(names.split()) - theirs) == []


@pytest.mark.parametrize(("letter", "count"), [("V", DEFECTS), ("W", WEAKNESSES)])
def test_each_defect_and_each_weakness_has_a_row(letter: str, count: int) -> None:
    firsts = [row.cells[0].partition(":")[0] for row in rows("docs/parity-cnns.md")]
    named = [first for first in firsts if re.fullmatch(rf"{letter}\d+", first)]
    assert list(dict.fromkeys(named)) == [f"{letter}{number}" for number in range(1, count + 1)]


def test_each_part_of_their_description_has_a_section() -> None:
    page = (ROOT / "docs/parity-cnns.md").read_text()
    assert [part for part in SECTIONS if not re.search(rf"(?m)^## .*\({part}\)$", page)] == []


def test_a_test_of_a_defect_is_in_its_row() -> None:
    """Each test that builds one of the defects is named by the row of its number."""
    pages = {row.cells[0].partition(":")[0]: "" for row in rows("docs/parity-cnns.md")}
    for row in rows("docs/parity-cnns.md"):
        pages[row.cells[0].partition(":")[0]] += row.cells[2]
    for path in sorted((ROOT / "tests").glob("*/test_cnns_defects*.py")):
        for name, number in re.findall(r"(?m)^(?:async )?def (test_v(\d+)_\w+)", path.read_text()):
            assert f"{path.relative_to(ROOT)}::{name}" in pages[f"V{number}"]


def test_few_rows_wait() -> None:
    waiting = [row.line for row in rows() if row.cells[2].startswith("waits for ")]
    assert len(waiting) <= MOST_WAITING, "\n".join(waiting)


@pytest.mark.parametrize(
    "span",
    [
        "policy.no_comit",
        "workspace.dirty.x",
        "proposers.answr: required",
        "controlroom ruin",
        "controlroom run --resiliant",
        "controlroom directive ad",
        "controlroom directive add --fil",
        "tests/unit/test_none.py",
        "tests/unit/test_parity.py::test_none",
        "VerdictReachd",
    ],
)
def test_what_is_not_there_is_found(span: str) -> None:
    assert len(wrong(span)) == 1


@pytest.mark.parametrize(
    "span",
    [
        "policy.no_commit",
        "policy.no_commit: allow",
        "checks.env.set",
        "budget.per_iteration.usd",
        "controlroom run --resilient",
        "controlroom directive add --file",
        "controlroom/<campaign>/<run>",
        "tests/unit/test_parity.py::test_what_is_there_is_not_complained_of",
        "VerdictReached",
        "gdnctl.py codex-loop",
        "{{iteration}}",
    ],
)
def test_what_is_there_is_not_complained_of(span: str) -> None:
    assert wrong(span) == []


@pytest.mark.parametrize(
    "line",
    [
        "| a row | | x y |",
        "| a row | - | ok |",
        "| a row | ok |",
        "| | ab | cd |",
        "| ab | ? | cd |",
    ],
)
def test_empty_cells_are_found(line: str) -> None:
    assert empty(Row(1, line))


@pytest.mark.parametrize("cell", ["soon", "deliberately not", "comes with time", "`x`"])
def test_a_row_needs_more_than_words(cell: str) -> None:
    assert not shown(cell)
