"""What a registry takes, as data: fields with type, allowed values, need and source."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cached_property
from typing import Literal

from pydantic import Field, TypeAdapter

from etl.errors import RefusedError
from etl.settings import REFERENCE, Part

FOLDER = REFERENCE / "submissions"
REGISTRIES = ("grid", "dids", "dm01", "dose")
Type = Literal["code", "whole", "number", "month", "date", "timestamp"]


class SpecField(Part):
    """One field; `map` names the site map its values come from, `vault` those only the identity vault can tell."""

    name: str
    type: Type
    source: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    pattern: str | None = None
    min: float | None = None
    max: float | None = None
    map: str | None = None
    vault: bool = False

    @property
    def allowed_words(self) -> str:
        """Say what is allowed."""
        if self.allowed:
            return "one of " + ", ".join(self.allowed)
        if self.min is not None or self.max is not None:
            return f"a {self.type} from {self.min:g} to {self.max:g}"
        if self.map and self.pattern is None:
            return f"a code from the site map {self.map!r}"
        return f"{self.type} like {self.pattern}" if self.pattern else f"a {self.type}"


class Timestamps(Part):
    """Which UTC offsets a timestamp may have; none listed: any."""

    offsets: tuple[str, ...] = ()


class Rules(Part):
    """Rules across fields: exactly one filled, at least one filled, instants in this order."""

    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    in_order: tuple[str, ...] = ()


class Spec(Part):
    """A registry's file."""

    key: str
    title: str
    version: str
    grain: str
    source: str
    kpis: tuple[str, ...]
    fields: tuple[SpecField, ...]
    timestamps: Timestamps = Timestamps()
    rules: Rules = Field(default=Rules())

    @cached_property
    def told(self) -> tuple[SpecField, ...]:
        """The fields the warehouse can tell; the others need the identity vault."""
        return tuple(field for field in self.fields if not field.vault)

    @cached_property
    def withheld(self) -> tuple[SpecField, ...]:
        """The fields that only the identity vault can tell."""
        return tuple(field for field in self.fields if field.vault)


_SPEC = TypeAdapter(Spec)


def spec_of(registry: str) -> tuple[Spec, str]:
    """Return the spec of a registry and the SHA-256 of its file; raises RefusedError naming the known ones."""
    if registry not in REGISTRIES:
        raise RefusedError(f"registry {registry!r} is not known; known: {', '.join(REGISTRIES)}")
    raw = (FOLDER / f"{registry}.toml").read_bytes()
    return _SPEC.validate_python(tomllib.loads(raw.decode("utf-8"))), hashlib.sha256(raw).hexdigest()
