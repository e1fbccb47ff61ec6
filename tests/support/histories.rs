//! Random histories of a few members against a ledger as one would do it on paper: purchases with a limit, goods that come
//! back, debits, sessions in which an offer is made as often as it may be, reactions from which it learns, ends that are booked, corrections by hand, events that are sent again and events that come late, alone and
//! in batches. The paper uses nothing of the runtime: lists, sums and whole days.

use crate::ledgers::{Backend, engine};
use perq_ledger::audit::audit;
use perq_ledger::deeds::{Act, Deed, Done, carry_out};
use perq_ledger::{Ledger, Store, open, report};

const RULES: &str = r#"language 1
program histories { currency EUR zone "Europe/Rome" rounding half_up }
account bonus {
  unit points decimals 0 redeemable worth 1 points = 1 EUR round down per basket
  expire 10 days after award
  shortfall debt
}
event spend { amount: points }
group earn { kind earn displace none on purchase when member known }
rule rate in group earn {
  limit 150 points per member within this month else cut
  then award 1 points * steps of 1 EUR in basket.paid
}
rule fifty in group earn { when basket.paid >= 50 EUR then award 20 points }
group spends { kind earn displace none on spend when member known }
rule taken in group spends { then debit event.amount from bonus }
offer films "Films at home" {
  display by priority medium
  purpose product sku "FILMS"
  when member known
  limit 3 times per member within any 10 days else skip
  rest 2 days after rejected
  learn from 10% of 20 showings by member in segment "Old"
  score propensity(films)
  on accepted { award 3 points }
}
arbitration calls { slots 1 }
"#;

/// The most that `rate` gives a member in a month.
const LIMIT: i64 = 150;

/// Members of a history.
const MEMBERS: u64 = 2;

/// Histories that share a ledger.
const TOGETHER: u64 = 100;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Points of one award, or of a correction.
#[derive(Debug)]
struct Lot {
    member: u64,
    /// The instant of the award, in seconds after midnight of 1 April in Rome.
    from: i64,
    until: Option<i64>,
    /// Which purchase and which of its two rules.
    by: Option<(usize, usize)>,
    /// What the award is worth, less what should not have been.
    worth: i64,
    left: i64,
    /// What of it was booked as ended.
    booked: i64,
}

/// A purchase and what is left of it.
#[derive(Debug)]
struct Purchase {
    id: String,
    member: u64,
    at: i64,
    price: i64,
    pieces: i64,
    /// How many events were kept before it.
    order: usize,
    /// What `rate` and `fifty` have given.
    given: [i64; 2],
}

/// A use of the limit.
#[derive(Debug)]
struct Claim {
    member: u64,
    month: i64,
    order: usize,
    amount: i64,
}

/// A reaction to the offer.
#[derive(Debug)]
struct Reaction {
    member: u64,
    at: i64,
    session: u64,
    is_rejected: bool,
}

/// How many showings have ended, and how many of them with a yes: of all members, and of the old ones and the others. All
/// histories of a ledger share it, since an offer learns from everybody.
#[derive(Debug, Default)]
struct Taken {
    all: (i64, i64),
    kinds: [(i64, i64); 2],
}

impl Taken {
    fn tell(&mut self, is_old: bool, is_accepted: bool) {
        for (ended, accepted) in [&mut self.all, &mut self.kinds[usize::from(is_old)]] {
            *ended += 1;
            *accepted += i64::from(is_accepted);
        }
    }

    /// In millionths: (10 % of 20 + accepted) / (20 + ended), and the same of the kind with that in place of the 10 %.
    fn likelihood(&self, is_old: bool) -> i64 {
        let with = |before: i64, (ended, accepted): (i64, i64)| {
            let (of, part) = (20 + ended, before * 20 + accepted * 1_000_000);
            (2 * part + of) / (2 * of)
        };
        with(with(100_000, self.all), self.kinds[usize::from(is_old)])
    }
}

/// A ledger on paper.
#[derive(Debug, Default)]
struct Paper {
    reactions: Vec<Reaction>,
    lots: Vec<Lot>,
    owed: [i64; MEMBERS as usize],
    purchases: Vec<Purchase>,
    claims: Vec<Claim>,
    kept: usize,
    issued: i64,
    redeemed: i64,
    breakage: i64,
    adjusted: i64,
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// April has 30 days; no history is longer than until the end of May.
fn month(at: i64) -> i64 {
    i64::from(at >= 30 * DAY)
}

impl Paper {
    fn live(lot: &Lot, member: u64, at: i64) -> bool {
        lot.member == member && lot.from <= at && lot.until.is_none_or(|until| at < until) && lot.left > 0
    }

