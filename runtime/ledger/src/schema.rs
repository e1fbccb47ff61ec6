//! The tables, in the words that SQLite and PostgreSQL share, version by version. A migration that was published is never
//! changed; a new one is added behind it.
//!
//! Entries, events, links, claims, holdings, origins, contacts and what programmes learn by are only ever added. `lot`,
//! `owed`, `member`, `level`, `counter`, `coupon` and `tally` hold sums of them for reading; the audit works them out anew.
//! Refuses to know what the rows mean.

/// Migrations in order; the version of a ledger is how many have been made.
pub const MIGRATIONS: [&str; 3] = [
    r"
CREATE TABLE account (
  name TEXT PRIMARY KEY,
  unit TEXT NOT NULL,
  decimals BIGINT NOT NULL
);
CREATE TABLE member (
  name TEXT PRIMARY KEY,
  seq BIGINT NOT NULL CHECK (seq > 0),
  head TEXT NOT NULL
);
CREATE TABLE level (
  member TEXT NOT NULL,
  tiers TEXT NOT NULL,
  level TEXT NOT NULL,
  until BIGINT,
  reviewed BIGINT NOT NULL,
  PRIMARY KEY (member, tiers)
);
CREATE TABLE event (
  number BIGINT PRIMARY KEY,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  kind TEXT NOT NULL,
  member TEXT,
  at BIGINT NOT NULL,
  date BIGINT NOT NULL,
  time BIGINT NOT NULL,
  json TEXT NOT NULL,
  decision TEXT NOT NULL,
  refused BIGINT NOT NULL,
  pack TEXT NOT NULL,
  tz TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  past TEXT,
  UNIQUE (id, source, revision)
);
CREATE INDEX event_of_member ON event (member, date);
CREATE INDEX event_of_ledger ON event (kind) WHERE substr(kind, 1, 5) = 'perq:';
CREATE TABLE link (
  member TEXT NOT NULL,
  seq BIGINT NOT NULL,
  event BIGINT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (member, seq)
);
CREATE TABLE lot (
  member TEXT NOT NULL,
  account TEXT NOT NULL,
  event BIGINT NOT NULL,
  part BIGINT NOT NULL,
  issued BIGINT NOT NULL,
  start BIGINT NOT NULL,
  until BIGINT,
  granted BIGINT NOT NULL CHECK (granted >= 0),
  spent BIGINT NOT NULL CHECK (spent >= 0),
  expired BIGINT NOT NULL CHECK (expired >= 0),
  reversed BIGINT NOT NULL CHECK (reversed >= 0),
  remaining BIGINT NOT NULL CHECK (remaining >= 0),
  by_event BIGINT NOT NULL,
  by_raised BIGINT NOT NULL,
  site BIGINT,
  spendable TEXT,
  worth BIGINT NOT NULL CHECK (worth >= 0 AND worth <= granted),
  PRIMARY KEY (member, account, event, part),
  CHECK (spent + expired + reversed + remaining = granted)
);
CREATE INDEX lot_with_condition ON lot (spendable, account) WHERE remaining > 0 AND spendable IS NOT NULL;
CREATE INDEX lot_that_ends ON lot (until) WHERE remaining > 0 AND until IS NOT NULL;
CREATE TABLE balance (
  member TEXT NOT NULL,
  account TEXT NOT NULL,
  balance BIGINT NOT NULL,
  owed BIGINT NOT NULL,
  PRIMARY KEY (member, account),
  CHECK (balance + owed >= 0)
);
CREATE TABLE entry (
  event BIGINT NOT NULL,
  part BIGINT NOT NULL,
  member TEXT NOT NULL,
  account TEXT NOT NULL,
  book TEXT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount <> 0),
  lot_event BIGINT,
  lot_part BIGINT,
  rule TEXT NOT NULL,
  PRIMARY KEY (event, part)
);
CREATE TABLE claim (
  who TEXT NOT NULL,
  counter TEXT NOT NULL,
  local BIGINT NOT NULL,
  event BIGINT NOT NULL,
  at BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (who, counter, local, event, at)
);
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  version BIGINT NOT NULL
);
CREATE TABLE counter_day (
  counter TEXT NOT NULL,
  day BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (counter, day)
);
CREATE TABLE holding (
  member TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  of_event BIGINT NOT NULL,
  of_raised BIGINT NOT NULL,
  event BIGINT NOT NULL,
  value TEXT,
  until BIGINT,
  PRIMARY KEY (member, kind, name, of_event, of_raised, event)
);
CREATE TABLE coupon (
  folded TEXT PRIMARY KEY,
  code TEXT NOT NULL,
  coupon TEXT NOT NULL,
  member TEXT,
  expires BIGINT,
  uses BIGINT NOT NULL,
  event BIGINT NOT NULL,
  withdrawn BIGINT
);
CREATE TABLE origin (
  event BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kept_by BIGINT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (event, seq)
);
CREATE INDEX origin_kept_by ON origin (kept_by);
CREATE TABLE coupon_use (
  folded TEXT NOT NULL,
  event BIGINT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (folded, event, amount)
);
CREATE TABLE contact (
  event BIGINT NOT NULL,
  part BIGINT NOT NULL,
  offer TEXT NOT NULL,
  answer TEXT NOT NULL,
  session TEXT,
  propensity BIGINT,
  learned TEXT,
  kind TEXT,
  seq BIGINT,
  PRIMARY KEY (event, part)
);
CREATE UNIQUE INDEX contact_learned ON contact (learned, seq) WHERE seq IS NOT NULL;
CREATE TABLE tally (
  offer TEXT NOT NULL,
  kind TEXT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq > 0),
  ended BIGINT NOT NULL,
  accepted BIGINT NOT NULL CHECK (accepted >= 0),
  day BIGINT NOT NULL,
  PRIMARY KEY (offer, kind),
  CHECK (accepted <= ended)
);
CREATE INDEX tally_since ON tally (offer, seq);
CREATE TABLE learning (
  pack TEXT NOT NULL,
  offer TEXT NOT NULL,
  name TEXT NOT NULL,
  terms TEXT NOT NULL,
  PRIMARY KEY (pack, offer)
);
",
    // Each event touches as few pages at random places as can be: events that no history repeats are in no index of
    // members, and what ends is in the order in which it was issued.
    r"
