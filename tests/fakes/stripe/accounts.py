"""Connected accounts: opened by the platform, filled in by their owner, stopped by Stripe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.stripe.errors import Misuse, Refused, Wire, invalid
from tests.fakes.stripe.routes import Call, route

if TYPE_CHECKING:
    from tests.fakes.stripe.world import World

LINK_LIVES_S = 300
CURRENCIES = {"US": "usd", "GB": "gbp", "CA": "cad", "AU": "aud", "CH": "chf", "JP": "jpy", "HU": "huf"}
EURO_COUNTRIES = frozenset({"AT", "BE", "DE", "ES", "FI", "FR", "GR", "IE", "IT", "NL", "PT"})
_PREFIX = "statement_descriptor_prefix"
AT_FIRST = ["business_profile.url", "external_account", "individual.dob.day", "tos_acceptance.date"]


@dataclass(slots=True)
class Account:
    """Somebody the platform sends money to."""

    id: str
    created: int
    type: str
    country: str
    currency: str
    email: str | None = None
    business_type: str | None = None
    business_profile: Wire = field(default_factory=dict)
    capabilities: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    payout_interval: str = "daily"
    details_submitted: bool = False
    payouts_enabled: bool = False
    currently_due: list[str] = field(default_factory=lambda: list(AT_FIRST))
    disabled_reason: str | None = "requirements.past_due"
    bank: str | None = None

    @property
    def charges_enabled(self) -> bool:
        return self.capabilities.get("card_payments") == "active"

    def wire(self) -> Wire:
        return {
            "id": self.id,
            "object": "account",
            "business_profile": {"mcc": None, "name": None, "url": None} | self.business_profile,
            "business_type": self.business_type,
            "capabilities": dict(self.capabilities),
            "charges_enabled": self.charges_enabled,
            "country": self.country,
            "created": self.created,
            "default_currency": self.currency,
            "details_submitted": self.details_submitted,
            "email": self.email,
            "external_accounts": self._banks(),
            "future_requirements": self._requirements([], None),
            "metadata": dict(self.metadata),
            "payouts_enabled": self.payouts_enabled,
            "requirements": self._requirements(self.currently_due, self.disabled_reason),
            "settings": self._settings(),
            "tos_acceptance": {"date": self.created if self.details_submitted else None},
            "type": self.type,
        }

    def _settings(self) -> Wire:
        return {
            "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
            "card_payments": dict.fromkeys(("decline_on", _PREFIX, f"{_PREFIX}_kana", f"{_PREFIX}_kanji")),
            "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
            "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
            "payments": dict.fromkeys(("statement_descriptor", f"{_PREFIX}_kana", f"{_PREFIX}_kanji")),
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": self.payout_interval},
                "statement_descriptor": None,
            },
        }

    def _requirements(self, due: list[str], reason: str | None) -> Wire:
        past_due = due if reason == "requirements.past_due" else []
        return {
            "alternatives": [],
            "current_deadline": None,
            "currently_due": list(due),
            "disabled_reason": reason,
            "errors": [],
            "eventually_due": list(due),
            "past_due": list(past_due),
            "pending_verification": [],
        }

    def _banks(self) -> Wire:
        data: list[Wire] = []
        if self.bank is not None:
            data.append(
                {"id": self.bank, "object": "bank_account", "account": self.id, "country": self.country}
                | {"currency": self.currency, "default_for_currency": True, "last4": "6789", "status": "new"}
                | {"bank_name": "STRIPE TEST BANK", "metadata": {}}
            )
        url = f"/v1/accounts/{self.id}/external_accounts"
        return {"object": "list", "data": data, "has_more": False, "url": url}


def account_of(world: World, name: str) -> Account:
    """A connected account by id.

    Raises:
        Refused: there is none; Stripe answers as if it belonged to somebody else.
    """
    found = world.platform.accounts.get(name)
    if found is None:
        message = (
            f"The provided key 'sk_test_***' does not have access to account '{name}' (or that account does "
            "not exist). Application access may have been revoked."
        )
        raise Refused(403, "invalid_request_error", message, code="account_invalid")
    return found


CREATE = (
    "type country email business_type metadata default_currency business_profile "
    "capabilities.transfers.requested capabilities.card_payments.requested settings.payouts.schedule.interval"
)


@route("POST", "/v1/accounts", "AccountCreateParams", supports=CREATE)
def create_account(call: Call) -> Wire:
    world, arguments = call.world, call.arguments
    country = arguments.text("country") or "US"
    if country not in CURRENCIES and country not in EURO_COUNTRIES:
        raise invalid(f"{country} is not currently supported by the fake Stripe.", code="country_unsupported")
    wanted = arguments.branch("capabilities")
    capabilities = {n: "inactive" for n in wanted.values if wanted.branch(n).flag("requested")}
    kind = arguments.text("type") or "standard"
    if kind == "express" and country == "US" and not capabilities:
        capabilities = {"card_payments": "inactive", "transfers": "inactive"}
    schedule = arguments.branch("settings").branch("payouts").branch("schedule")
    account = Account(
        world.ids.make("acct"),
        world.now,
        kind,
        country,
        arguments.text("default_currency") or CURRENCIES.get(country, "eur"),
        email=arguments.text("email"),
        business_type=arguments.text("business_type"),
        business_profile=dict(arguments.branch("business_profile").values),
        capabilities=capabilities,
        metadata=arguments.metadata(),
        payout_interval=schedule.text("interval") or "daily",
    )
    world.connect(account)
    return account.wire()


@route("GET", "/v1/accounts/:id", "AccountRetrieveParams")
def retrieve_account(call: Call) -> Wire:
    return account_of(call.world, call.ids[0]).wire()


@route("GET", "/v1/accounts", "AccountListParams", supports="created")
def list_accounts(call: Call) -> Wire:
    return call.list(call.tenant.accounts)


LINK = "account type refresh_url return_url collection_options"


@route("POST", "/v1/account_links", "AccountLinkCreateParams", supports=LINK)
def create_link(call: Call) -> Wire:
    account = account_of(call.world, call.arguments.need_text("account"))
    for name in ("refresh_url", "return_url"):
        if name not in call.arguments:
            raise invalid(f"You must provide a {name} when creating an account link.", param=name)
    if call.arguments.text("type") == "account_update" and account.type == "express":
        raise invalid(
            "You cannot create `account_update` type Account Links for Express accounts.", param="type"
        )
    now = call.world.now
    url = f"https://connect.stripe.com/setup/e/{account.id}/{call.world.ids.make('link')}"
    return {"object": "account_link", "created": now, "expires_at": now + LINK_LIVES_S, "url": url}


def onboard(world: World, name: str) -> None:
    """The owner fills in everything: the account may be paid and paid out."""
    account = _known(world, name)
    account.details_submitted = account.payouts_enabled = True
    account.currently_due, account.disabled_reason = [], None
    account.capabilities = dict.fromkeys(account.capabilities, "active")
    account.bank = account.bank or world.ids.make("ba")
    _updated(world, account)


def disable(world: World, name: str, reason: str) -> None:
    """Stripe stops the account: it takes no transfers and makes no payouts."""
    account = _known(world, name)
    account.payouts_enabled, account.disabled_reason = False, reason
    account.capabilities = dict.fromkeys(account.capabilities, "inactive")
    _updated(world, account)


def require(world: World, name: str, fields: list[str]) -> None:
    """Stripe asks for more; the account keeps working until it is disabled."""
    account = _known(world, name)
    account.currently_due = list(fields)
    _updated(world, account)


def _known(world: World, name: str) -> Account:
    found = world.platform.accounts.get(name)
    if found is None:
        raise Misuse(f"{name} is no connected account")
    return found


def _updated(world: World, account: Account) -> None:
    world.emit(world.tenants[account.id], "account.updated", account.wire())
