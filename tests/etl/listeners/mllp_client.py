"""An MLLP sender for tests: connects, sends, waits for the acknowledgement."""

from __future__ import annotations

import socket

START, END = b"\x0b", b"\x1c\r"


def message(number: int | str, padding: int = 0) -> bytes:
    """An order with its own control id, patient and accession number."""
    lines = [
        f"MSH|^~\\&|RIS|NORTH|RADPULSE|HUB|20260910120000-0400||ORM^O01^ORM_O01|C{number}|P|2.5.1",
        f"PID|1||P{number}^^^NORTH^MR||DOE^JANE",
        f"ORC|NW|PL{number}|FL{number}||||||20260910115900-0400",
        f"OBR|1|PL{number}|FL{number}|CTH^CT HEAD^L||||||||||||||A{number}",
    ]
    if padding:
        lines.append("NTE|1||" + "x" * padding)
    return "\r".join(lines).encode() + b"\r"


def framed(payload: bytes) -> bytes:
    return START + payload + END


def receive(connection: socket.socket) -> bytes:
    """One block from the other side; EOFError when it closes."""
    held = b""
    while not held.endswith(END):
        got = connection.recv(65536)
        if not got:
            raise EOFError
        held += got
    return held


def codes(answers: bytes) -> list[tuple[str, str]]:
    """(MSA-1, MSA-2) of each acknowledgement."""
    found = [line.split(b"|") for line in answers.replace(END, b"\r").split(b"\r") if line.startswith(b"MSA")]
    return [(fields[1].decode(), fields[2].decode() if len(fields) > 2 else "") for fields in found]


def exchange(connection: socket.socket, payload: bytes) -> tuple[str, str]:
    """Send one message whole and return its acknowledgement."""
    connection.sendall(framed(payload))
    return codes(receive(connection))[0]
