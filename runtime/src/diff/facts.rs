//! What a decision gives, in the terms that two programs share: names of rules, groups, accounts and instruments in
//! place of each program's own numbers. Refuses to know why.

use crate::record::ReadEvent;
use perq_compiler::evaluate::Decision;
use perq_compiler::ir::{AccountId, GroupId, InstrumentId, Program, RuleId, Saying, SiteId, Telling};
use std::collections::BTreeMap;

/// Which of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The one before the change.
    Old,
    /// The one after it.
    New,
}

impl Which {
    /// Both.
    pub const BOTH: [Which; 2] = [Which::Old, Which::New];

    /// In a report.
    pub fn word(self) -> &'static str {
        match self {
            Which::Old => "old",
            Which::New => "new",
        }
    }
}

/// Something of each of the two programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// Of the one before.
    pub old: T,
    /// Of the one after.
    pub new: T,
}

impl<T> Pair<T> {
    /// That of one of the two.
    pub fn of(&self, which: Which) -> &T {
        match which {
            Which::Old => &self.old,
            Which::New => &self.new,
        }
    }

    /// The same, to change it.
    pub fn of_mut(&mut self, which: Which) -> &mut T {
        match which {
            Which::Old => &mut self.old,
            Which::New => &mut self.new,
        }
    }
}

/// Sorts of what is given or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// Off the price, in the currency.
    Discount,
    /// To an account.
    Award,
    /// From an account.
    Debit,
    /// Money that points pay.
    Tender,
    /// Coupons, one by one.
    Coupon,
    /// Certificates, by their value in the currency.
    Certificate,
    /// Badges.
    Badge,
    /// Pieces of products that are given.
    Gift,
    /// Fields of members that are set, each time.
    Field,
    /// Members who reach a level, each time.
    Level,
    /// Words that rules say, each time.
    Words,
    /// Offers that are shown, each time.
    Offer,
}

impl Sort {
    /// In a report.
    pub fn word(self) -> &'static str {
        match self {
            Sort::Discount => "discount",
            Sort::Award => "award",
            Sort::Debit => "debit",
            Sort::Tender => "tender",
            Sort::Coupon => "coupon",
            Sort::Certificate => "certificate",
            Sort::Badge => "badge",
            Sort::Gift => "gift",
            Sort::Field => "field",
            Sort::Level => "level",
            Sort::Words => "words",
            Sort::Offer => "offer",
        }
    }
}

/// What an amount counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What it is of.
    pub sort: Sort,
    /// The currency, account, instrument, field or level.
    pub name: String,
    /// The word behind the amount.
    pub word: String,
    /// Digits behind the point.
    pub decimals: u8,
    /// What a number of each program is multiplied by, where the two keep different digits.
    scale: Pair<i128>,
    /// What so many are worth in minor units, by program.
    pub worth: Pair<Option<(i64, i64)>>,
}

/// All that is given by a decision: rule, unit and the other member who gets it, with the amount in the unit.
pub type Facts = BTreeMap<Key, i128>;

/// To what an amount belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Of [`Names::rules`]; nothing for what no rule gives.
    pub rule: Option<usize>,
    /// Of [`Names::units`].
    pub unit: usize,
    /// The member who gets it, where that is not the event's own.
    pub to: Option<Box<str>>,
}

/// A rule or a group of the two programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its key, the new one where it was renamed.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// The group, of a rule.
    pub group: Option<usize>,
    /// Whether each program has it.
    pub there: Pair<bool>,
}

/// The names of two programs, in one numbering.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// In order of declaration of the new program; those that only the old one has come last.
    pub rules: Vec<Named>,
    /// In the order of settlement of the new program.
    pub groups: Vec<Named>,
    /// The currency first, then the accounts' awards.
    pub units: Vec<Unit>,
    rule_of: Pair<Vec<usize>>,
    group_of: Pair<Vec<usize>>,
    /// By rule: its group in each program.
    group_of_rule: Pair<BTreeMap<usize, usize>>,
    /// By account: the units of awards and of debits.
    accounts_of: Pair<Vec<(usize, usize)>>,
    /// By sort and name.
    unit_of: BTreeMap<(Sort, String), usize>,
}

