"""Whose clock and quiet hours an alert has: its slice's site, else the first site's clock and everybody's hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from etl.alerts.finding import Slice
from etl.alerts.quiet import quiet_until
from etl.alerts.rules import AlertsFile, Rule
from etl.settings import Settings


@dataclass(frozen=True, slots=True)
class Places:
    """The installation's sites, scanners and quiet hours."""

    zones: dict[str, ZoneInfo]
    site_of_scanner: dict[str, str]
    file: AlertsFile

    def site(self, rule: Rule, parts: Slice) -> str | None:
        """Return the one site an alert is about, None when it is about several."""
        named = dict(parts)
        if "site" in named or "scanner" in named:
            return named.get("site") or self.site_of_scanner.get(named["scanner"])
        chosen = getattr(rule, "where", {}).get("site", ())
        return chosen[0] if len(chosen) == 1 else None

    def zone(self, site: str | None) -> ZoneInfo:
        """Return the clock of a site; of several, the first one's."""
        return self.zones.get(site or "") or next(iter(self.zones.values()), ZoneInfo("UTC"))

    def release(self, now: datetime, site: str | None) -> datetime | None:
        """Return when quiet hours end, None when it is not quiet now."""
        return quiet_until(now, self.zone(site), site, self.file.quiet)


def places_of(settings: Settings, file: AlertsFile) -> Places:
    """Return the places of an installation."""
    zones = {site.code: ZoneInfo(site.zone) for site in settings.sites}
    return Places(zones, {scanner.code: scanner.site for scanner in settings.scanners}, file)
