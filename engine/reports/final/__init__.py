"""The report of a run: readable pages and figures, every figure of which is found in the journal.

`make` makes the pages out of records; `engine.reports.final.writing` puts them into a folder;
`engine.reports.final.figures`, the only importer of matplotlib, draws what they show.
"""

from engine.reports.final.making import Report, make
from engine.reports.final.parts import FinalRequest, Page

__all__ = ["FinalRequest", "Page", "Report", "make"]
