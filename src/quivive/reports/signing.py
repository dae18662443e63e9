"""The operator's signature on a report: PAdES, by a key that never leaves the keyring (pyHanko does the work).

Called by `office`. Must never sign twice what is asked once, and never claim a qualified signature: the certificate is
the operator's own, made here.
"""

import io
import os
from datetime import UTC, datetime, timedelta
from typing import Final

from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.x509 import Certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from quivive.model.clock import SECOND_US
from quivive.privacy.keyring import Keyring

KEY_FILE: Final = "report"
FIELD: Final = "Quivive"
_YEARS: Final = 10
_YEAR: Final = timedelta(days=365)


class ReportSigner:
    """The operator's signing key of reports. Build with `open`."""

    def __init__(self, secret: dict[str, bytes]) -> None:
        self._certificate = Certificate.load(secret["certificate"])
        self._signer = signers.SimpleSigner(
            signing_cert=self._certificate,
            signing_key=PrivateKeyInfo.load(secret["key"]),
            cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
        )

    @classmethod
    def open(cls, keyring: Keyring, operator: str, now: int) -> "ReportSigner":
        """Open the key, made with a certificate of the operator's own the first time.

        Raises:
            StorageError: the key cannot be read or written.
        """
        return cls(keyring.operator_secret(KEY_FILE, ("key", "certificate"), lambda: _make(operator, now)))

    @property
    def certificate(self) -> bytes:
        """The certificate (DER) against which a reader checks."""
        return bytes(self._certificate.dump())

    def sign(self, pdf: bytes, reason: str) -> bytes:
        """Sign a report, as an increment: what was compiled stays as it was below the signature."""
        out = io.BytesIO()
        signers.PdfSigner(
            signers.PdfSignatureMetadata(
                field_name=FIELD, md_algorithm="sha256", reason=reason, subfilter=SigSeedSubFilter.PADES
            ),
            signer=self._signer,
        ).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
        return out.getvalue()


def _make(operator: str, now: int) -> dict[str, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{operator[:50]} – reports")])
    begins = datetime.fromtimestamp(now // SECOND_US, tz=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(os.urandom(16)) >> 1)
        .not_valid_before(begins)
        .not_valid_after(begins + _YEARS * _YEAR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"key": private, "certificate": certificate.public_bytes(serialization.Encoding.DER)}
