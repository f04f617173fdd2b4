"""Progress on a terminal and in a log."""

from io import StringIO

from rich.console import Console

from asrfair.report import progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def plain():
    file = StringIO()
    clock = Clock()
    console = Console(file=file, width=40, color_system=None, get_time=clock, _environ={})
    return progress(console), clock, file


def test_a_log_gets_the_first_the_last_and_a_line_every_fifteen_seconds():
    bar, clock, file = plain()
    with bar:
        task = bar.add_task("[bold]small, clean", total=100)
        for done in range(100):
            clock.now = float(done)
            bar.advance(task)
            assert done > 0 or file.getvalue() == "[bold]small, clean: 0/100\n"
    lines = file.getvalue().splitlines()
    assert lines[0] == "[bold]small, clean: 0/100"
    assert lines[1].startswith("[bold]small, clean: 16/100, 0:15 elapsed, 1:2")
    assert lines[-1] == "[bold]small, clean: 100/100, 1:39 elapsed"
    assert len(lines) == 8


def test_update_tells_as_advance_does_and_an_unknown_total_has_no_time_left():
    bar, clock, file = plain()
    task = bar.add_task("loading", total=None)
    bar.update(task, completed=5)
    clock.now = 20.0
    bar.update(task, advance=5)
    bar.update(task, advance=0)
    assert file.getvalue().splitlines() == ["loading: 0/?", "loading: 10/?, 0:20 elapsed"]


def test_a_hidden_task_is_silent():
    bar, _, file = plain()
    bar.advance(bar.add_task("hidden", total=1, visible=False))
    assert file.getvalue() == ""


def test_a_terminal_gets_a_bar_with_time_left_and_literal_labels():
    file = StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None, _environ={"TERM": "xterm"})
    with progress(console) as bar:
        bar.advance(bar.add_task("[bold]small", total=2))
    last = file.getvalue().rsplit("\r", 1)[-1]
    assert "[bold]small" in last
    assert "1/2" in last
    assert "-:--:--" in last


def test_a_dumb_terminal_gets_lines():
    file = StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None, _environ={"TERM": "dumb"})
    with progress(console) as bar:
        bar.advance(bar.add_task("small", total=1))
    assert "\r" not in file.getvalue()
    assert file.getvalue().splitlines()[-1].startswith("small: 1/1")