/// The words of what a rule tells.
fn words(telling: &Telling) -> &[Saying] {
    match telling {
        Telling::Words(words) => words,
        Telling::Offer(_) => &[],
    }
}

/// `cashier: Welcome back`
fn said(saying: &Saying) -> String {
    format!("{}: {}", saying.to, saying.text)
}

fn add(list: &mut Vec<Named>, known: &mut BTreeMap<String, usize>, named: Named, which: Which) -> usize {
    let at = *known.entry(named.name.clone()).or_insert(list.len());
    if at == list.len() {
        list.push(named);
    }
    if let Some(entry) = list.get_mut(at) {
        *entry.there.of_mut(which) = true;
    }
    at
}

impl Names {
    /// The names of two programs of one currency. `renamed` has new names of rules and groups by their old ones.
    pub fn of(old: &Program, new: &Program, renamed: &BTreeMap<String, String>) -> Names {
        let mut names = Names::default();
        let (mut groups, mut rules) = (BTreeMap::new(), BTreeMap::new());
        for (which, program) in [(Which::New, new), (Which::Old, old)] {
            let name = |text: &String| match which {
                Which::Old => renamed.get(text).unwrap_or(text).clone(),
                Which::New => text.clone(),
            };
            for group in &program.groups {
                let (title, there) = (group.title.clone(), Pair::default());
                let named = Named { name: name(&group.name), title, group: None, there };
                let at = add(&mut names.groups, &mut groups, named, which);
                names.group_of.of_mut(which).push(at);
            }
            for rule in &program.rules {
                let group = names.group_of.of(which).get(rule.group.index()).copied();
                let (title, there) = (rule.title.clone(), Pair::default());
                let named = Named { name: name(&rule.name), title, group, there };
                let at = add(&mut names.rules, &mut rules, named, which);
                names.rule_of.of_mut(which).push(at);
                if let Some(group) = group {
                    names.group_of_rule.of_mut(which).insert(at, group);
                }
            }
        }
        names.units(old, new);
        for (which, program) in [(Which::Old, old), (Which::New, new)] {
            let unit = |sort: Sort, name: &str| names.unit_named(sort, name).unwrap_or(usize::MAX);
            let both = |name: &str| (unit(Sort::Award, name), unit(Sort::Debit, name));
            let units = program.accounts.iter().map(|account| both(&account.name)).collect();
            *names.accounts_of.of_mut(which) = units;
        }
        names
    }

