"""Multipart/related answers (RFC 2046 5.1, PS3.18 8.7): their parts, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from etl.errors import PeerError

LONGEST_PART_HEAD = 1 << 14


def parts(body: bytes, content_type: str, wanted: str) -> Iterator[bytes]:
    """Yield the parts whose media type is `wanted`; a body that is one such object by itself is its own part.

    Raises PeerError when the answer is of another type, has no boundary or does not end with it.
    """
    head = Message()
    head["Content-Type"] = content_type
    if head.get_content_type() == wanted:
        yield body
        return
    boundary = head.get_param("boundary")
    if head.get_content_type() != "multipart/related" or not isinstance(boundary, str) or not boundary:
        raise PeerError(f"the answer is {head.get_content_type()}, not multipart/related of {wanted}")
    yield from _split(body, boundary.encode("latin-1", "replace"), wanted)


def _split(body: bytes, boundary: bytes, wanted: str) -> Iterator[bytes]:
    mark = b"--" + boundary
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise PeerError("a multipart answer is cut off: its last boundary is missing")
    for piece in pieces[1:-1]:
        head, blank, content = piece.lstrip(b" \t").partition(b"\r\n\r\n")
        if not blank or len(head) > LONGEST_PART_HEAD:
            raise PeerError("a part of a multipart answer has no head")
        if _is(head, wanted):
            yield content


def _is(head: bytes, wanted: str) -> bool:
    """Return whether a part's head names the media type; one without a head of its own is what was asked for."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            return value.partition(b";")[0].strip().lower() == wanted.encode()
    return True