    fn balance(&self, member: u64, at: i64) -> i64 {
        let live = self.lots.iter().filter(|lot| Paper::live(lot, member, at)).map(|lot| lot.left);
        live.sum::<i64>() - self.owed[member as usize]
    }

    /// Takes from what can be spent; what is not there is owed.
    fn take(&mut self, member: u64, at: i64, amount: i64) {
        let mut left = amount;
        while left > 0 {
            let live = self.lots.iter_mut().filter(|lot| Paper::live(lot, member, at));
            // The one that ends first; of those that end together the older one.
            let Some(lot) = live.min_by_key(|lot| (lot.until.unwrap_or(i64::MAX), lot.from)) else {
                self.owed[member as usize] += left;
                return;
            };
            let part = lot.left.min(left);
            lot.left -= part;
            left -= part;
        }
    }

    /// A new lot; what is owed is paid from it.
    fn give(&mut self, member: u64, from: i64, until: Option<i64>, by: Option<(usize, usize)>, amount: i64) {
        let owed = &mut self.owed[member as usize];
        let paid = amount.min(*owed).max(0);
        *owed -= paid;
        self.lots.push(Lot { member, from, until, by, worth: amount, left: amount - paid, booked: 0 });
    }

    /// What the rules give for so much, where so much was claimed of the limit.
    fn rules(paid: i64, claimed: i64) -> [i64; 2] {
        [paid.min((LIMIT - claimed).max(0)), if paid >= 50 { 20 } else { 0 }]
    }

    fn claimed(&self, member: u64, at: i64, before: usize) -> i64 {
        let of = |claim: &&Claim| claim.member == member && claim.month == month(at) && claim.order < before;
        self.claims.iter().filter(of).map(|claim| claim.amount).sum()
    }

    fn buy(&mut self, id: String, member: u64, at: i64, (price, pieces): (i64, i64)) {
        let order = self.kept;
        self.kept += 1;
        let given = Paper::rules(price * pieces, self.claimed(member, at, order));
        self.claims.push(Claim { member, month: month(at), order, amount: given[0] });
        // Until the end of the tenth day after.
        let until = (at.div_euclid(DAY) + 11) * DAY;
        for (rule, amount) in given.into_iter().enumerate().filter(|(_, amount)| *amount > 0) {
            self.issued += amount;
            self.give(member, at, Some(until), Some((self.purchases.len(), rule)), amount);
        }
        self.purchases.push(Purchase { id, member, at, price, pieces, order, given });
    }

    /// Brings pieces back with an event of a batch of which the earliest is `earliest`.
    fn bring_back(&mut self, of: usize, at: i64, pieces: i64, earliest: i64) {
        let order = self.kept;
        self.kept += 1;
        let purchase = &self.purchases[of];
        if pieces > purchase.pieces || at < purchase.at {
            return;
        }
        let (member, bought, before) = (purchase.member, purchase.at, purchase.given);
        let left = purchase.pieces - pieces;
        let claimed = self.claimed(member, bought, purchase.order);
        let after = if left == 0 { [0, 0] } else { Paper::rules(left * purchase.price, claimed) };
        self.claims.push(Claim { member, month: month(bought), order, amount: after[0] - before[0] });
        for rule in 0..2 {
            let mut less = before[rule] - after[rule];
            assert!(less >= 0, "a smaller purchase never gives more here");
            self.issued -= less;
            let own = self.lots.iter_mut().filter(|lot| lot.by == Some((of, rule)));
            for lot in own {
                let part = lot.worth.min(less);
                lot.worth -= part;
                let from_left = lot.left.min(part);
                lot.left -= from_left;
                // What has ended is taken back from there, unless something in the batch could still have spent it.
                let is_over = lot.until.is_some_and(|until| until <= earliest);
                let from_ended = if is_over { lot.booked.min(part - from_left) } else { 0 };
                lot.booked -= from_ended;
                self.breakage -= from_ended;
                less -= from_left + from_ended;
            }
            self.take(member, at, less);
        }
        let purchase = &mut self.purchases[of];
        (purchase.pieces, purchase.given) = (left, after);
    }

    fn spend(&mut self, member: u64, at: i64, amount: i64) -> bool {
        self.kept += 1;
        if self.balance(member, at) < amount {
            return false;
        }
        self.redeemed += amount;
        self.take(member, at, amount);
        true
    }

