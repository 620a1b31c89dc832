"""Where an item lay, without what its path may say: DICOM folders are often named after patients."""

from __future__ import annotations

from pathlib import PurePosixPath

from etl.settings import Feed
from etl.staging.pseudonymise import Pseudonymiser

# Interface engines name HL7 and CSV files by feed and time; scanners and media name theirs by patient and study.
PERSONAL_PATHS = frozenset({"dicom_files", "dose_reports"})
PREFIX = "path:"


def has_personal_paths(feed: Feed) -> bool:
    """Return whether the paths of a feed's files may hold identifiers; the feed option `plain_paths` overrides."""
    return not feed.options.get("plain_paths", feed.kind not in PERSONAL_PATHS)


class PlaceNamer:
    """Names places of one feed: as they are, or as a keyed token where paths may hold identifiers.

    The feed option `plain_paths` says otherwise for a feed. A name is kept when it is named again.
    """

    def __init__(self, feed: Feed, pseudonymiser: Pseudonymiser) -> None:
        self._site, self._token = feed.site, pseudonymiser.path_token
        self._plain = not has_personal_paths(feed)

    def __call__(self, source_ref: str) -> str:
        """Return the name of `source_ref` (relative path, then `#` and a position where the file holds several)."""
        if self._plain or source_ref.startswith(PREFIX):
            return source_ref
        path, mark, position = source_ref.partition("#")
        suffix = PurePosixPath(path).suffix
        known = suffix if suffix.lower() in {".dcm", ".dicom", ".ima", ".sr"} else ""
        return f"{PREFIX}{self._token(self._site, path)}{known}{mark}{position}"
