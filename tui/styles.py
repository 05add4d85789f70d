"""Colours and the room's sheet: quiet titles, one accent, red for what needs a person."""

from typing import Final

from textual.theme import Theme

THEME: Final = Theme(
    name="room",
    primary="#7fb5c8",
    accent="#7fb5c8",
    secondary="#8a94a3",
    foreground="#d5d9e0",
    background="#14171b",
    surface="#14171b",
    panel="#1c2026",
    error="#e8645a",
    warning="#d5d9e0",
    success="#7fb5c8",
    dark=True,
    variables={"quiet": "#7c8695", "strong": "#f2f4f8"},
)

DEFAULTS: Final = {"quiet": "$text-muted", "strong": "$foreground"}
"""For themes that do not know our own two names."""

CSS: Final = """
Screen { background: $background; color: $foreground; layers: below above; }

.ink--quiet { color: $quiet; }
.ink--strong { color: $strong; text-style: bold; }
.ink--accent { color: $accent; }
.ink--alarm { color: $error; text-style: bold; }

#header, #footer { height: 1; }
#notice { height: auto; padding: 0 1; display: none; color: $foreground; margin: 0 0 0 0; }
#notice.shown { display: block; }
#notice.alarm { color: $error; }
.colourless #notice.alarm { color: $strong; text-style: bold; }
.colourless .ink--alarm { color: $strong; text-style: bold reverse; }
#columns { height: 1fr; layout: horizontal; padding: 1 0 0 0; }
.column { height: 100%; width: 1fr; }
Pane { height: 1fr; padding: 0 0 1 0; }
Pane > .pane-title { height: 1; }
Pane > .pane-body { height: 1fr; }
#pane-slots { height: auto; max-height: 14; }
#pane-slots > .pane-body { height: auto; }
#pane-chart { height: 14; }
#pane-board, #pane-log, #pane-todos { padding: 0; }
#pane-todos { height: 7; padding: 1 0 0 0; display: none; }
.has-todos #pane-todos, .show-todos #pane-todos { display: block; }
.tall #pane-todos { height: 12; }
#right { margin: 0 0 0 2; }

.wide #left { width: 11fr; }
.wide #right { width: 9fr; }
.tall #pane-chart { height: 18; }

.compact #columns { layout: vertical; padding: 0; }
.compact .column { height: auto; width: 100%; }
.compact #right { margin: 0; }
.compact #pane-slots { max-height: 6; }
.compact #pane-chart, .compact #pane-log, .compact #pane-board, .compact #pane-todos {
    display: none; }
.compact.show-log #left, .compact.show-slots #left { height: 1fr; }
.compact.show-chart #right, .compact.show-board #right, .compact.show-todos #right { height: 1fr; }
.compact.show-log #pane-log, .compact.show-slots #pane-log { display: block; }
.compact.show-chart #pane-chart { display: block; height: 1fr; }
.compact.show-board #pane-board { display: block; }
.compact.show-todos #pane-todos { display: block; height: 1fr; padding: 0; }

#too-small { display: none; height: 1fr; width: 1fr; content-align: center middle; }
.tiny #too-small { display: block; }
.tiny #header, .tiny #notice, .tiny #columns, .tiny #footer { display: none; }

LogPane, BoardPane, TodosPane { scrollbar-size: 0 1; overflow-x: hidden; overflow-y: scroll;
    scrollbar-color: $panel; scrollbar-background: $background;
    scrollbar-color-hover: $quiet; scrollbar-background-hover: $background;
    scrollbar-color-active: $quiet; scrollbar-background-active: $background; }

Dialogue, AskText, Choices { align: center middle; background: $background 60%; }
AskText > .dialogue-text { width: 76; max-width: 100%; height: auto; padding: 1 3;
    background: $panel; }
AskText Static { height: auto; }
Choices > .dialogue-text { width: 116; max-width: 100%; height: auto; max-height: 90%;
    padding: 1 3; background: $panel; }
Choices Static { height: auto; }
Dialogue > .dialogue-text { width: auto; max-width: 100%; height: auto; padding: 1 3;
    background: $panel; }
"""
