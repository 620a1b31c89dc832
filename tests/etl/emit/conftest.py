"""Emission is tried on our own listener."""

from __future__ import annotations

from tests.etl.listeners.conftest import certificates, listening

__all__ = ["certificates", "listening"]