    fn units(&mut self, old: &Program, new: &Program) {
        let currency = &new.currency;
        let money = |sort: Sort, name: &str| Unit {
            sort,
            name: name.to_owned(),
            word: currency.code.clone(),
            decimals: currency.decimals,
            scale: Pair { old: 1, new: 1 },
            worth: Pair::default(),
        };
        self.unit(money(Sort::Discount, &currency.code));
        let mut accounts: Vec<&str> = new.accounts.iter().map(|account| account.name.as_str()).collect();
        let known: Vec<&str> = accounts.clone();
        accounts
            .extend(old.accounts.iter().map(|account| account.name.as_str()).filter(|n| !known.contains(n)));
        for sort in [Sort::Award, Sort::Debit] {
            for name in &accounts {
                let of = |program: &Program| program.accounts.iter().find(|a| a.name == *name).cloned();
                let (before, after) = (of(old), of(new));
                let digits =
                    |account: &Option<perq_compiler::ir::Account>| account.as_ref().map(|a| a.decimals);
                let decimals = digits(&before).max(digits(&after)).unwrap_or(0);
                let scale = |own: Option<u8>| 10_i128.pow(u32::from(decimals - own.unwrap_or(decimals)));
                let word = after.as_ref().or(before.as_ref()).map_or_else(String::new, |a| a.unit.clone());
                self.unit(Unit {
                    sort,
                    name: (*name).to_owned(),
                    word,
                    decimals,
                    scale: Pair { old: scale(digits(&before)), new: scale(digits(&after)) },
                    worth: Pair {
                        old: before.and_then(|account| account.worth),
                        new: after.and_then(|account| account.worth),
                    },
                });
            }
        }
        self.unit(money(Sort::Tender, &currency.code));
        let counted = |sort: Sort, name: &str, word: &str| Unit {
            sort,
            name: name.to_owned(),
            word: word.to_owned(),
            decimals: 0,
            scale: Pair { old: 1, new: 1 },
            worth: Pair::default(),
        };
        self.unit(counted(Sort::Gift, "pieces", "pcs"));
        for program in [new, old] {
            for coupon in &program.instruments.coupons {
                self.unit(counted(Sort::Coupon, &coupon.name, "coupons"));
            }
            for certificate in &program.instruments.certificates {
                self.unit(money(Sort::Certificate, &certificate.name));
            }
            for badge in &program.instruments.badges {
                self.unit(counted(Sort::Badge, &badge.name, "badges"));
            }
            for slot in &program.layout.event {
                self.unit(counted(Sort::Field, &slot.name, "times"));
            }
            for saying in program.tellings.iter().flat_map(words) {
                self.unit(counted(Sort::Words, &said(saying), "times"));
            }
            for offer in &program.offers.list {
                self.unit(counted(Sort::Offer, &offer.name, "times"));
            }
            for tiers in &program.instruments.tiers {
                let levels = program.enums.get(tiers.levels.index());
                for level in levels.map_or(&[][..], |levels| levels.values.as_slice()) {
                    self.unit(counted(Sort::Level, &format!("{}: {level}", tiers.name), "times"));
                }
            }
        }
    }

    fn unit(&mut self, unit: Unit) {
        let key = (unit.sort, unit.name.clone());
        if !self.unit_of.contains_key(&key) {
            self.unit_of.insert(key, self.units.len());
            self.units.push(unit);
        }
    }

    /// The number of a rule of one of the programs.
    pub fn rule(&self, which: Which, rule: RuleId) -> Option<usize> {
        self.rule_of.of(which).get(rule.index()).copied()
    }

    /// The number of a group of one of the programs.
    pub fn group(&self, which: Which, group: GroupId) -> Option<usize> {
        self.group_of.of(which).get(group.index()).copied()
    }

    /// The group that a rule of [`Self::rules`] is in, in one of the programs.
    pub fn group_of_rule(&self, which: Which, rule: usize) -> Option<usize> {
        self.group_of_rule.of(which).get(&rule).copied()
    }

    /// The unit of a sort of what a name stands for.
    pub fn unit_named(&self, sort: Sort, name: &str) -> Option<usize> {
        self.unit_of.get(&(sort, name.to_owned())).copied()
    }

    /// The unit of what is awarded to an account of one of the programs.
    pub fn award(&self, which: Which, account: AccountId) -> Option<usize> {
        self.accounts_of.of(which).get(account.index()).map(|(award, _)| *award)
    }

    /// The unit of what is taken from an account of one of the programs.
    pub fn debit(&self, which: Which, account: AccountId) -> Option<usize> {
        self.accounts_of.of(which).get(account.index()).map(|(_, debit)| *debit)
    }

    /// A number of one of the programs in its unit.
    pub fn scaled(&self, which: Which, unit: usize, amount: i64) -> i128 {
        let scale = self.units.get(unit).map_or(1, |unit| *unit.scale.of(which));
        i128::from(amount).saturating_mul(scale)
    }

