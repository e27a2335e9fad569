"""Who alters acceptance files in tests: what there is to alter, and the keys to sign it anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.acceptance import container, manifest, signing
from tests.acceptance.authorities import NOW, Holder

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SIGNED = (manifest.NAME, manifest.SIGNATURE)
Members = Mapping[str, bytes]
Named = Iterator[tuple[str, bytes]]


@dataclass(frozen=True)
class Forger:
    """What there is to alter: a file, another run's, the signer and the signer's authority."""

    members: Members
    other: Members
    """Another run, signed by the same signer."""
    root: Holder
    signer: Holder

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return container.pack(self.members)

    def resigned(self, content: Members, listing: bytes | None = None, signer: Holder | None = None) -> bytes:
        """``content`` with a manifest and signature made anew."""
        content = {name: data for name, data in content.items() if name not in SIGNED}
        listing = manifest.make(content) if listing is None else listing
        holder = signer or self.signer
        signature = signing.sign_payload(listing, holder.key, [holder.certificate], NOW)
        return container.pack({**content, manifest.NAME: listing, manifest.SIGNATURE: signature})
