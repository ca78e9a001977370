"""A ledger of pgledger's shape: the peer our posting function is measured against.

pgledger (pgr0ss/pgledger, read at 0aeade1c) is a ledger in plain SQL. Written anew here, with its steps and
its indexes: an array of requests; the distinct accounts locked one by one in the order of their ids; for each
request two updates with the bounds checked by a function, one transfer, two entries with the balance before
and after; ids of the server's `uuidv7()` behind a prefix; the transfers given back through a view. Left
out: its conversion of ids to ULIDs. Unlike ours it has no idempotency key, no request hash and no trigger.
"""

from __future__ import annotations

SCHEMA = """\
CREATE FUNCTION peer_id(prefix text) RETURNS text LANGUAGE sql VOLATILE
AS $$ SELECT prefix || '_' || uuidv7() $$;
CREATE TABLE peer_accounts (
    id text PRIMARY KEY DEFAULT peer_id('pgla'), name text NOT NULL, currency text NOT NULL,
    balance numeric NOT NULL DEFAULT 0, version bigint NOT NULL DEFAULT 0,
    allow_negative boolean NOT NULL, allow_positive boolean NOT NULL, metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE peer_transfers (
    id text PRIMARY KEY DEFAULT peer_id('pglt'), source text NOT NULL REFERENCES peer_accounts,
    target text NOT NULL REFERENCES peer_accounts, amount numeric NOT NULL,
    created_at timestamptz NOT NULL, event_at timestamptz NOT NULL, metadata jsonb,
    CHECK (amount > 0 AND source <> target));
CREATE INDEX ON peer_transfers (source);
CREATE INDEX ON peer_transfers (target);
CREATE INDEX ON peer_transfers (event_at);
CREATE TABLE peer_entries (
    id text PRIMARY KEY DEFAULT peer_id('pgle'), account text NOT NULL REFERENCES peer_accounts,
    transfer text NOT NULL REFERENCES peer_transfers, amount numeric NOT NULL,
    balance_before numeric NOT NULL, balance_after numeric NOT NULL, version bigint NOT NULL,
    created_at timestamptz NOT NULL);
CREATE INDEX ON peer_entries (account);
CREATE INDEX ON peer_entries (transfer);
CREATE VIEW peer_view AS
SELECT id, source, target, amount, created_at, event_at, metadata FROM peer_transfers;
CREATE TYPE peer_request AS (source text, target text, amount numeric);
"""

FUNCTION = """\
CREATE FUNCTION peer_check(one peer_accounts) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    IF one.balance < 0 AND NOT one.allow_negative THEN
        RAISE EXCEPTION 'account % does not allow a negative balance', one.id;
    END IF;
    IF one.balance > 0 AND NOT one.allow_positive THEN
        RAISE EXCEPTION 'account % does not allow a positive balance', one.id;
    END IF;
END
$body$;
CREATE FUNCTION peer_transfers(requests peer_request[], happened timestamptz DEFAULT NULL)
RETURNS SETOF peer_view LANGUAGE plpgsql AS $body$
DECLARE
    request peer_request; made text; all_made text[] := '{}';
    payer peer_accounts; payee peer_accounts; one text; ids text[] := '{}';
BEGIN
    FOREACH request IN ARRAY requests LOOP
        ids := array_append(array_append(ids, request.source), request.target);
    END LOOP;
    ids := ARRAY(SELECT DISTINCT i FROM unnest(ids) AS i ORDER BY i);
    FOREACH one IN ARRAY ids LOOP
        PERFORM 1 FROM peer_accounts WHERE id = one FOR UPDATE;
    END LOOP;
    FOREACH request IN ARRAY requests LOOP
        IF request.amount <= 0 OR request.source = request.target THEN
            RAISE EXCEPTION 'no transfer';
        END IF;
        UPDATE peer_accounts
        SET balance = balance - request.amount, version = version + 1, updated_at = now()
        WHERE id = request.source RETURNING * INTO payer;
        PERFORM peer_check(payer);
        UPDATE peer_accounts
        SET balance = balance + request.amount, version = version + 1, updated_at = now()
        WHERE id = request.target RETURNING * INTO payee;
        PERFORM peer_check(payee);
        IF payer.currency <> payee.currency THEN
            RAISE EXCEPTION 'two currencies';
        END IF;
        INSERT INTO peer_transfers (source, target, amount, created_at, event_at)
        VALUES (request.source, request.target, request.amount, now(), coalesce(happened, now()))
        RETURNING id INTO made;
        all_made := array_append(all_made, made);
        INSERT INTO peer_entries
            (account, transfer, amount, balance_before, balance_after, version, created_at)
        VALUES (payer.id, made, -request.amount, payer.balance + request.amount, payer.balance,
                payer.version, now());
        INSERT INTO peer_entries
            (account, transfer, amount, balance_before, balance_after, version, created_at)
        VALUES (payee.id, made, request.amount, payee.balance - request.amount, payee.balance,
                payee.version, now());
    END LOOP;
    RETURN QUERY SELECT * FROM peer_view WHERE id = ANY (all_made) ORDER BY id;
END
$body$;
CREATE FUNCTION peer_transfer(source text, target text, amount numeric)
RETURNS SETOF peer_view LANGUAGE plpgsql AS $body$
BEGIN
    RETURN QUERY SELECT * FROM peer_transfers(ARRAY[(source, target, amount)::peer_request]);
END
$body$;
"""

ACCOUNTS = """\
INSERT INTO peer_accounts (id, name, currency, allow_negative, allow_positive)
SELECT 'pgla_' || side || n, side || n, 'USD', true, true
FROM generate_series(0, 63) AS n, unnest(ARRAY['a', 'b']) AS side;
"""

TRANSFER = """\
BEGIN;
SELECT * FROM peer_transfer('pgla_a' || (:client_id)::text, 'pgla_b' || (:client_id)::text, 1);
COMMIT;
"""
