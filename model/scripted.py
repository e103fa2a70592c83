"""An engine that follows a script: for tests, benches of everything around the engine, and demonstrations."""

from collections.abc import Callable, Mapping
from typing import Any

from model.engine import A, Answer, I, Request, parse_answer
from tools.schemas import Frozen, canonical_json

__all__ = ["ScriptedEngine"]

Script = Callable[[Request[Any, Any]], str | Frozen]
"""A request to the raw text of its answer, or to the answer itself; may raise an `EngineError`."""


class ScriptedEngine:
    """Answers by a function, through the same validation as every backend."""

    label = "script (no language model)"
    language_model = False

    def __init__(self, script: Script, name: str = "scripted") -> None:
        self.script, self.name = script, name

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """The typed input."""
        return {"input": request.input.model_dump(mode="json")}

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """What the script says.

        Raises:
            AnswerRejected: the script's text is no answer to this request.
            EngineError: the script raised it.
        """
        said = self.script(request)
        raw = said if isinstance(said, str) else canonical_json(said)
        return Answer(parse_answer(request, raw), raw)

    def read(self, request: Request[I, A], raw: str) -> A:
        """The task's own form."""
        return parse_answer(request, raw)
