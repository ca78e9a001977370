"""The one frozen Settings, from SPOTCHECK_* variables. Read only by the roots and `__main__`s."""

from __future__ import annotations

import ipaddress
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import Unavailable
from core.money import Money

Package = Literal["bounties", "payments", "core"]
QUEUES: tuple[Package, ...] = ("bounties", "payments", "core")


def _listed(value: object) -> object:
    """Words by commas, one by one; all queues where there is none."""
    if not isinstance(value, str):
        return value
    return tuple(each for each in map(str.strip, value.split(",")) if each) or QUEUES


def _dollars(value: object) -> object:
    """At least a cent, in decimal dollars: no rail moves less."""
    amount = Money.parse(value) if isinstance(value, str) else value
    if isinstance(amount, Money) and amount < Money(10_000):
        raise ValueError("at least 0.01")
    return amount


class Settings(BaseSettings):
    """All that can be configured. Without any variable the house runs on one machine, in `home`.

    Attributes:
        home: folder of everything that must survive: database, blobs, keys, broker files.
        database_url / broker_url / storage_url: empty means SQLite / files / a folder under `home`.
        fee_bps: the platform's fee on a reward, in basis points.
        warranty_bps: the part of a reward set aside for warranties, in basis points, out of the fee.
        log_origin: the transparency log's name, part of every checkpoint.
        trust_folder: whose signatures count (`verification.trust`): roots and revocations.
        trusted_proxies: addresses or networks, by commas, of the proxies in front of the server. Only what
            they say in X-Forwarded-For is believed to be a caller's address (rate limits go by it).
        rate_limit: requests a minute for one key or, without a key, one address.
        claim_minutes: how long a claim holds a slot.
        max_freshness_s: longest allowed time from challenge to commitment.
        lease_s: how long a worker may hold a capture before the sweeper gives it to another.
        payout_minimum: dollars a contributor must have payable to be paid out by the house, weekly.
        audit_every_s: how often the books are audited by the schedule.
        threads: torch threads of one worker process; more workers beat more threads on a small machine.
        queues: which queues a worker takes from, by commas: one a package. With "bounties" alone a machine
            that has a GPU takes captures and nothing else.
        at_once: tasks that one worker process takes at a time, each in a thread of its own with a decoder and
            a reader of its own. More than one pays where they share a GPU: the nets answer them together.
        rail: where deposits and payouts go: the sandbox, or Stripe, which needs `stripe_secret_key`.
        stripe_webhook_secret: of the endpoint /v1/webhooks/stripe; without it there is no such endpoint.
        stripe_api_base: another address for Stripe's API; for tests.
        return_url: where a provider's pages send people back to.
    """

    model_config = SettingsConfigDict(env_prefix="SPOTCHECK_", frozen=True, extra="ignore")

    home: Path = Path(".spotcheck")
    database_url: str = ""
    broker_url: str = ""
    storage_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    fee_bps: int = Field(default=1000, ge=0, le=5000)
    warranty_bps: int = Field(default=200, ge=0, le=5000)
    log_origin: str = "spotcheck.local/log"
    trust_folder: Path | None = None
    trusted_proxies: str = ""
    rate_limit: int = Field(default=600, ge=1)
    claim_minutes: float = Field(default=30, gt=0, le=24 * 60)
    max_freshness_s: float = Field(default=600, gt=0)
    lease_s: float = Field(default=60, gt=0)
    payout_minimum: Annotated[Money, NoDecode, BeforeValidator(_dollars)] = Money(25_000_000)
    audit_every_s: float = Field(default=900, gt=0)
    threads: int = Field(default=1, ge=1)
    queues: Annotated[tuple[Package, ...], NoDecode, BeforeValidator(_listed)] = QUEUES
    at_once: int = Field(default=1, ge=1, le=64)
    rail: Literal["sandbox", "stripe"] = "sandbox"
    stripe_secret_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_base: str = ""
    return_url: str = "http://localhost:8000/#/earnings"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'spotcheck.db'}"

    @property
    def broker(self) -> str:
        """The broker URL in force."""
        return self.broker_url or f"filesystem://{self.home.resolve() / 'broker'}"

    @property
    def storage(self) -> str:
        """The storage URL in force."""
        return self.storage_url or f"file://{self.home.resolve() / 'storage'}"

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            ipaddress.ip_network(each)  # "*", a name or a typing error would be believed in silence
        return value

    @property
    def proxies(self) -> list[str]:
        """The proxies in force, one by one."""
        return [each for each in map(str.strip, self.trusted_proxies.split(",")) if each]

    @property
    def trust(self) -> Path:
        """The folder of trusted C2PA roots in force."""
        return self.trust_folder or self.home / "trust"

    def seal_key(self) -> bytes:
        """The 32-byte key originals are sealed under, made on first use, readable by the owner only.

        Raises:
            Unavailable: the key file is there but is not 32 bytes.
        """
        path = self.home / "seal.key"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            _make_once(path, secrets.token_bytes(32))
        key = path.read_bytes()
        if len(key) != 32:
            raise Unavailable(f"{path} is not a 32-byte key")
        return key


def _make_once(path: Path, data: bytes) -> None:
    """Writes a file whole and durably, unless another process was first: nobody ever reads half of it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
