"""From state to room: every pane's view, made again only when something changed."""

from engine.core.ids import CandidateId
from engine.core.state import RunState
from tui.room import Room
from tui.views.board import LEADERS, BoardBuilder, BoardView, measured_so_far
from tui.views.chart import ChartBuilder, ChartView
from tui.views.choices import choices_of
from tui.views.condition import Condition
from tui.views.finish import finish_of
from tui.views.header import header_of
from tui.views.notice import notice_of
from tui.views.ranking import Ranking
from tui.views.slots import slots_of
from tui.views.todos import todos_of
from tui.views.words import decimals_for


class Weaver:
    """Keeps what is dear to compute between one room and the next."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._seq = 0
        self._ranking: Ranking | None = None
        self._board, self._chart = BoardView(), ChartView()
        self._boards, self._charts = BoardBuilder(), None
        self._decimals = 3
        self._so_far: dict[CandidateId, float] = {}

    @property
    def decimals(self) -> int:
        """How many decimals values are shown with now."""
        return self._decimals

    def weave(self, state: RunState | None, condition: Condition, now: float) -> Room:
        """The room of this state. Views of panes that did not change are the ones of before."""
        if state is not None and state.seq != self._seq:
            self._seq = state.seq
            self._take_in(state)
        return Room(
            run=self._run,
            condition=condition,
            header=header_of(state, condition, self._run, self._decimals),
            slots=slots_of(state, condition),
            board=self._board,
            chart=self._chart,
            todos=todos_of(state),
            finish=finish_of(state),
            choices=choices_of(state),
            notice=notice_of(condition, state, now),
        )

    def _take_in(self, state: RunState) -> None:
        if self._ranking is None:
            self._ranking = Ranking(state.metric)
            self._charts = ChartBuilder(state.metric)
        candidates = len(state.candidates)
        judged = self._ranking.update(state)
        so_far, self._so_far = self._so_far, measured_so_far(state)
        if not judged and candidates == len(self._board.rows) and so_far == self._so_far:
            return
        leaders = self._ranking.scored[:LEADERS]
        self._decimals = decimals_for([one.value for one in leaders if one.value is not None])
        self._board = self._boards.view(state, self._ranking, self._decimals)
        if self._charts is not None:
            self._charts.add(judged)
            self._chart = self._charts.view(state, self._ranking, self._decimals)
