"""The answer formats of the published LEADS weights (zifeng-ai/leads-mistral-7b-v1), read strictly and by id.

LEADS (Wang et al., Nat Commun 2025;16:8361, doi 10.1038/s41467-025-62058-5) answers six tasks, most of them in
lists whose order says what an item is about. Here each list is checked for its length and its names and turned
into our answers by id; what does not fit is rejected, never shifted, filled up or guessed at.
See docs/prompts.md for what is read and what is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.engine import Task
from model.leads.base import LeadsForm
from model.leads.extracting import ArmsForm, CharacteristicsForm, ParticipantsForm, ResultsForm
from model.leads.selecting import QueryForm, ScreenForm
from model.prompting import Template
from tools.errors import ConfigError

__all__ = ["TASKS", "check_known", "leads_form"]

_FORMS: Mapping[str, type[LeadsForm]] = {
    "query": QueryForm,
    "screen": ScreenForm,
    "characteristics": CharacteristicsForm,
    "participants": ParticipantsForm,
    "arms": ArmsForm,
    "results": ResultsForm,
}

TASKS = tuple(_FORMS)
"""The tasks that LEADS knows."""


def check_known(task: str) -> None:
    """Refuse a task that the format has no answers for.

    Raises:
        ConfigError: with the remedy.
    """
    if task not in _FORMS:
        raise ConfigError(
            f"the LEADS weights were not trained for the task {task!r}; they know {', '.join(TASKS)}. Remedy: give "
            f"{task} another engine, or the prompts `ours`, under engine.tasks in review.yaml."
        )


def leads_form(template: Template, task: Task[Any, Any]) -> LeadsForm:
    """The form of a task in the LEADS format, with this prompt.

    Raises:
        ConfigError: LEADS does not know the task, or the prompt uses variables that the task does not offer, or
            leaves out one that it cannot do without.
    """
    check_known(task.id)
    return _FORMS[task.id](template, task)
