"""PDFs by hand, good and hostile; every word in them is invented."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence

WIDTH, HEIGHT = 595, 842

PARAGRAPH = (
    "We asked whether snail syrup shortens a cough in adults. Forty adults drank the syrup and forty drank",
    "water with sugar for seven days. The cough ended after 5.1 days with syrup and after 6.4 days with",
    "sugar. Nobody was harmed, and one snail was thanked in person for its part in the whole affair.",
)


def line(text: str, x: float = 72, y: float = 700, size: float = 10, before: str = "") -> str:
    """Operators that show one line."""
    shown = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT {before} /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({shown}) Tj ET\n"


def lines(texts: Iterable[str], x: float = 72, y: float = 700, size: float = 10, lead: float = 12) -> str:
    """Lines of a column, the first one at `y`."""
    return "".join(line(text, x, y - n * lead, size) for n, text in enumerate(texts))


def pdf(
    pages: Sequence[str],
    *,
    extra: Mapping[int, bytes] | None = None,
    catalog: str = "",
    resources: str = "",
    page: str = "",
    filters: str = "",
    font: str = "/Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding",
    trailer: str = "",
) -> bytes:
    """A file with these content streams.

    Args:
        extra: further objects, from number 1000 on.
        catalog, resources, page, trailer: entries for these dictionaries.
        filters: entry of the content streams' dictionaries; the streams are then encoded already.
    """
    kids = " ".join(f"{10 + 2 * n} 0 R" for n in range(len(pages)))
    objects: dict[int, bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        3: f"<< /Type /Font {font} >>".encode(),
    }
    for n, content in enumerate(pages):
        box = f"/MediaBox [0 0 {WIDTH} {HEIGHT}]"
        fonts = f"/Resources << /Font << /F1 3 0 R >> {resources} >>"
        objects[10 + 2 * n] = (
            f"<< /Type /Page /Parent 2 0 R {box} {fonts} /Contents {11 + 2 * n} 0 R {page} >>".encode()
        )
        objects[11 + 2 * n] = stream(content.encode("latin-1"), filters)
    objects |= extra or {}
    return file_of(objects, trailer)


def stream(data: bytes, entries: str = "") -> bytes:
    """A stream object."""
    return f"<< /Length {len(data)} {entries} >>\nstream\n".encode() + data + b"\nendstream"


def file_of(objects: Mapping[int, bytes], trailer: str = "") -> bytes:
    """Objects with a table of their places."""
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {}
    for number in sorted(objects):
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + objects[number] + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in sorted(places.items()):
        out += f"{number} 1\n{place:010d} 00000 n \n".encode()
    out += f"trailer\n<< /Size {max(objects) + 1} /Root 1 0 R {trailer} >>\n".encode()
    return bytes(out) + f"startxref\n{start}\n%%EOF\n".encode()


IMAGE = stream(
    bytes(64), "/Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8 /ColorSpace /DeviceGray"
)
PICTURE = f"q {WIDTH} 0 0 {HEIGHT} 0 0 cm /Im1 Do Q\n"


def picture_pages(pages: Sequence[str]) -> bytes:
    """Pages whose content may draw a picture of the whole page (`PICTURE`)."""
    return pdf(pages, extra={1000: IMAGE}, resources="/XObject << /Im1 1000 0 R >>")


def report(
    title: str = "Snail syrup for cough: a trial", doi: str = "10.5555/snail.1", pages: int = 4
) -> bytes:
    """A small report with title, sections, running heads and page numbers."""
    contents = []
    for n in range(1, pages + 1):
        body = line("Journal of Invented Trials", 72, 800, 8) + line(f"Page {n} of {pages}", 280, 40, 8)
        y = 700.0
        if n == 1:
            body += line(title, 72, 740, 18) + line(f"https://doi.org/{doi}", 72, 60, 8)
            body += line("Abstract", 72, 720, 12)
        if n == 2:
            body += line("Methods", 72, 720, 12)
        if n == 3:
            body += line("Results", 72, 720, 12)
        contents.append(body + lines(PARAGRAPH, 72, y) + lines(PARAGRAPH, 72, y - 60))
    return pdf(contents)


def encrypted(password: str) -> bytes:
    """With a password for opening (RC4, which needs no further package)."""
    import io

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(PdfReader(io.BytesIO(report())))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def bomb(megabytes: int) -> bytes:
    """A page whose content unpacks to very much."""
    packer = zlib.compressobj(9)
    packed = packer.compress(b"(a) Tj ") + b"".join(packer.compress(b" " * 2**20) for _ in range(megabytes))
    return pdf([(packed + packer.flush()).decode("latin-1")], filters="/Filter /FlateDecode")