    /// Why the offer is not made; nothing where it is.
    fn hidden(&self, member: u64, at: i64) -> Option<&'static str> {
        let within = |days: i64| {
            let own = self.reactions.iter().filter(move |reaction| reaction.member == member);
            own.filter(move |reaction| reaction.at > at - days * DAY && reaction.at <= at)
        };
        let mut sessions: Vec<u64> = within(10).map(|reaction| reaction.session).collect();
        sessions.sort_unstable();
        sessions.dedup();
        if sessions.len() >= 3 {
            return Some("limit");
        }
        within(2).any(|reaction| reaction.is_rejected).then_some("rest")
    }

    fn react(&mut self, member: u64, at: i64, (session, answer): (u64, &str)) {
        self.kept += 1;
        self.reactions.push(Reaction { member, at, session, is_rejected: answer == "rejected" });
        if answer == "accepted" {
            self.issued += 3;
            self.give(member, at, Some((at.div_euclid(DAY) + 11) * DAY), None, 3);
        }
    }

    fn expire(&mut self, at: i64) {
        for lot in self.lots.iter_mut().filter(|lot| lot.until.is_some_and(|until| until <= at)) {
            self.breakage += lot.left;
            lot.booked += std::mem::take(&mut lot.left);
        }
    }
}

/// What an event of a batch does on paper.
#[derive(Clone, Debug)]
enum Step {
    Buy { id: String, member: u64, price: i64, pieces: i64 },
    Back { of: usize, pieces: i64 },
    Spend { member: u64, amount: i64 },
    Session { member: u64, is_old: bool },
    React { member: u64, is_old: bool, session: u64, answer: &'static str },
    Again { of: usize },
}

/// A place where histories are kept, and how they went.
pub struct Histories {
    place: String,
    ledger: Ledger,
    store: Box<dyn Store>,
    /// Sums over the histories: issued, redeemed, breakage, adjusted, outstanding.
    sums: [i64; 5],
    taken: Taken,
    /// Events that were decided.
    pub events: u64,
}

/// Midnight of 1 April in Rome, where it is summer.
fn begin() -> i64 {
    perq_runtime::clock::date("2026-04-01").expect("a date") * DAY - 7_200
}

fn local(at: i64) -> String {
    let date = perq_runtime::clock::date("2026-04-01").expect("a date") + at.div_euclid(DAY);
    let time = at.rem_euclid(DAY);
    format!("{}T{:02}:{:02}:00", perq_runtime::clock::date_text(date), time / 3600, time / 60 % 60)
}

impl Histories {
    /// Begins with a new ledger.
    ///
    /// # Panics
    /// Where there is no place for it.
    pub fn new(place: String) -> Histories {
        let ledger = Ledger::new(&engine(RULES), open(&place, true).expect("a place"), "").expect("a ledger");
        let store = open(&place, false).expect("a ledger");
        Histories { place, ledger, store, sums: [0; 5], taken: Taken::default(), events: 0 }
    }

    /// Plays a history.
    ///
    /// # Panics
    /// Where the ledger and paper differ.
    pub fn play(&mut self, seed: u64) {
        let (mut dice, mut paper) = (Dice(seed), Paper::default());
        let (mut day, mut sent): (i64, Vec<(String, i64, String)>) = (15, Vec::new());
        let steps = 4 + dice.below(20);
        for number in 0..steps {
            day += dice.below(3) as i64;
            match dice.below(8) {
                0 => self.end(seed, number, day, &mut paper),
                1 => self.correct(seed, number, day, (&mut dice, &mut paper)),
                _ => self.batch(seed, number, day, (&mut dice, &mut paper, &mut sent)),
            }
            let at = day * DAY + 20 * 3_600;
            for member in 0..MEMBERS {
                let name = format!("h{seed}m{member}");
                let rows = report::balances(&mut *self.store, &name, Some(begin() + at)).expect("balances");
                let there = rows.first().map_or("0", |row| row.balance.as_str());
                let expected = paper.balance(member, at).to_string();
                assert_eq!(there, expected, "{}: history {seed}, step {number}, {name}", self.place);
            }
        }
        let outstanding = paper.lots.iter().map(|lot| lot.left).sum::<i64>() - paper.owed.iter().sum::<i64>();
        let sums = [paper.issued, paper.redeemed, paper.breakage, paper.adjusted, outstanding];
        for (all, one) in self.sums.iter_mut().zip(sums) {
            *all += one;
        }
    }

