"""Protocol revisions: the first is review.yaml as first run; a change is a new one, with its reason."""

from collections.abc import Mapping
from typing import Any

from agent import config as configuration
from agent.review import Review
from agent.wiring import changed_around, environment_of, step_bases
from tools.errors import ConfigError
from tools.store import Protocol

__all__ = ["FIRST_PASS", "ensure_protocol", "flags_of", "take_in"]

FIRST_PASS = "1"  # noqa: S105 - a pass over the graph


def ensure_protocol(
    review: Review, *, overrides: configuration.Overrides | None, reason: str | None, author: str
) -> Protocol:
    """The protocol in force, after taking in review.yaml as it is now.

    Args:
        review: an open review.
        overrides: values from flags. None: those of the newest revision.
        reason: why the protocol changed; required when it did.
        author: who runs the command.

    Raises:
        ConfigError: review.yaml is wrong, or has changed and nobody said why.
    """
    known = review.store.protocols()
    flags = flags_of(known[-1]) if overrides is None and known else (overrides or {})
    loaded = configuration.load(review.home.yaml, flags)
    if not known:
        return _add(review, loaded, flags, 1, reason or "first protocol", author)
    newest = known[-1]
    content = _content(loaded, newest.content["environment"])
    if content == newest.content and reason is None:
        return newest
    if reason is None:
        from graphs.steps.report import differences

        changed = "\n".join(f"  {line}" for line in differences(newest.content, content))
        raise ConfigError(
            f"{review.home.yaml.name} is no longer protocol revision {newest.revision}:\n{changed}\nRemedy: take "
            'it as a new revision with `python -m agent resume … --reason "why"`, or change it back.'
        )
    return _add(review, loaded, flags, newest.revision + 1, reason, author)


def take_in(review: Review, *, reason: str | None, author: str) -> Protocol:
    """As `ensure_protocol` for a command whose reason is its own: a revision only where something changed.

    Raises:
        ConfigError: review.yaml, the embedding model or the vocabulary has changed and nobody said why.
    """
    newest = review.protocol
    loaded = configuration.load(review.home.yaml, flags_of(newest))
    environment = environment_of(loaded.config, review.home.yaml.parent)
    if reason is None and environment != newest.content["environment"]:
        raise ConfigError(
            f"{changed_around(newest.content['environment'], environment)} since protocol revision "
            f'{newest.revision}. Remedy: give `--reason "why"`, or bring the earlier one back.'
        )
    same = _content(loaded, environment) == newest.content
    return ensure_protocol(review, overrides=None, reason=None if same else reason, author=author)


def _add(
    review: Review,
    loaded: configuration.Loaded,
    flags: configuration.Overrides,
    revision: int,
    reason: str,
    author: str,
) -> Protocol:
    environment = environment_of(loaded.config, review.home.yaml.parent)
    protocol = Protocol(
        revision=revision,
        yaml=loaded.text,
        overrides={path: list(value) for path, value in flags.items()},
        content=_content(loaded, environment),
        basis=step_bases(loaded.config, environment),
        reason=reason,
        author=author,
        at=review.clock(),
    )
    review.store.add_protocol(protocol)
    review.store.open_pass(FIRST_PASS, "first")
    return protocol


def _content(loaded: configuration.Loaded, environment: Mapping[str, Any]) -> dict[str, Any]:
    return loaded.config.model_dump(mode="json", by_alias=True) | {"environment": dict(environment)}


def flags_of(protocol: Protocol) -> configuration.Overrides:
    """The values that flags gave, with their origins."""
    return {path: (value, origin) for path, (value, origin) in protocol.overrides.items()}
