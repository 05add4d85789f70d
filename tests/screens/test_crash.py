"""What is said when the screen itself breaks."""

import pytest

from tests.screens import fakes
from tui.app import RoomApp

pytestmark = pytest.mark.anyio


class BrokenApp(RoomApp):
    """Fails with something secret at hand."""

    def action_help(self) -> None:
        secret = "hunter2-" + "in-a-local"
        raise RuntimeError(f"broken after {len(secret)} letters")


async def press(app: RoomApp, key: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await pilot.pause()


async def test_a_crash_report_has_no_local_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = fakes.events_of_run(5)
    feed = fakes.FakeFeed(fakes.room_of(told, fakes.condition_of("running")))
    app = BrokenApp(feed, fakes.CLOCK)
    with pytest.raises(RuntimeError, match="broken after"):
        await press(app, "question_mark")
    said = "".join(segment.text for each in app._exit_renderables for segment in each.segments)
    said += capsys.readouterr().err
    assert "RuntimeError: broken after 18 letters" in said
    assert "in-a-local" not in said.replace('"in-a-local"', "")
    assert app.return_code == 1
