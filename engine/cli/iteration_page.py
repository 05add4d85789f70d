"""A page about an iteration, for people."""

from collections.abc import Iterator, Sequence

from engine.cli.begun_page import decided_lines, job_line, repair_lines
from engine.cli.lines import printable, value_text
from engine.cli.pairs_page import pair_lines
from engine.core import events as e
from engine.core.agent_lines import files_text, short, spend_text
from engine.core.metric import Metric
from engine.core.parts import AgentAnswer, FileChange, Idea, PromptPart
from engine.core.review_lines import held_line
from engine.reports.iteration import Attempt, Check, Iteration
from engine.reports.questions import Question

_MOST_FILES = 40
_KINDS = {"add": "A", "update": "M", "delete": "D"}


def page(found: Iteration, metric: Metric, places: list[str], trust: Sequence[str] = ()) -> str:
    """The page; `places` are the files and refs that a person may want to look at.

    `trust` says how far its score was shown again.
    """
    sections = [
        _head(found, metric),
        _section("decision", decided_lines(found.begun)),
        _section("hypothesis", _hypothesis(found.answer)),
        _section("changed", _changed(found)),
        _section("parameters", _parameters(found)),
        _section("review", [held_line(each) for each in found.held]),
        _section("checks", [line for check in found.checks for line in _check(check)]),
        _section("repairs", repair_lines(found.repairs)),
        _section("pairs", list(pair_lines(found, metric))),
        _section("confidence", list(trust)),
        _section("attempts", [line for each in found.attempts for line in _attempt(each)]),
        _section("asked", [line for each in found.questions for line in _question(each)]),
        _section("prompt", _prompt(found.attempts[-1]) if found.attempts else []),
        _section("lies in", places),
    ]
    return printable("\n\n".join(filter(None, sections)))


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""


def _head(found: Iteration, metric: Metric) -> str:
    facts = {
        "trace": found.trace_id,
        "candidate": _candidate(found),
        "verdict": _verdict(found),
        "value": _value(found, metric),
        "agent": _agent(found),
        "used": spend_text(found.tokens, found.cost_usd),
        "took": _took(found),
        "began": f"{_moment(found.began)} in slot {found.slot}",
    }
    title = f"iteration {found.iteration} of {found.run}: {found.verdict or 'open'}"
    return "\n".join([title, *(f"  {name:<10} {fact}" for name, fact in facts.items() if fact)])


def _candidate(found: Iteration) -> str:
    if found.candidate is None:
        return "not proposed yet"
    parts = [f"{found.candidate} by {found.proposer}"]
    parts += [f"from {', '.join(found.parents)}"] if found.parents else []
    parts += [" ".join(found.tags)] if found.tags else []
    parts += [f"goes on with {found.restores}"] if found.restores else []
    parts += [f"in the place of {found.replaces}"] if found.replaces else []
    return ", ".join(parts)


def _verdict(found: Iteration) -> str:
    if found.verdict is None:
        return "none yet"
    counted = {"none": "", "counted": " (it counts as a failure)", "fatal": " (it ends the run)"}
    return f"{found.verdict}: {_one_line(found.reason)}{counted[found.consequence]}"


def _value(found: Iteration, metric: Metric) -> str:
    if found.value is None:
        return ""
    text = f"{metric.name} {value_text(found.value, metric)}"
    if found.against is None:
        return text
    text += (
        f"; the champion, {found.against.candidate}, had {value_text(found.against.value, None)}"
    )
    return text if found.gain_percent is None else f"{text}: gain {found.gain_percent:+.2f} %"


def _agent(found: Iteration) -> str:
    if not found.attempts:
        return found.agent or ""
    last = found.attempts[-1]
    parts = [last.agent]
    parts += [f"model {last.model}"] if last.model else []
    parts += [f"effort {last.effort}"] if last.effort else []
    parts += [f"{len(found.attempts)} attempts"] if len(found.attempts) > 1 else []
    parts += ["escalated"] if last.escalated else []
    return ", ".join(parts)


def _took(found: Iteration) -> str:
    parts = [f"{found.whole_s:.1f} s"] if found.whole_s is not None else []
    parts += [f"agent {found.agent_s:.1f} s"] if found.agent_s else []
    parts += [f"checks {found.checks_s:.1f} s"] if found.checks_s else []
    parts += [f"pairs {found.pairs_s:.1f} s"] if found.pairs_s else []
    return ", ".join(parts)


def _hypothesis(answer: AgentAnswer | None) -> list[str]:
    if answer is None:
        return []
    lines = [_one_line(answer.hypothesis)] if answer.hypothesis else []
    lines += [f"predicted: {_one_line(answer.prediction)}"] if answer.prediction else []
    lines += [f"class: {_one_line(answer.change_class)}"] if answer.change_class else []
    numbered = enumerate(answer.shortlist, start=1)
    lines += [_idea(number, idea, chosen=number == answer.choice) for number, idea in numbered]
    return [*lines, *answer.summary.strip().splitlines()]