DROP INDEX event_of_member;
CREATE INDEX event_of_member ON event (member, date) WHERE past IS NOT NULL;
DROP INDEX lot_that_ends;
CREATE INDEX lot_that_ends ON lot (until, event, part) WHERE remaining > 0 AND until IS NOT NULL;
",
    // Links are kept in the order of events and lead back from the member's last one, so that a new one is written where the one
    // before it was. What a member has is the sum of the lots less what is owed, and only what is owed has a row.
    r"
ALTER TABLE member ADD COLUMN last BIGINT NOT NULL DEFAULT 0;
UPDATE member SET last = coalesce((SELECT l.event FROM link l WHERE l.member = member.name AND l.seq = member.seq), 0);
CREATE TABLE chain (
  event BIGINT NOT NULL,
  member TEXT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq > 0),
  before BIGINT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (event, member)
);
INSERT INTO chain (event, member, seq, before, hash)
  SELECT l.event, l.member, l.seq, coalesce((SELECT b.event FROM link b WHERE b.member = l.member AND b.seq = l.seq - 1), 0), l.hash
  FROM link l ORDER BY l.event, l.member;
DROP TABLE link;
ALTER TABLE chain RENAME TO link;
CREATE TABLE owed (
  member TEXT NOT NULL,
  account TEXT NOT NULL,
  owed BIGINT NOT NULL,
  PRIMARY KEY (member, account)
);
INSERT INTO owed (member, account, owed) SELECT member, account, owed FROM balance WHERE owed <> 0;
DROP TABLE balance;
",
];

/// The links of some members, as the head of a statement: `links` with `member`, `event`, `seq`, `hash`. `whose` says of `m`, a
/// row of `member`, whether it is one of them. Back from each member's last one; whatever they say, it ends.
pub fn links_of(whose: &str) -> String {
    format!(
        "WITH RECURSIVE links (member, event, seq, before, hash) AS (\
         SELECT l.member, l.event, l.seq, l.before, l.hash FROM member m \
         JOIN link l ON l.event = m.last AND l.member = m.name WHERE {whose} \
         UNION ALL SELECT l.member, l.event, l.seq, l.before, l.hash FROM links n \
         JOIN link l ON l.event = n.before AND l.member = n.member WHERE l.seq < n.seq)"
    )
}

/// What makes entries, events, links and claims unchangeable, where nobody goes around it on purpose.
pub const FIXED: [&str; 9] =
    ["event", "link", "entry", "claim", "holding", "origin", "coupon_use", "contact", "learning"];
