"""What the languages of search platforms have in common: AND, OR, NOT, proximity and parentheses. Pure."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from tools.search.dialects.reading import Joined, Near, Node, Report, Target, Unreadable, Within
from tools.search.query_nodes import MAX_DEPTH

__all__ = ["Grammar", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """An operator: where it ends, and for proximity how many words may stand between, and in which order."""

    kind: Literal["and", "or", "not", "near"]
    end: int
    between: int = 0
    ordered: bool = False


class Grammar(ABC):
    """Reads one line: proximity first, then AND and NOT from left to right, then OR.

    A language says what an operator is (`following`) and what an operand is (`operand`).
    """

    def __init__(self, text: str, report: Report) -> None:
        self.text, self.report, self.at, self.level = text, report, 0, 0

    @abstractmethod
    def following(self) -> Step | None:
        """The operator at this place, not yet taken; None where there is none."""

    @abstractmethod
    def operand(self) -> Node:
        """One term, heading, line or group, with the fields behind it.

        Raises:
            Unreadable: with the place.
        """

    def whole(self) -> Node:
        """The line as one tree.

        Raises:
            Unreadable: with the place.
        """
        node = self.chain()
        if self.at < len(self.text):
            raise Unreadable("a closing parenthesis has no partner", self.at)
        return node

    def skip(self) -> None:
        """Go past spaces."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What the pattern finds at this place; goes past it."""
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def begin(self) -> int:
        """The place of the operand that must follow.

        Raises:
            Unreadable: none follows.
        """
        self.skip()
        if self.at >= len(self.text):
            raise Unreadable("the line stops where a term should follow", max(self.at - 1, 0))
        if self.text[self.at] == ")":
            raise Unreadable("a parenthesis closes where a term should stand", self.at)
        return self.at

    def group(self) -> Node:
        """What stands in parentheses."""
        begin = self.at
        self.at += 1
        node = self.chain()
        if self.at >= len(self.text):
            raise Unreadable("a parenthesis is never closed", begin)
        self.at += 1
        return node

    def chain(self) -> Node:
        """Alternatives, up to the end or a closing parenthesis."""
        self.level += 1
        if self.level > MAX_DEPTH:
            raise Unreadable(f"more than {MAX_DEPTH} parentheses are nested", self.at)
        node, mixed = self._conjunction()
        alternatives = [node]
        while (step := self._next("or")) is not None:
            self.at = step.end
            node, more = self._conjunction()
            alternatives.append(node)
            mixed = mixed or more
        self.skip()
        if self.at < len(self.text) and self.text[self.at] != ")":
            raise Unreadable("an operator is missing", self.at)
        self.level -= 1
        if len(alternatives) == 1:
            return alternatives[0]
        if mixed:
            self.report.note("AND and NOT without parentheses are done before OR: check")
        return Joined("OR", tuple(alternatives))

    def _next(self, *kinds: str) -> Step | None:
        self.skip()
        step = self.following()
        return step if step is not None and step.kind in kinds else None

    def _conjunction(self) -> tuple[Node, bool]:
        """Operands joined by AND and NOT, and whether there was more than one."""
        node, mixed = self._adjacent(), False
        while (step := self._next("and", "not")) is not None:
            self.at = step.end
            right = self._adjacent()
            if step.kind == "not":
                node = Joined("NOT", (node, right))
            elif mixed and isinstance(node, Joined) and node.operator == "AND":
                node = Joined("AND", (*node.parts, right))
            else:
                node = Joined("AND", (node, right))
            mixed = True
        return node, mixed

    def _adjacent(self) -> Node:
        """Operands joined by proximity; a field behind the last of them governs all."""
        operands, steps = [self.operand()], []
        while (step := self._next("near")) is not None:
            self.at = step.end
            steps.append(step)
            operands.append(self.operand())
        last, targets = operands[-1], tuple[Target, ...]()
        if steps and isinstance(last, Within) and not any(isinstance(o, Within) for o in operands[:-1]):
            operands[-1], targets = last.node, last.targets
        node = operands[0]
        for right, step in zip(operands[1:], steps, strict=True):
            node = Near(node, right, step.between, step.ordered)
        return Within(node, targets) if targets else node