def _idea(number: int, idea: Idea, *, chosen: bool) -> str:
    facts = ["structural"] if idea.structural else []
    facts += [f"upside {_one_line(idea.upside)}"] if idea.upside else []
    facts += [f"risk {_one_line(idea.risk)}"] if idea.risk else []
    more = f" ({'; '.join(facts)})" if facts else ""
    return f"{'*' if chosen else ' '} {number}. {_one_line(idea.idea)}{more}"


def _changed(found: Iteration) -> list[str]:
    change = found.change
    if change is None:
        return [f"commit {short(found.commit)}"] if found.commit else []
    commits = "commit" if change.commits == 1 else "commits"
    own = f", {change.commits} {commits} of its own" if change.commits else ""
    head = f"{files_text(change.changed, change.files)}: {short(change.commit)} on"
    lines = [f"{head} {short(change.base)}{own}", *change.notes]
    lines += [f"carried over to {short(c.base)} as {short(c.commit)}" for c in found.carried]
    lines += [_file(file) for file in change.files[:_MOST_FILES]]
    left = change.changed - min(len(change.files), _MOST_FILES)
    return [*lines, f"and {left} more"] if left else lines


def _file(file: FileChange) -> str:
    counts = "" if file.added is None else f"  +{file.added} -{file.removed or 0}"
    return f"{_KINDS[file.kind]} {_one_line(file.path)}{counts}"


def _parameters(found: Iteration) -> list[str]:
    return [
        f"{name} {value}{_before(name, value, found.parent_parameters)}"
        for name, value in found.parameters.items()
    ]


def _before(name: str, value: object, parent: e.Parameters) -> str:
    return f" (was {parent[name]})" if name in parent and parent[name] != value else ""


def _check(check: Check) -> Iterator[str]:
    took = "" if check.duration_s is None else f" in {check.duration_s:.1f} s"
    again = f", attempt {check.attempt}" if check.attempt > 1 else ""
    verdict = f", {check.verdict}" if check.verdict else ""
    figures = "".join(f" {name}={value:g}" for name, value in check.metrics.items())
    yield f"{check.name}: {check.outcome}{verdict}{took}{again}{figures}"
    if check.tests is not None:
        tests = check.tests
        yield f"    tests: {tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped"
    yield from (f"    {line}" for line in check.detail.splitlines())
    if check.job is not None:
        yield f"    {job_line(check.job, check.job_ended)}"
    for spot in check.hotspots[:5]:
        yield f"    {100 * spot.share:5.1f} %  {_one_line(spot.name)}"
    if check.outcome != "skipped":
        end = "" if check.log.end is None else check.log.end
        yield f"    {check.log.path}, bytes {check.log.start} to {end or 'now'}"


def _attempt(attempt: Attempt) -> Iterator[str]:
    took = "" if attempt.duration_s is None else f" in {attempt.duration_s:.1f} s"
    spent = spend_text(attempt.tokens, attempt.cost_usd)
    yield f"{attempt.number}. {attempt.outcome}{took}{spent and f', {spent}'}"
    yield from (f"    {line}" for line in attempt.detail.splitlines())
    yield from (f"    its answer breaks a rule: {_one_line(each)}" for each in attempt.problems)
    if attempt.retry_at:
        yield f"    to be tried again from {_moment(attempt.retry_at)}"
    if attempt.directives:
        yield f"    directives: {', '.join(attempt.directives)}"


def _question(asked: Question) -> Iterator[str]:
    decided = {None: "not answered yet", True: "approved", False: "refused"}[asked.approved]
    by = f" by {asked.by}" if asked.by else ""
    why = f": {_one_line(asked.reason)}" if asked.reason else ""
    yield f"{asked.id}: {decided}{by}{why}"
    yield from (f"    {line}" for line in asked.text.splitlines())
    if asked.approved is None:
        yield f"    {asked.default} at {_moment(asked.deadline)}, unless somebody answers"


def _prompt(attempt: Attempt) -> list[str]:
    whole = f"{sum(part.characters for part in attempt.parts)} characters"
    return [f"{whole}, sha256 {attempt.prompt_sha256[:16]}", *map(_part, attempt.parts)]


def _part(part: PromptPart) -> str:
    return f"{part.characters:>7}  {part.sha256[:16]}  {part.name}"


def _moment(time: str) -> str:
    return f"{time[:19].replace('T', ' ')} UTC"


def _one_line(text: str) -> str:
    return " ".join(text.split())
