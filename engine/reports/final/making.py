"""Makes a report out of records: pages first, and what figures show. Nothing is written here."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from engine.core.events import Record
from engine.core.state import RunState
from engine.reports.final.board import board_data, board_page
from engine.reports.final.book import Book
from engine.reports.final.charts import Chart, charts
from engine.reports.final.facts import RULES, Fact, Quote
from engine.reports.final.paper import paper
from engine.reports.final.parts import (
    EVIDENCE,
    PAPER,
    STORY,
    FinalRequest,
    Page,
    board_name,
)
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import Sentence, Sheet
from engine.reports.final.story import story


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The pages of a report, and what its figures show."""

    pages: list[Page]
    charts: list[Chart]


def make(records: Iterable[Record], state: RunState, request: FinalRequest) -> Report:
    """The report of a run: the same records give the same bytes.

    Args:
        records: all of the run, from the first on.
        state: what they add up to.
        request: what is wanted.

    Cost: half a second for a thousand iterations.
    """
    scores = Scores(Book(records), state)
    sheets = [Sheet(STORY), Sheet(PAPER), Sheet(board_name(request.top_k, "md"))]
    story(sheets[0], scores, request)
    paper(sheets[1], scores, request)
    board_page(sheets[2], scores, request)
    shown = charts(scores, request)
    pages = [_page(sheet.name, sheet.text().encode()) for sheet in sheets]
    pages.append(_json(board_name(request.top_k, "json"), board_data(scores, request)))
    told = [each for sheet in sheets for each in sheet.sentences]
    pages.append(_json(EVIDENCE, _evidence(scores, told, shown)))
    return Report(pages=pages, charts=shown)


def _page(name: str, content: bytes) -> Page:
    return Page(name=name, content=content)


def _json(name: str, data: Any) -> Page:
    return _page(name, msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n")


def _evidence(scores: Scores, told: list[Sentence], shown: list[Chart]) -> dict[str, Any]:
    book = scores.book
    return {
        "run": scores.state.run,
        "events": {"first": book.first.seq, "last": book.last.seq, "last_hash": book.hash},
        "rules": RULES,
        "sentences": [_sentence(each) for each in told if each.told.facts or each.told.quotes],
        "figures": [
            {"name": chart.name, "series": msgspec.to_builtins(chart.series)} for chart in shown
        ],
    }


def _sentence(said: Sentence) -> dict[str, Any]:
    return {
        "page": said.page,
        "section": said.section,
        "text": said.told.text,
        "facts": [_fact(each) for each in said.told.facts],
        "quotes": [_quote(each) for each in said.told.quotes],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    of = [{"field": each.field, "events": list(each.events)} for each in fact.of]
    return {"text": fact.text, "rule": fact.rule, "of": of}


def _quote(quoted: Quote) -> dict[str, Any]:
    return {"text": quoted.text, "event": quoted.event, "field": quoted.field}


__all__: Final = ["FinalRequest", "Page", "Report", "make"]
