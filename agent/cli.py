"""The command line: parse, call, print.

Exit status: 0 done, 1 failed, 2 the input is wrong, 3 waiting for a person, 4 a service is not available
and the run can be resumed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import ConfigError, ReviewError

if TYPE_CHECKING:
    from agent.commands import Done, Running

__all__ = ["main", "parser"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    given = parser().parse_args(argv)
    try:
        _refuse_telemetry()
        done = given.call(given)
    except ReviewError as e:  # ours: the text is enough. A bug keeps its traceback.
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        if e.exit_status == 4:
            print(f"Nothing is lost. Go on with: python -m agent resume {given.review}", file=sys.stderr)
        return e.exit_status
    except KeyboardInterrupt:
        print("Stopped. Nothing is lost; go on with `python -m agent resume`.", file=sys.stderr)
        return 130
    print(done.text)
    return int(done.status)


def _refuse_telemetry() -> None:
    """A review's records leave this machine only where its protocol says so.

    Raises:
        ConfigError: LangSmith tracing is switched on in the environment.
    """
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING"):
        if os.environ.get(name, "").lower() in ("1", "true"):
            raise ConfigError(f"{name} would send this review to a remote service. Remedy: unset {name}.")


# Grammar -----------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    top = argparse.ArgumentParser(prog="python -m agent", description="A systematic review, step by step.")
    verbs = top.add_subparsers(required=True, metavar="VERB")
    _verbs_before(verbs)
    _verbs_running(verbs)
    _verbs_deciding(verbs)
    _verbs_looking(verbs)
    return top


def _verb(verbs: Any, name: str, call: Callable[[argparse.Namespace], Done], told: str) -> Any:
    verb = verbs.add_parser(name, help=told, description=told)
    verb.set_defaults(call=call)
    return verb


def _review(verb: Any, *, home: bool = True) -> Any:
    verb.add_argument("review", type=Path, help="review.yaml, or its folder")
    if home:
        verb.add_argument(
            "--home", type=Path, help="where the review's data lie; default: beside review.yaml"
        )
        verb.add_argument(
            "--clock", help="a constant time (ISO 8601, UTC) in the place of the clock, to compare runs"
        )
    return verb


def _verbs_before(verbs: Any) -> None:
    verb = _verb(verbs, "init", _init, "write a commented review.yaml")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--title", default="Title of the review")
    verb = _review(
        _verb(verbs, "check", _check, "print every value with its origin, or all mistakes"), home=False
    )
    _overrides(verb)
    _verb(verbs, "schema", _schema, "print the JSON Schema of review.yaml, for editors")
    verb = _verb(verbs, "vocabulary", _vocabulary, "install the MeSH vocabulary")
    verb.add_argument("action", choices=["install"])
    verb.add_argument(
        "file", type=Path, nargs="?", help="descriptor file or folder of tables; default: download"
    )


def _verbs_running(verbs: Any) -> None:
    verb = _review(_verb(verbs, "run", _run, "begin a review, or go on with it"))
    _overrides(verb)
    _running(verb)
    _running(_review(_verb(verbs, "resume", _resume, "go on with a review from where it stopped")))


def _running(verb: Any) -> None:
    verb.add_argument("--pubmed-url", help="another address for PubMed's E-utilities, such as a mirror")
    verb.add_argument(
        "--patience", type=float, metavar="SECONDS", help="how long to try a service that does not answer"
    )
    verb.add_argument("--reason", help="why the protocol changed: takes review.yaml as a new revision")
    verb.add_argument("--retry-failed", action="store_true", help="ask again about records that failed")


def _overrides(verb: Any) -> None:
    verb.add_argument("--engine", choices=["baseline", "openai"], help="in the place of engine.backend")
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="another value, such as prefilter.keep=50",
    )


def _verbs_deciding(verbs: Any) -> None:
    for name, told in (("approve", "approve what a gate shows"), ("reject", "reject it and end the review")):
        verb = _review(_verb(verbs, name, _decide, told))
        verb.set_defaults(decision=name)
        verb.add_argument(
            "--gate", choices=["pico", "query", "screen", "extract"], help="default: the open one"
        )
        verb.add_argument(
            "--hash", dest="shown", help="hash of what you were shown: refused if it has changed"
        )
        _person(verb)
    verb = _review(_verb(verbs, "edit", _edit, "put a changed version under a gate"))
    verb.add_argument("gate", choices=["pico", "query", "screen", "extract"])
    verb.add_argument("--file", type=Path, required=True, help="strategy, YAML elements, or CSV lines")
    _person(verb)
    verb = _review(_verb(verbs, "group", _group, "say which reports belong to one study"))
    verb.add_argument("reports", nargs="+", metavar="REPORT")
    verb.add_argument("--why", required=True)
    verb.add_argument("--split", action="store_true", help="they stand alone instead")
    verb.add_argument("--by")


def _person(verb: Any) -> None:
    verb.add_argument("--by", help="who decides; default: the user who runs the command")
    verb.add_argument("--note", default="")


def _verbs_looking(verbs: Any) -> None:
    _review(_verb(verbs, "status", _status, "where every record stands, and what is waited for"))
    _review(_verb(verbs, "trace", _trace, "every step with its inputs, outputs and duration"))
    verb = _review(_verb(verbs, "replay", _replay, "run again offline from what was stored"))
    verb.add_argument("--verify", action="store_true", help="compare the outputs byte by byte")
    verb.add_argument("--into", type=Path, help="keep the replayed review in this folder")
    _review(_verb(verbs, "verify", _verify, "check that everything adds up and nothing was changed"))


# Calls -------------------------------------------------------------------------------------------


def _init(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.init(given.folder, given.title)


def _check(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.check(given.review, _flags(given))


def _schema(_given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.schema()


def _vocabulary(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.vocabulary_install(given.file)


def _run(given: argparse.Namespace) -> Done:
    from agent import commands
    from agent.terminal import asking

    flags = _flags(given)
    with _how(given) as how:
        done = commands.run(given.review, flags, how)
        return asking(given.review, how, done)


def _resume(given: argparse.Namespace) -> Done:
    from agent import commands
    from agent.terminal import asking

    with _how(given) as how:
        done = commands.resume(given.review, how)
        return asking(given.review, how, done)


def _decide(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.approve(
        given.review,
        step=given.gate,
        by=given.by,
        note=given.note,
        decision=given.decision,
        shown=given.shown,
        folder=given.home,
        clock=_clock(given),
    )


def _edit(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.edit(
        given.review,
        step=given.gate,
        file=given.file,
        by=given.by,
        note=given.note,
        folder=given.home,
        clock=_clock(given),
    )


def _group(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.group(
        given.review,
        given.reports,
        by=given.by,
        why=given.why,
        split=given.split,
        folder=given.home,
        clock=_clock(given),
    )


def _status(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.status(given.review, folder=given.home)


def _trace(given: argparse.Namespace) -> Done:
    from agent import commands

    return commands.trace(given.review, folder=given.home)


def _replay(given: argparse.Namespace) -> Done:
    from agent.replay import replay

    return replay(given.review, compare=given.verify, folder=given.home, into=given.into)


def _verify(given: argparse.Namespace) -> Done:
    from agent.replay import verify

    return verify(given.review, folder=given.home)


def _flags(given: argparse.Namespace) -> dict[str, tuple[Any, str]]:
    """Values that flags put in the place of the file's.

    Raises:
        ConfigError: a `--set` without an equals sign, or with a value that is no YAML.
    """
    import yaml

    flags: dict[str, tuple[Any, str]] = {}
    if given.engine:
        flags["engine.backend"] = (given.engine, "--engine")
    for text in given.set:
        path, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: no equals sign. Remedy: write --set prefilter.keep=50.")
        try:
            flags[path] = (yaml.safe_load(value), f"--set {path}")
        except yaml.YAMLError as e:
            raise ConfigError(f"--set {text}: the value is not YAML: {e}.") from e
    return flags


def _clock(given: argparse.Namespace) -> Callable[[], str]:
    from agent.home import constant_clock, system_clock

    return constant_clock(given.clock) if given.clock else system_clock


class _How:
    """`Running` with progress bars that end with it."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given

    def __enter__(self) -> Running:
        from agent.commands import Running
        from agent.terminal import Bars

        self.bars = Bars().__enter__()
        return Running(
            folder=self.given.home,
            clock=_clock(self.given),
            progress=self.bars.show,
            pubmed_url=self.given.pubmed_url,
            patience_s=self.given.patience,
            reason=self.given.reason,
            retry_failed=self.given.retry_failed,
        )

    def __exit__(self, *_: object) -> None:
        self.bars.__exit__()


def _how(given: argparse.Namespace) -> _How:
    return _How(given)