    fn batch(
        &mut self,
        seed: u64,
        number: u64,
        day: i64,
        (dice, paper, sent): (&mut Dice, &mut Paper, &mut Vec<(String, i64, String)>),
    ) {
        let mut batch: Vec<(String, i64, Step)> = Vec::new();
        // Purchases so far, those of this batch among them: id, pieces.
        let mut bought: Vec<(String, i64)> =
            paper.purchases.iter().map(|purchase| (purchase.id.clone(), purchase.pieces)).collect();
        for part in 0..1 + dice.below(5) {
            let late = if dice.below(5) == 0 { dice.below(15) as i64 } else { 0 };
            let at = (day - late) * DAY + (8 + dice.below(12) as i64) * 3_600 + dice.below(60) as i64 * 60;
            let (id, when) = (format!("h{seed}e{number}-{part}"), local(at));
            let member = dice.below(MEMBERS);
            let is_old = dice.below(3) == 0;
            let segments = if is_old { r#","segments":["Old"]"# } else { "" };
            let (text, step) = match dice.below(14) {
                0..=3 => {
                    let (price, pieces) = (1 + dice.below(40) as i64, 1 + dice.below(4) as i64);
                    bought.push((id.clone(), pieces));
                    let text = format!(
                        r#"{{"id":"{id}","kind":"purchase","at":"{when}","member":"h{seed}m{member}","lines":[{{"sku":"A","qty":{pieces},"price":"{price}.00"}}]}}"#
                    );
                    (text, Step::Buy { id, member, price, pieces })
                }
                4 | 5 if !bought.is_empty() => {
                    let of = bought.len() - 1 - dice.below(bought.len().min(4) as u64) as usize;
                    let (purchase, left) = &bought[of];
                    let pieces = 1 + dice.below((*left).max(1) as u64 + 1) as i64;
                    let text = format!(
                        r#"{{"id":"{id}","kind":"return","of":"{purchase}","at":"{when}","lines":[{{"sku":"A","qty":{pieces}}}]}}"#
                    );
                    (text, Step::Back { of, pieces })
                }
                6 if !sent.is_empty() => {
                    let of = dice.below(sent.len() as u64) as usize;
                    batch.push((sent[of].0.clone(), sent[of].1, Step::Again { of }));
                    continue;
                }
                9..=10 => {
                    let text = format!(
                        r#"{{"id":"{id}","kind":"session","at":"{when}","channel":"web","member":{{"id":"h{seed}m{member}"{segments}}}}}"#
                    );
                    (text, Step::Session { member, is_old })
                }
                11..=13 => {
                    let answer = ["shown", "accepted", "rejected", "ignored"][dice.below(4) as usize];
                    let session = dice.below(4);
                    let text = format!(
                        r#"{{"id":"{id}","kind":"reaction","at":"{when}","offer":"films","answer":"{answer}","session":"s{session}","member":{{"id":"h{seed}m{member}"{segments}}}}}"#
                    );
                    (text, Step::React { member, is_old, session, answer })
                }
                _ => {
                    let amount = 1 + dice.below(60) as i64;
                    let text = format!(
                        r#"{{"id":"{id}","kind":"spend","at":"{when}","member":"h{seed}m{member}","amount":"{amount}"}}"#
                    );
                    (text, Step::Spend { member, amount })
                }
            };
            batch.push((text, at, step));
        }
        let Some(earliest) = batch.iter().map(|(_, at, _)| *at).min() else { return };
        let records: Vec<&[u8]> = batch.iter().map(|(text, ..)| text.as_bytes()).collect();
        let answers = self.ledger.decide_all(&records);
        for ((text, at, step), answer) in batch.into_iter().zip(answers) {
            let answer = answer.unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            self.events += 1;
            match step {
                Step::Again { of } => {
                    assert!(
                        answer.repeated && answer.decision == sent[of].2,
                        "{text} was answered otherwise"
                    );
                    continue;
                }
                Step::Buy { id, member, price, pieces } => paper.buy(id, member, at, (price, pieces)),
                Step::Back { of, pieces } => paper.bring_back(of, at, pieces, earliest),
                Step::Session { member, is_old } => {
                    paper.kept += 1;
                    let likelihood = self.taken.likelihood(is_old);
                    let told = format!(r#""propensity":"0.{likelihood:06}""#);
                    assert!(
                        answer.decision.contains(&told),
                        "{}: {text}: {told}: {}",
                        self.place,
                        answer.decision
                    );
                    let why = match paper.hidden(member, at) {
                        Some(why) => format!(r#""why":"{why}""#),
                        None => r#""hidden":[]"#.to_owned(),
                    };
                    assert!(
                        answer.decision.contains(&why),
                        "{}: {text}: {why}: {}",
                        self.place,
                        answer.decision
                    );
                }
                Step::React { member, is_old, session, answer: told } => {
                    paper.react(member, at, (session, told));
                    if told != "shown" {
                        self.taken.tell(is_old, told == "accepted");
                    }
                }
                Step::Spend { member, amount } => {
                    let enough = paper.spend(member, at, amount);
                    assert_eq!(!answer.decision.contains(r#""short""#), enough, "{}: {text}", self.place);
                }
            }
            assert!(!answer.repeated, "{text} was not sent before");
            sent.push((text, at, answer.decision));
        }
    }

    /// Books what has ended with a day.
    fn end(&mut self, seed: u64, number: u64, day: i64, paper: &mut Paper) {
        let at = (day + 1) * DAY;
        paper.expire(at);
        let deeds: Vec<Deed> = (0..MEMBERS)
            .map(|member| Deed {
                id: format!("h{seed}x{number}"),
                member: format!("h{seed}m{member}"),
                at: begin() + at,
                act: Act::Expire,
                reason: String::new(),
                author: String::new(),
            })
            .collect();
        carry_out(&mut *self.store, &deeds).expect("the ledger");
        // Once more, which does nothing.
        let again = carry_out(&mut *self.store, &deeds).expect("the ledger");
        assert!(!again.iter().any(|done| matches!(done, Done::Done(_))), "{seed} {number}: {again:?}");
    }

    /// Gives or takes points by hand.
    fn correct(&mut self, seed: u64, number: u64, day: i64, (dice, paper): (&mut Dice, &mut Paper)) {
        let (member, at, amount) = (dice.below(MEMBERS), day * DAY + 7 * 3_600, 1 + dice.below(30) as i64);
        let gives = dice.below(2) == 0;
        let account = "bonus".to_owned();
        let act = match gives {
            true => Act::Add { account, amount, until: None, may_be_new: true },
            false => Act::Remove { account, amount },
        };
        let deed = Deed {
            id: format!("h{seed}c{number}"),
            member: format!("h{seed}m{member}"),
            at: begin() + at,
            act,
            reason: String::new(),
            author: String::new(),
        };
        let done = carry_out(&mut *self.store, &[deed]).expect("the ledger");
        let is_done = matches!(done.first(), Some(Done::Done(_)));
        if gives {
            assert!(is_done, "{seed} {number}: {done:?}");
            paper.adjusted += amount;
            paper.give(member, at, None, None, amount);
        } else {
            let enough = paper.balance(member, at) >= amount;
            assert_eq!(is_done, enough, "{seed} {number}: {done:?}");
            if enough {
                paper.adjusted -= amount;
                paper.take(member, at, amount);
            }
        }
    }

    /// Compares the sums of all histories, and audits.
    ///
    /// # Panics
    /// Where something differs.
    pub fn end_all(mut self) {
        let rows = report::liability(&mut *self.store, 0).expect("the books");
        if let Some(row) = rows.first() {
            let books = [&row.issued, &row.redeemed, &row.breakage, &row.adjusted, &row.outstanding];
            let expected = self.sums.map(|sum| sum.to_string());
            assert_eq!(books.map(String::as_str), expected.each_ref().map(String::as_str), "{}", self.place);
        }
        let found = audit(&mut *self.store).expect("an audit");
        assert_eq!(found.findings, [], "{}", self.place);
    }
}

/// Plays so many histories from a seed on, and gives how many events they had.
///
/// # Panics
/// Where the ledger and paper differ in one of them.
pub fn campaign(
    mut place: impl FnMut() -> String,
    histories: u64,
    seed: u64,
    mut told: impl FnMut(u64),
) -> u64 {
    let mut events = 0;
    let mut done = 0;
    while done < histories {
        let mut ledger = Histories::new(place());
        for number in done..(done + TOGETHER).min(histories) {
            ledger.play(seed + number);
        }
        done = (done + TOGETHER).min(histories);
        events += ledger.events;
        let place = ledger.place.clone();
        ledger.end_all();
        if !place.contains("://") {
            for ending in ["", "-wal", "-shm"] {
                drop(std::fs::remove_file(format!("{place}{ending}")));
            }
        }
        told(done);
    }
    events
}

/// So many histories on a backend, as a test plays them.
///
/// # Panics
/// Where the ledger and paper differ in one of them.
pub fn some(backend: Backend, histories: u64, seed: u64) -> u64 {
    campaign(|| backend.place(), histories, seed, |_| {})
}
