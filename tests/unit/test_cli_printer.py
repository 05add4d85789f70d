"""The engine's printer: every line, in order, and no wait at the end."""

import time

import pytest

from engine.cli.printer import CLOSE_S, Printer


def test_every_line_is_printed_in_order_by_the_time_it_is_closed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printer = Printer()
    for number in range(1000):
        printer.line(f"line {number}")
    begun_s = time.monotonic()
    printer.close()
    assert time.monotonic() - begun_s < CLOSE_S
    assert capsys.readouterr().out.splitlines() == [f"line {number}" for number in range(1000)]
