"""What an engine can be asked: one file per task, its typed input, its typed answer.

Criteria, fields, groups and questions are named by id in every answer, never by position.
"""

from model.tasks import (
    arms,
    bias,
    characteristics,
    direction,
    participants,
    pico,
    query,
    question,
    rationale,
    results,
    screen,
    summary,
)

__all__ = ["ALL"]

ALL = {
    task.TASK.id: task.TASK
    for task in (
        pico,
        query,
        screen,
        rationale,
        characteristics,
        arms,
        participants,
        results,
        direction,
        bias,
        question,
        summary,
    )
}
"""Task id to task."""
