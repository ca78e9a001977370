"""What always holds, as queries: a name, what it says, and a query that counts what is wrong (0 = holds).

They read only tables and share no code with the writers they judge. `docs/money.md` explains them.
"""

from __future__ import annotations

BY_QUERY: tuple[tuple[str, str, str], ...] = (
    (
        "I1 zero-sum",
        "all balances together are 0 (micros off)",
        "SELECT abs(coalesce(sum(balance), 0)) FROM ledger_accounts",
    ),
    (
        "I2 transfers",
        "each transfer has two entries that mirror it, each posting all its legs",
        """
        SELECT (SELECT count(*) FROM ledger_transfers t WHERE 2 <> (
                    SELECT count(*) FROM ledger_entries e WHERE e.posting = t.posting AND e.leg = t.leg
                    AND ((e.account = t.source AND e.amount = -t.amount)
                      OR (e.account = t.target AND e.amount = t.amount))))
             + (SELECT count(*) FROM ledger_postings p WHERE p.legs <> (
                    SELECT count(*) FROM ledger_transfers t WHERE t.posting = p.key))
             + (SELECT count(*) FROM ledger_entries e WHERE NOT EXISTS (
                    SELECT 1 FROM ledger_transfers t WHERE t.posting = e.posting AND t.leg = e.leg))
             + (SELECT count(*) FROM ledger_transfers t WHERE NOT EXISTS (
                    SELECT 1 FROM ledger_postings p WHERE p.key = t.posting))
        """,
    ),
    (
        "I3 balances",
        "each balance is the sum of its entries",
        """
        SELECT (SELECT count(*) FROM ledger_accounts a WHERE a.balance <> (
                    SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e WHERE e.account = a.id))
             + (SELECT count(*) FROM ledger_entries e WHERE NOT EXISTS (
                    SELECT 1 FROM ledger_accounts a WHERE a.id = e.account))
        """,
    ),
    (
        "I4 chains",
        "versions have no gap, and each entry starts where the one before ended",
        """
        SELECT (SELECT count(*) FROM ledger_accounts a WHERE a.version <> (
                    SELECT count(*) FROM ledger_entries e WHERE e.account = a.id))
             + (SELECT count(*) FROM (
                    SELECT version, balance_before,
                           row_number() OVER chain AS expected,
                           lag(balance_after, 1, 0) OVER chain AS ended
                    FROM ledger_entries WINDOW chain AS (PARTITION BY account ORDER BY version)) c
                WHERE c.version <> c.expected OR c.balance_before <> c.ended)
             + (SELECT count(*) FROM ledger_entries WHERE balance_after <> balance_before + amount)
        """,
    ),
    (
        "I5 bounds",
        "no account is outside its bounds",
        "SELECT count(*) FROM ledger_accounts WHERE balance < floor OR balance > ceiling",
    ),
    (
        "I6 escrow",
        "each escrow account holds exactly its held slots * (price + fee)",
        """
        SELECT count(*) FROM escrows s
        LEFT JOIN ledger_accounts a ON a.id = 'escrow:' || s.id
        WHERE coalesce(a.balance, -1) <> (s.price + s.fee) * (
            SELECT count(*) FROM escrow_slots k WHERE k.escrow = s.id AND k.state = 'held')
        """,
    ),
    (
        "I7 in = out",
        "what payers put in is what the slots cost; what they got back is what was refunded or clawed back",
        """
        SELECT count(*) FROM escrows s
        WHERE s.slots <> (SELECT count(*) FROM escrow_slots k WHERE k.escrow = s.id)
           OR (SELECT sum(p.amount) FROM escrow_payers p WHERE p.escrow = s.id) IS NULL
           OR (SELECT sum(p.amount) FROM escrow_payers p WHERE p.escrow = s.id) <> (s.price + s.fee) * s.slots
           OR (SELECT sum(p.refunded) FROM escrow_payers p WHERE p.escrow = s.id) <> (s.price + s.fee) * (
                SELECT count(*) FROM escrow_slots k
                WHERE k.escrow = s.id AND k.state IN ('refunded', 'clawed_back'))
        """,
    ),
    (
        "I7b payers",
        "each payer put in what its hold took from it, and got back what its escrow gave it",
        """
        WITH moved AS (
            SELECT source, target, sum(amount) AS amount FROM ledger_transfers
            WHERE (source LIKE 'agent:%' AND target LIKE 'escrow:%')
               OR (source LIKE 'escrow:%' AND target LIKE 'agent:%')
            GROUP BY source, target)
        SELECT (SELECT count(*) FROM escrow_payers p
                LEFT JOIN moved i ON i.source = 'agent:' || p.account || ':available'
                                 AND i.target = 'escrow:' || p.escrow
                LEFT JOIN moved o ON o.target = 'agent:' || p.account || ':available'
                                 AND o.source = 'escrow:' || p.escrow
                WHERE p.amount <> coalesce(i.amount, 0) OR p.refunded <> coalesce(o.amount, 0))
             + abs((SELECT count(*) FROM moved WHERE target LIKE 'escrow:%')
                 - (SELECT count(*) FROM escrow_payers))
             + abs((SELECT count(*) FROM ledger_postings WHERE key LIKE 'hold:%')
                 - (SELECT count(*) FROM escrows))
        """,
    ),
    (
        "I8 one release",
        "each slot that paid has one posting that paid its price to its contributor, each that was clawed "
        "back one that took it back, and no other slot has either",
        """
        SELECT (SELECT count(*) FROM escrow_slots k JOIN escrows s ON s.id = k.escrow
                WHERE k.state IN ('released', 'clawed_back') AND 1 <> (
                    SELECT count(*) FROM ledger_transfers t
                    WHERE t.posting = 'release:' || k.escrow || ':' || k.slot
                      AND t.source = 'escrow:' || k.escrow AND t.amount = s.price
                      AND t.target IN ('contrib:' || k.contributor || ':pending',
                                       'contrib:' || k.contributor || ':payable')))
             + (SELECT count(*) FROM escrow_slots k JOIN escrows s ON s.id = k.escrow
                WHERE k.state = 'clawed_back' AND 1 <> (
                    SELECT count(*) FROM ledger_transfers t
                    WHERE t.posting = 'clawback:' || k.escrow || ':' || k.slot AND t.amount = s.price
                      AND t.source = 'contrib:' || k.contributor || ':pending'
                      AND t.target = 'escrow:' || k.escrow))
             + abs((SELECT count(*) FROM ledger_postings WHERE key LIKE 'release:%')
                 - (SELECT count(*) FROM escrow_slots WHERE state IN ('released', 'clawed_back')))
             + abs((SELECT count(*) FROM ledger_postings WHERE key LIKE 'clawback:esc%')
                 - (SELECT count(*) FROM escrow_slots WHERE state = 'clawed_back'))
        """,
    ),
    (
        "I8b hold-backs",
        "what is pending of each contributor is what has neither matured nor been revoked (micros off)",
        """
        SELECT coalesce(sum(abs(off)), 0) FROM (
            SELECT name, sum(amount) AS off FROM (
                SELECT id AS name, balance AS amount FROM ledger_accounts WHERE id LIKE 'contrib:%:pending'
                UNION ALL
                SELECT 'contrib:' || contributor || ':pending', -amount FROM maturities
                WHERE matured_at IS NULL AND revoked_at IS NULL) part
            GROUP BY name) whole
        """,
    ),
    (
        "I8d earnings",
        "each earning is what its posting paid its contributor, and has matured where the books say so",
        """
        SELECT (SELECT count(*) FROM maturities m
                WHERE 1 <> (SELECT count(*) FROM ledger_transfers t WHERE t.posting = m.posting
                            AND t.target = 'contrib:' || m.contributor || ':pending' AND t.amount = m.amount)
                   OR (m.matured_at IS NULL) = EXISTS (
                        SELECT 1 FROM ledger_postings p WHERE p.key = 'mature:' || m.posting))
             + abs((SELECT count(*) FROM ledger_postings WHERE key LIKE 'mature:%')
                 - (SELECT count(*) FROM maturities WHERE matured_at IS NOT NULL))
        """,
    ),
    (
        "I8c fee parts",
        "each release gave the market its fee less the premium and the reserve the premium, each clawback "
        "took just that back",
        """
        SELECT count(*) FROM (
            SELECT s.fee, s.premium, 'release:' || k.escrow || ':' || k.slot AS posting
            FROM escrow_slots k JOIN escrows s ON s.id = k.escrow WHERE k.state IN ('released', 'clawed_back')
            UNION ALL
            SELECT s.fee, s.premium, 'clawback:' || k.escrow || ':' || k.slot
            FROM escrow_slots k JOIN escrows s ON s.id = k.escrow WHERE k.state = 'clawed_back') paid
        WHERE fee - premium <> (SELECT coalesce(sum(t.amount), 0) FROM ledger_transfers t
                WHERE t.posting = paid.posting AND (t.source LIKE 'rev:fee:%' OR t.target LIKE 'rev:fee:%'))
           OR premium <> (SELECT coalesce(sum(t.amount), 0) FROM ledger_transfers t
                WHERE t.posting = paid.posting AND (t.source LIKE 'reserve:%' OR t.target LIKE 'reserve:%'))
        """,
    ),
    (
        "I9 payouts",
        "what is in payout is what open payouts order (micros off)",
        """
        SELECT abs((SELECT coalesce(sum(balance), 0) FROM ledger_accounts WHERE id LIKE 'contrib:%:in_payout')
                 - (SELECT coalesce(sum(amount), 0) FROM provider_operations
                    WHERE kind = 'payout' AND status IN ('new', 'sent', 'waiting', 'unknown')))
        """,
    ),
    (
        "I9b refunds",
        "what is on its way back is what open refunds order, and each deposit counts what went back of it",
        """
        SELECT abs(coalesce((SELECT balance FROM ledger_accounts WHERE id = 'clearing:refund'), 0)
                 - (SELECT coalesce(sum(amount), 0) FROM provider_operations
                    WHERE kind = 'refund' AND status IN ('new', 'sent', 'waiting', 'unknown')))
             + (SELECT count(*) FROM provider_operations d WHERE d.undone <> (
                    SELECT coalesce(sum(r.amount), 0) FROM provider_operations r
                    WHERE r.parent = d.id AND r.kind = 'refund' AND r.status NOT IN ('failed', 'returned')))
        """,
    ),
    (
        "I9c operations",
        "each operation moved its amount of its account's money where its state says so, and no other did",
        """
        WITH told AS (
            SELECT 'deposit:' || id || ':done' AS posting, amount,
                   'agent:' || account || ':available' AS side, status = 'done' AS posted
            FROM provider_operations WHERE kind = 'deposit'
            UNION ALL
            SELECT 'payout:' || id || ':reserve', amount, 'contrib:' || account || ':payable', id = id
            FROM provider_operations WHERE kind = 'payout'
            UNION ALL
            SELECT 'payout:' || id || ':done', amount, 'contrib:' || account || ':in_payout', status = 'done'
            FROM provider_operations WHERE kind = 'payout'
            UNION ALL
            SELECT 'payout:' || id || ':failed', amount, 'contrib:' || account || ':payable',
                   status = 'failed'
            FROM provider_operations WHERE kind = 'payout'
            UNION ALL
            SELECT 'reversal:' || id || ':done', amount, 'contrib:' || account || ':payable', status = 'done'
            FROM provider_operations WHERE kind = 'reversal'
            UNION ALL
            SELECT 'refund:' || id || ':reserve', amount, 'agent:' || account || ':available', id = id
            FROM provider_operations WHERE kind = 'refund'
            UNION ALL
            SELECT 'refund:' || id || ':done', amount, 'clearing:refund', status IN ('done', 'returned')
            FROM provider_operations WHERE kind = 'refund'
            UNION ALL
            SELECT 'refund:' || id || ':' || r.end_, amount, 'agent:' || account || ':available',
                   status = r.end_
            FROM provider_operations, (SELECT 'failed' AS end_ UNION ALL SELECT 'returned') r
            WHERE kind = 'refund')
        SELECT (SELECT count(*) FROM told o
                WHERE o.posted <> EXISTS (SELECT 1 FROM ledger_postings p WHERE p.key = o.posting)
                   OR o.posted <> EXISTS (SELECT 1 FROM ledger_transfers t
                        WHERE t.posting = o.posting AND t.amount = o.amount
                          AND (t.source = o.side OR t.target = o.side)))
             + (SELECT count(*) FROM ledger_postings p LEFT JOIN told o ON o.posting = p.key
                WHERE (p.key LIKE 'deposit:ops%' OR p.key LIKE 'payout:ops%' OR p.key LIKE 'refund:ops%'
                    OR p.key LIKE 'reversal:ops%') AND o.posting IS NULL)
        """,
    ),
    (
        "I9d disputes",
        "each dispute took, gave back and cost what its row says",
        """
        WITH moved AS (SELECT * FROM ledger_transfers WHERE posting LIKE 'dispute:%'),
        told AS (
            SELECT d.*,
                (SELECT coalesce(sum(m.amount), 0) FROM moved m WHERE m.source <> 'exp:chargeback'
                    AND m.posting = 'dispute:' || d.id || ':open') AS withdrawn,
                (SELECT coalesce(sum(m.amount), 0) FROM moved m
                    WHERE m.posting LIKE 'dispute:' || d.id || ':%'
                    AND m.source = 'agent:' || d.account || ':available') AS took,
                (SELECT coalesce(sum(m.amount), 0) FROM moved m
                    WHERE m.posting LIKE 'dispute:' || d.id || ':%'
                    AND m.target = 'agent:' || d.account || ':available') AS gave,
                (SELECT coalesce(sum(CASE WHEN m.source LIKE 'recv:%' THEN m.amount ELSE -m.amount END), 0)
                    FROM moved m WHERE m.posting LIKE 'dispute:' || d.id || ':%'
                    AND 'recv:agent:' || d.account IN (m.source, m.target)) AS owes,
                (SELECT coalesce(sum(CASE WHEN m.target LIKE 'asset:%' THEN m.amount ELSE -m.amount END), 0)
                    FROM moved m WHERE m.posting LIKE 'dispute:' || d.id || ':%'
                    AND ((m.source = 'exp:chargeback' AND m.target LIKE 'asset:%')
                      OR (m.target = 'exp:chargeback' AND m.source LIKE 'asset:%'))) AS charged
            FROM disputes d)
        SELECT (SELECT count(*) FROM told
                WHERE withdrawn <> amount OR took <> taken OR charged <> fee
                   OR gave <> CASE WHEN status = 'won' THEN taken ELSE 0 END
                   OR owes <> CASE WHEN status = 'open' THEN amount - taken ELSE 0 END)
             + abs((SELECT count(*) FROM ledger_postings WHERE key LIKE 'dispute:%:open')
                 - (SELECT count(*) FROM disputes))
        """,
    ),
    (
        "I10 sandbox bank",
        "ended operations and the bank's book agree, and our cash is what they moved (micros off)",
        """
        SELECT (SELECT count(*) FROM provider_operations o LEFT JOIN sandbox_book b ON b.operation = o.id
                WHERE o.rail = 'sandbox' AND o.status IN ('done', 'failed') AND (b.outcome IS NULL
                   OR b.outcome <> o.status OR b.amount <> o.amount OR b.kind <> o.kind))
             + (SELECT count(*) FROM sandbox_book b LEFT JOIN provider_operations o ON o.id = b.operation
                WHERE o.id IS NULL)
             + abs(coalesce((SELECT balance FROM ledger_accounts WHERE id = 'asset:sandbox'), 0)
                 + coalesce((SELECT sum(CASE kind WHEN 'deposit' THEN amount ELSE -amount END)
                             FROM provider_operations WHERE rail = 'sandbox' AND status = 'done'), 0))
        """,
    ),
    (
        "I12 stuck",
        "no operation has been sent or unknown for over an hour",
        """
        SELECT count(*) FROM provider_operations
        WHERE status IN ('sent', 'unknown') AND sent_at < :stuck
        """,
    ),
    (
        "I10b providers",
        "our cash at a provider is what it says, at one of its last two reconciliations (micros off)",
        """
        SELECT coalesce(sum(micros), 0) FROM (
            SELECT rail, min(abs(difference)) AS micros FROM (
                SELECT rail, difference,
                       row_number() OVER (PARTITION BY rail ORDER BY at DESC, id DESC) AS nth
                FROM reconciliations) r
            WHERE nth <= 2 GROUP BY rail) d
        """,
    ),
    (
        "I11 suspense",
        "no money at a provider waits to be explained (micros)",
        "SELECT coalesce((SELECT abs(balance) FROM ledger_accounts WHERE id = 'suspense'), 0)",
    ),
    (
        "I14 stranded",
        "no payout that its bank refused waits at the provider to be taken back (micros)",
        """
        SELECT coalesce(sum(p.amount), 0) FROM provider_operations p WHERE p.kind = 'payout'
           AND EXISTS (SELECT 1 FROM provider_operations r WHERE r.parent = p.id
                       AND r.kind = 'reversal' AND r.status = 'failed')
           AND NOT EXISTS (SELECT 1 FROM provider_operations r WHERE r.parent = p.id
                           AND r.kind = 'reversal' AND r.status = 'done')
        """,
    ),
    (
        "I13 covered",
        "what is owed to others is not more than our cash and what is owed to us (micros short)",
        """
        SELECT CASE WHEN sum(balance) > 0 THEN sum(balance) ELSE 0 END
        FROM ledger_accounts WHERE kind IN ('liability', 'asset')
        """,
    ),
)
ALARMS = frozenset({"I11 suspense", "I12 stuck", "I13 covered", "I14 stranded"})
"""Those that the world can break without any fault of the books."""
