"""The posting function of Postgres: everything `ledger.post` does between its locks, in one round trip.

It exists because it pays (`bench.ledger`, docs/performance.md): through SQLAlchemy six statements cost
several times what one call does. SQLite, where a statement is a function call already, keeps the
statements in `ledger.py`; the same tests hold both to the same books.

The text stands here so that the migration and the tests run the same function. Inside, balances and
versions live in arrays beside `names`, so that a posting costs five statements however often its legs
pass through an account, and a batch updates each account once.
"""

from __future__ import annotations

CALL = """\
SELECT outcome, found_hash, found_at, account, off_by FROM spotcheck_post(
    CAST(:at AS timestamptz), CAST(:keys AS text[]), CAST(:hashes AS text[]), CAST(:counts AS int[]),
    CAST(:sources AS int[]), CAST(:targets AS int[]), CAST(:amounts AS bigint[]),
    CAST(:names AS text[]), CAST(:kinds AS text[]), CAST(:floors AS bigint[]), CAST(:ceilings AS bigint[]))
"""

CREATE = """\
CREATE OR REPLACE FUNCTION spotcheck_post(
    at timestamptz,
    -- The postings, in order: key, request hash, how many legs.
    keys text[], hashes text[], counts int[],
    -- All their legs, in order; source and target are places in `names`, from 1.
    sources int[], targets int[], amounts bigint[],
    -- Every account they touch, sorted by code point, with what the chart says of it.
    names text[], kinds text[], floors bigint[], ceilings bigint[]
)
-- One row a posting. `outcome`: 'posted'; 'found' (the key is in the books: compare the hash);
-- 'bound' (an account would end outside its bounds: nothing of this posting was written).
RETURNS TABLE (outcome text, found_hash text, found_at timestamptz, account text, off_by numeric)
LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    balances bigint[];
    versions bigint[];
    moved bigint[];
    was bigint[];
    held bigint;
    counted bigint;
    first int := 1;
    s int;
    t int;
BEGIN
    -- Opened before anything is locked: a lock held while waiting for somebody else's new account could
    -- close a circle.
    IF (SELECT count(*) FROM ledger_accounts WHERE id = ANY (names)) < cardinality(names) THEN
        INSERT INTO ledger_accounts (id, kind, floor, ceiling, balance, version, opened_at)
        SELECT n, k, f, c, 0, 0, at FROM unnest(names, kinds, floors, ceilings) AS chart (n, k, f, c)
        ORDER BY n COLLATE "C"
        ON CONFLICT (id) DO NOTHING;
    END IF;
    -- In the order of their ids: two postings never wait for each other in a circle. One by one, because
    -- for a list the planner may choose to read the whole table.
    FOR place IN 1 .. cardinality(names) LOOP
        SELECT balance, version INTO STRICT held, counted
        FROM ledger_accounts WHERE id = names[place] FOR UPDATE;
        balances[place] := held; versions[place] := counted;
    END LOOP;
    was := versions;

    FOR number IN 1 .. cardinality(keys) LOOP
        outcome := 'posted';
        moved := balances;
        FOR leg IN first .. first + counts[number] - 1 LOOP
            moved[sources[leg]] := moved[sources[leg]] - amounts[leg];
            moved[targets[leg]] := moved[targets[leg]] + amounts[leg];
        END LOOP;
        FOR place IN 1 .. cardinality(names) LOOP
            IF moved[place] < floors[place] THEN
                outcome := 'bound'; account := names[place]; off_by := moved[place] - floors[place];
                EXIT;
            ELSIF moved[place] > ceilings[place] THEN
                outcome := 'bound'; account := names[place]; off_by := moved[place] - ceilings[place];
                EXIT;
            END IF;
        END LOOP;
        IF outcome = 'posted' THEN
            INSERT INTO ledger_postings (key, request_hash, legs, posted_at)
            VALUES (keys[number], hashes[number], counts[number], at) ON CONFLICT (key) DO NOTHING;
            IF NOT FOUND THEN
                outcome := 'found';
            END IF;
        END IF;
        IF outcome = 'posted' THEN
            FOR leg IN first .. first + counts[number] - 1 LOOP
                s := sources[leg]; t := targets[leg];
                versions[s] := versions[s] + 1; versions[t] := versions[t] + 1;
                balances[s] := balances[s] - amounts[leg]; balances[t] := balances[t] + amounts[leg];
                INSERT INTO ledger_transfers (posting, leg, source, target, amount)
                VALUES (keys[number], leg - first, names[s], names[t], amounts[leg]);
                INSERT INTO ledger_entries
                    (account, version, posting, leg, amount, balance_before, balance_after)
                VALUES (names[s], versions[s], keys[number], leg - first, -amounts[leg],
                        balances[s] + amounts[leg], balances[s]),
                       (names[t], versions[t], keys[number], leg - first, amounts[leg],
                        balances[t] - amounts[leg], balances[t]);
            END LOOP;
        ELSE
            -- The first posting under this key may be what emptied the account while we waited for it.
            SELECT 'found', p.request_hash, p.posted_at INTO outcome, found_hash, found_at
            FROM ledger_postings p WHERE p.key = keys[number];
            outcome := coalesce(outcome, 'bound');
        END IF;
        first := first + counts[number];
        RETURN NEXT;
    END LOOP;

    FOR place IN 1 .. cardinality(names) LOOP
        IF versions[place] > was[place] THEN
            UPDATE ledger_accounts SET balance = balances[place], version = versions[place]
            WHERE id = names[place];
        END IF;
    END LOOP;
END
$body$"""

DROP = """\
DROP FUNCTION IF EXISTS spotcheck_post(
    timestamptz, text[], text[], int[], int[], int[], bigint[], text[], text[], bigint[], bigint[])
"""
