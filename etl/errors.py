"""Errors sorted by what the caller should do: stop, retry later, or skip the item and record it."""

from __future__ import annotations

from enum import StrEnum


class ExitCode:
    """Process exit codes a scheduler can act on (`sysexits.h` for 75 and 78)."""

    OK = 0
    REFUSED = 1
    BUSY = 75
    CONFIGURATION = 78


class RadpulseError(Exception):
    """Any failure Radpulse explains itself; the message says what came, what is allowed and where."""

    exit_code = ExitCode.REFUSED


class ConfigurationError(RadpulseError):
    """Stop: settings, key or reference data are wrong and a person must mend them."""

    exit_code = ExitCode.CONFIGURATION


class BusyError(RadpulseError):
    """Retry later: another run holds the lock."""

    exit_code = ExitCode.BUSY


class PeerError(RadpulseError):
    """Retry later: another system could not be reached or did not answer as it should; nothing was lost."""


class FeedStoppedError(RadpulseError):
    """Stop this feed, keep the others: its layout changed and guessing would load silent NULLs."""


class RefusedError(RadpulseError):
    """Refuse the request and say why: an unknown KPI, a dimension it cannot take, a file unfit to read."""


class Reason(StrEnum):
    """Why a source item was quarantined; the whole closed list (at most fifteen)."""

    NOT_THIS_FORMAT = "not_this_format"
    TRUNCATED = "truncated"
    BAD_STRUCTURE = "bad_structure"
    BAD_CHARSET = "bad_charset"
    BAD_VALUE = "bad_value"
    MISSING_IDENTIFIER = "missing_identifier"
    MISSING_TIME = "missing_time"
    IMPOSSIBLE_TIME = "impossible_time"
    NONEXISTENT_LOCAL_TIME = "nonexistent_local_time"
    OVERSIZED = "oversized"
    COLUMN_DRIFT = "column_drift"
    TRAILER_MISMATCH = "trailer_mismatch"
    UNKNOWN_SCANNER = "unknown_scanner"
    MERGE_CYCLE = "merge_cycle"
    READ_ERROR = "read_error"


class FilterReason(StrEnum):
    """Why a readable source item was left out on purpose; the whole closed list."""

    NOT_IMAGING = "not_imaging"  # a message about nothing we measure (e.g. ADT^A01 admission)
    NOT_A_DOSE_REPORT = "not_a_dose_report"
    NO_IRRADIATION = "no_irradiation"
    NOT_AN_IMAGE = "not_an_image"  # DICOM plans, waveforms, presentation states
    MEDIA_DIRECTORY = "media_directory"  # a DICOMDIR lists files that are offered themselves
    BATCH_ENVELOPE = "batch_envelope"
    OTHER_FEED = "other_feed"  # belongs to a feed configured elsewhere


class ItemRefused(Exception):  # noqa: N818 - reads as what happened to the item, and never leaves a source
    """Skip the item and record it: raised inside a source, turned into a `Refused` item at its edge."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
