"""Results in; a terminal report, and the measured parts of a service card as JSON and Markdown, out."""

from asrfair.report.card.data import metrics_card
from asrfair.report.card.text import markdown
from asrfair.report.progress import progress
from asrfair.report.terminal import render

__all__ = ["markdown", "metrics_card", "progress", "render"]
