"""Whether a FHIR resource is about imaging: what its category says, else what it hangs on.

A hospital's FHIR server holds laboratory reports, drug orders and throat cultures in the same resource types; a
resource that says of itself that it is something else is left out.
"""

from __future__ import annotations

from etl.sources.fhir_elements import DCM, Resource, codings, many, name_of, word
from etl.sources.fhir_identity import Finder

# HL7 table 0074 diagnostic service sections of imaging, SNOMED CT, LOINC, US Core
CODES = frozenset(
    {"RAD", "RX", "CT", "NMR", "NMS", "RUS", "OUS", "VUS", "CUS", "XRC", "IMG", "IMAGING", "RADIOLOGY"}
    | {"363679005", "394914008", "LP29684-5"}
)
WORDS = ("radiol", "imaging")
CATEGORIES = {
    "ServiceRequest": ("category",),
    "DiagnosticReport": ("category",),
    "Procedure": ("category",),
    "Appointment": ("serviceCategory", "serviceType", "specialty"),
}
TAKEN_WITHOUT_CATEGORY = frozenset({"ServiceRequest", "DiagnosticReport"})  # searches for these are narrowed


def is_imaging(resource: Resource, finder: Finder, extra: frozenset[str] = frozenset(), hops: int = 3) -> bool:
    """Return whether a resource is about imaging; `extra` are codes a site's own categories use (upper case)."""
    kind = str(resource.get("resourceType"))
    if kind in ("ImagingStudy", "Encounter"):
        return True
    elements = [resource.get(name) for name in CATEGORIES.get(kind, ())]
    said = [coding for element in elements for coding in codings(element)]
    if any(code.upper() in CODES | extra or DCM in system for system, code in said):
        return True
    names = [name for element in elements for part in many(element) if (name := name_of(part))]
    if any(part in name.lower() for name in names for part in WORDS):
        return True
    if finder.named(resource, "accession") or many(resource.get("imagingStudy")):
        return True
    if said or names:
        return False
    return _hangs_on_imaging(resource, finder, extra, hops, kind)


def _hangs_on_imaging(resource: Resource, finder: Finder, extra: frozenset[str], hops: int, kind: str) -> bool:
    orders = finder.orders(resource)
    known = [order for _, order in orders if order is not None]
    if known:
        return hops > 0 and any(is_imaging(order, finder, extra, hops - 1) for order in known)
    if any(_names_an_order(reference) for reference, _ in orders):
        return True
    return kind in TAKEN_WITHOUT_CATEGORY


def _names_an_order(reference: Resource) -> bool:
    text = word(reference.get("reference")) or ""
    return any(kind in text for kind in ("ServiceRequest/", "ImagingStudy/")) or bool(reference.get("identifier"))
