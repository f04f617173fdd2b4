"""Progress with time left: a live bar on a terminal, a line now and then in a log."""

from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from asrfair.report.text import safe

SECONDS_BETWEEN_LINES = 15.0


def progress(console: Console) -> Progress:
    """Return a rich Progress: description, bar, M/N, elapsed, time left; plain lines where nothing can be redrawn."""
    if console.is_terminal and not console.is_dumb_terminal:
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
    return PlainProgress(console=console, disable=True)


class PlainProgress(Progress):
    """Progress for logs: a line when a task starts and ends, and at most every fifteen seconds between."""

    def __init__(self, **options: Any) -> None:
        self._told: dict[TaskID, tuple[float, float]] = {}
        super().__init__(**options)

    def add_task(self, description: str, *args: Any, **options: Any) -> TaskID:
        """Add a task; its first line is written at once if it is visible and started."""
        task_id = super().add_task(description, *args, **options)
        self._tell(task_id)
        return task_id

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change a task as rich does, and write a line if one is due."""
        super().update(task_id, **changes)
        self._tell(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Advance a task as rich does, and write a line if one is due."""
        super().advance(task_id, advance)
        self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        with self._lock:
            task, now = self._tasks[task_id], self.get_time()
            told = self._told.get(task_id)
            ended = task.total is not None and task.completed >= task.total
            due = told is None or ended or now - told[0] >= SECONDS_BETWEEN_LINES
            if not task.visible or not due or (told is not None and told[1] == task.completed):
                return
            self._told[task_id] = (now, task.completed)
            self.console.print(Text(_line(task)), soft_wrap=True)


def _line(task: Task) -> str:
    total = "?" if task.total is None else f"{task.total:,.0f}"
    done = f"{safe(task.description)}: {task.completed:,.0f}/{total}"
    if task.elapsed is None or task.completed == 0:
        return done
    left = "" if task.finished or task.time_remaining is None else f", {_clock(task.time_remaining)} left"
    return f"{done}, {_clock(task.elapsed)} elapsed{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
