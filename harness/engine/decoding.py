"""The body of an answer without its content encoding, piece by piece, never more of it than may be."""

import zlib
from collections.abc import Iterator

from harness.errors import CandidateError


class UnreadEncoding(CandidateError):
    """The answer is encoded in a way that is not read here, or is broken."""


class TooLarge(CandidateError):
    """The answer is longer than the limit."""


class Decoder:
    """Undoes the content encoding piece by piece, and stops where the decoded body passes the limit (bytes)."""

    def __init__(self, encoding: str, limit: int, name: str) -> None:
        self._encoding = encoding.strip().lower()
        self._left = limit
        self._told = (
            f"the answer's body is longer than {limit} bytes ({name})",
            f"le corps de la réponse dépasse {limit} octets ({name})",
        )
        self._begun = False
        match self._encoding:
            case "" | "identity":
                self._inflate = None
            case "gzip" | "x-gzip" | "deflate":
                self._inflate = zlib.decompressobj(wbits=47 if "gzip" in self._encoding else 15)
            case _:
                named = self._encoding[:40]
                raise UnreadEncoding(
                    f'the answer has the content encoding "{named}": only gzip and deflate are read here',
                    f"la réponse a l'encodage de contenu « {named} » : seuls gzip et deflate sont lus ici",
                )

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what ``chunk`` decodes to. Raises TooLarge, UnreadEncoding."""
        if self._inflate is None:
            yield self._counted(chunk)
            return
        self._begun = self._begun or bool(chunk)
        while chunk:
            try:
                piece = self._inflate.decompress(chunk, self._left + 1)
            except zlib.error as problem:
                named = self._encoding
                raise UnreadEncoding(
                    f"the answer is not the {named} that it says: {problem}",
                    f"la réponse n'est pas le {named} qu'elle annonce : {problem}",
                ) from problem
            yield self._counted(piece)
            chunk = self._inflate.unconsumed_tail
            if self._inflate.unused_data:
                chunk = self._next_member(self._inflate.unused_data)

    def _next_member(self, rest: bytes) -> bytes:
        """Get ready for ``rest``, what follows the end: gzip is a series of members (RFC 1952, section 2.2)."""
        if "gzip" not in self._encoding:
            named = self._encoding
            raise UnreadEncoding(
                f"the answer's {named} body goes on after its end",
                f"le corps {named} de la réponse continue après sa fin",
            )
        self._inflate = zlib.decompressobj(wbits=31)
        return rest

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge(*self._told)
        return piece

    def finish(self, method: str) -> None:
        """Raise UnreadEncoding when the compressed body was cut off."""
        if self._inflate is not None and self._begun and not self._inflate.eof and method != "HEAD":
            named = self._encoding
            raise UnreadEncoding(f"the answer's {named} body is cut off", f"le corps {named} de la réponse est tronqué")
