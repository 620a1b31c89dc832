"""The border: pseudonyms, validation and quarantine. Nothing past here holds a raw identifier."""

from etl.staging.kept import unpack
from etl.staging.keys import load_key, make_key
from etl.staging.places import PlaceNamer
from etl.staging.pseudonymise import Pseudonymiser
from etl.staging.redact import redact
from etl.staging.seal import Sealer
from etl.staging.stage import Batch, stage

__all__ = ["Batch", "PlaceNamer", "Pseudonymiser", "Sealer", "load_key", "make_key", "redact", "stage", "unpack"]
