"""An XLSX file without its clock: same content, same bytes. Pure.

A workbook is a zip archive. openpyxl writes the hour of saving into the archive's entries and into the document
properties; both are replaced by a fixed day, and the parts are packed again in order.
"""

import io
import re
import zipfile

__all__ = ["fixed_bytes"]

_DAY = (1980, 1, 1, 0, 0, 0)  # the first that a zip archive can hold
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:\2>)")


def fixed_bytes(workbook: bytes) -> bytes:
    """The workbook with every time in it set to 1 January 1980."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist(), key=_order):
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\g<3>", content)
            entry = zipfile.ZipInfo(name, _DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same on every system
            new.writestr(entry, content)
    return out.getvalue()


def _order(name: str) -> tuple[bool, str]:
    # Readers that look at the first entry to know a workbook expect its list of types there.
    return (name != "[Content_Types].xml", name)