    /// All that a decision gives.
    pub fn facts(&self, which: Which, program: &Program, event: &ReadEvent, decision: &Decision) -> Facts {
        let mut out = Facts::new();
        self.gather(which, program, event, decision, &mut out);
        out.retain(|_, amount| *amount != 0);
        out
    }

    fn gather(
        &self,
        which: Which,
        program: &Program,
        event: &ReadEvent,
        decision: &Decision,
        out: &mut Facts,
    ) {
        for (event, decision) in event.raised.iter().zip(&decision.raised) {
            self.gather(which, program, event, decision, out);
        }
        let mut put = |rule: Option<RuleId>, unit: Option<usize>, to: Option<&str>, amount: i64| {
            let Some(unit) = unit else { return };
            let rule = rule.and_then(|rule| self.rule(which, rule));
            let key = Key { rule, unit, to: to.map(Box::from) };
            *out.entry(key).or_default() += self.scaled(which, unit, amount);
        };
        let to = |site: SiteId| {
            program.sites.get(site.index()).and_then(|site| site.to).and_then(|slot| event.other(slot))
        };
        for effect in &decision.effects {
            let unit = match effect.account {
                Some(account) if effect.debit => self.debit(which, account),
                Some(account) => self.award(which, account),
                None => Some(0),
            };
            put(Some(effect.rule), unit, to(effect.site), effect.amount);
        }
        if let Some(returned) = event.returned.as_ref().and_then(|returned| returned.as_ref().ok()) {
            // What comes back was given before.
            for (rule, _, amount) in returned.discounts() {
                put(Some(rule), Some(0), None, amount.saturating_neg());
            }
            for correction in &returned.corrections {
                let account = correction.account;
                let unit =
                    if correction.debit { self.debit(which, account) } else { self.award(which, account) };
                let own = correction.owner == returned.origin.member;
                let to = correction.owner.as_deref().filter(|_| !own);
                put(Some(correction.rule), unit, to, correction.amount);
            }
        }
        for tender in &decision.tenders {
            let unit = self.unit_named(Sort::Tender, &program.currency.code);
            put(Some(tender.redemption), unit, None, tender.money);
        }
        for issue in &decision.issues {
            let sort = match issue.instrument {
                InstrumentId::Coupon(_) => Sort::Coupon,
                InstrumentId::Certificate(_) => Sort::Certificate,
                InstrumentId::Badge(_) => Sort::Badge,
            };
            let name = program.instruments.name(issue.instrument).map_or("", |(_, name)| name);
            put(issue.rule, self.unit_named(sort, name), issue.site.and_then(to), issue.number);
        }
        for gift in &decision.gifts {
            put(Some(gift.rule), self.unit_named(Sort::Gift, "pieces"), None, gift.pieces);
        }
        for change in &decision.changes {
            let name = program.layout.event.get(change.slot.index()).map_or("", |slot| slot.name.as_str());
            put(Some(change.rule), self.unit_named(Sort::Field, name), None, 1);
        }
        for one in &decision.said {
            let telling = usize::try_from(one.telling).ok().and_then(|at| program.tellings.get(at));
            for saying in telling.into_iter().flat_map(words) {
                put(Some(one.rule), self.unit_named(Sort::Words, &said(saying)), None, 1);
            }
        }
        for shown in decision.offered.iter().flat_map(|offered| &offered.shown) {
            let offer = program.offers.list.get(shown.offer as usize).map_or("", |offer| &offer.name);
            put(shown.rule, self.unit_named(Sort::Offer, offer), None, 1);
        }
        for change in &decision.tiers {
            let tiers = usize::try_from(change.tiers).ok().and_then(|at| program.instruments.tiers.get(at));
            let Some(tiers) = tiers else { continue };
            let levels = program.enums.get(tiers.levels.index());
            let level = usize::try_from(change.to).ok().and_then(|at| levels?.values.get(at));
            let name = format!("{}: {}", tiers.name, level.map_or("", String::as_str));
            put(None, self.unit_named(Sort::Level, &name), None, 1);
        }
    }
}
