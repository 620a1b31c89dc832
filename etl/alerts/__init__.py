"""Alerts: rules of the administrator's file judged on the published numbers, told once, to whom they concern."""

from __future__ import annotations

from etl.alerts.rules import load_alerts as load_alerts
from etl.alerts.run import run_alerts as run_alerts
from etl.alerts.store import AlertStore as AlertStore
