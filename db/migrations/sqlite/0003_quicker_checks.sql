-- +goose Up
-- SQLite builds a table in memory, at every INSERT and UPDATE, for each list of more
-- than two values in a CHECK; comparisons joined by OR mean the same and cost nothing.
-- Half of what settling a charge cost was that. The rows stay valid as they are, so the
-- text of the checks is replaced where the schema keeps it, as SQLite's documentation
-- of ALTER TABLE allows for a changed CHECK.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''usable'', ''aside'', ''deleted'')',
    '(state = ''usable'' OR state = ''aside'' OR state = ''deleted'')') WHERE type = 'table' AND name = 'cards';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''created'', ''submitted'', ''unknown'', ''unresolved'',
        ''succeeded'', ''failed'', ''cancelled'')',
    '(state = ''created'' OR state = ''submitted'' OR state = ''unknown'' OR state = ''unresolved'' OR state = ''succeeded'' OR state = ''failed'' OR state = ''cancelled'')') WHERE type = 'table' AND name = 'charges';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''succeeded'', ''failed'', ''cancelled'')',
    '(state = ''succeeded'' OR state = ''failed'' OR state = ''cancelled'')') WHERE type = 'table' AND name = 'charges';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''submitted'', ''unknown'', ''not_attempted'', ''succeeded'', ''declined'')',
    '(state = ''submitted'' OR state = ''unknown'' OR state = ''not_attempted'' OR state = ''succeeded'' OR state = ''declined'')') WHERE type = 'table' AND name = 'attempts';
UPDATE sqlite_schema SET sql = replace(sql, 'on_failure IN (''block'', ''tariff'', ''overdraw'')',
    '(on_failure = ''block'' OR on_failure = ''tariff'' OR on_failure = ''overdraw'')') WHERE type = 'table' AND name = 'plans';
UPDATE sqlite_schema SET sql = replace(sql, 'on_failure IN (''block'', ''tariff'', ''overdraw'')',
    '(on_failure = ''block'' OR on_failure = ''tariff'' OR on_failure = ''overdraw'')') WHERE type = 'table' AND name = 'periods';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''due'', ''charging'', ''unpaid'', ''posted'', ''skipped'')',
    '(state = ''due'' OR state = ''charging'' OR state = ''unpaid'' OR state = ''posted'' OR state = ''skipped'')') WHERE type = 'table' AND name = 'periods';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''pending'', ''sent'', ''failed'', ''no_address'')',
    '(state = ''pending'' OR state = ''sent'' OR state = ''failed'' OR state = ''no_address'')') WHERE type = 'table' AND name = 'notices';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''created'', ''submitted'', ''unknown'', ''succeeded'', ''failed'')',
    '(state = ''created'' OR state = ''submitted'' OR state = ''unknown'' OR state = ''succeeded'' OR state = ''failed'')') WHERE type = 'table' AND name = 'refunds';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''open'', ''won'', ''lost'')',
    '(state = ''open'' OR state = ''won'' OR state = ''lost'')') WHERE type = 'table' AND name = 'disputes';
PRAGMA writable_schema = RESET;

-- A charge's state is not in the index of its run: it changes three times.
DROP INDEX charges_run;
CREATE INDEX charges_run ON charges (run_id) WHERE run_id IS NOT NULL;
