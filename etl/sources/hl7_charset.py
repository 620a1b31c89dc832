"""The characters of HL7 v2 files: byte order marks, MSH-18, and bytes that contradict it."""

from __future__ import annotations

import re

from etl.errors import ItemRefused, Reason

# HL7 table 0211 (MSH-18), spaces and punctuation removed -> Python codec
CHARSETS = {
    "ASCII": "ascii",
    **{f"8859{part}": f"iso8859_{part}" for part in (*range(1, 10), 15)},
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "ISOIR6": "ascii",
    "ISOIR14": "shift_jis",
    "ISOIR87": "iso2022_jp_2",
    "ISOIR159": "iso2022_jp_2",
    "ISOIR100": "iso8859_1",
    "GB180302000": "gb18030",
    "KSX1001": "euc_kr",
    "BIG5": "big5",
}


def decode(data: bytes) -> tuple[str, bool]:
    """Return the text of a file and whether it still is one character a byte, each message to be decoded.

    UTF-16 is known by its byte order mark or its zero bytes; valid UTF-8 is taken as such whatever MSH-18 says.
    Raises ItemRefused BAD_CHARSET for broken UTF-16.
    """
    wide = _utf16(data)
    try:
        if wide:
            return data.decode(wide).removeprefix("\ufeff"), False
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), False
    except UnicodeDecodeError as error:
        if wide:
            raise ItemRefused(Reason.BAD_CHARSET, f"UTF-16 breaks at byte {error.start}") from error
        return data.decode("latin-1"), True


def _utf16(data: bytes) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if data[1:6:2] == b"\0\0\0" and data[0:5:2] in (b"MSH", b"FHS", b"BHS"):
        return "utf-16-le"
    return "utf-16-be" if data[1:6:2] in (b"MSH", b"FHS", b"BHS") and data[0:5:2] == b"\0\0\0" else None


def decode_chunk(text: str, raw: bool) -> str:
    """Return a message in its own character set: MSH-18, unless its bytes say otherwise.

    `raw` text is one character a byte. Bytes that are no UTF-8 and not what MSH-18 declares are read as
    Windows-1252, the commonest mislabelled set; raises ItemRefused BAD_CHARSET when that fails too.
    """
    if not raw and "\x1b" not in text:
        return text
    declared = charset(text)
    data = text.encode("latin-1") if raw else text.encode("utf-8")
    for codec in (declared, "cp1252") if raw else (declared,):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    raise ItemRefused(Reason.BAD_CHARSET, f"the bytes are neither UTF-8 nor {declared}")


def charset(text: str) -> str:
    """Return the Python codec MSH-18 asks for; "utf-8" when it is empty or unknown (HL7 table 0211).

    Where its repetitions name several sets and the text switches by escape sequence (ISO 2022, as Japanese
    senders do with ``~ISO IR87``), the one that understands these is meant.
    """
    fields = re.split("[\r\n]", text, maxsplit=1)[0].split(text[3:4] or "|")
    declared = fields[17].split(fields[1][1:2] or "~") if len(fields) > 17 else []
    codecs = [CHARSETS.get(re.sub(r"[^A-Z0-9]", "", name.upper()), "utf-8") for name in declared if name]
    if "\x1b" in text:
        codecs = [codec for codec in codecs if codec.startswith("iso2022")] or codecs
    return codecs[0] if codecs else "utf-8"
