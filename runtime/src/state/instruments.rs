//! Coupons, certificates, badges and fields of members that are kept: what a presented code stands for, what a decision
//! changes. Refuses to know where it is stored.

use crate::catalogue::bind::set_range;
use crate::record::{ReadEvent, Reader, Schema};
use crate::returns::beside::{Undone, Unset, Withdrawn};
use perq_compiler::codes::fold;
use perq_compiler::evaluate::{Change, CutBy, Decision, Issue};
use perq_compiler::ir::{
    Codes, Coupon, InstrumentId, LimitOf, MISSING, NameFrom, Program, RuleId, SiteKind, SlotId, SlotType,
    StateRead, event_slot,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A code that an event presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// As it was presented.
    pub code: Box<str>,
    /// The coupon it is of.
    pub coupon: Option<u32>,
    /// Whether it can be redeemed, before the coupon's own conditions are asked.
    pub standing: Standing,
}

/// What a code that is presented is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be redeemed.
    Usable,
    /// No coupon has it.
    Unknown,
    /// Its last day is over.
    Expired,
    /// It was redeemed as often as it may be.
    UsedUp,
    /// It was issued to somebody else.
    OtherMember,
    /// Another code of the same coupon is redeemed with this event.
    Spare,
    /// The goods for which it had been issued have come back.
    Withdrawn,
}

/// What became of a code that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is redeemed.
    Accepted,
    /// It could not be redeemed, whatever the event.
    Refused(Standing),
    /// The coupon's conditions do not hold, or there is nothing that it could give.
    Conditions,
    /// Another rule keeps it out.
    Displaced(RuleId),
    /// A limit or a budget leaves nothing.
    Limit,
    /// The coupon's rule failed.
    Failed,
}

impl Outcome {
    /// Its name in decisions.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Refused(Standing::Usable) | Outcome::Conditions => "conditions",
            Outcome::Refused(Standing::Unknown) => "unknown",
            Outcome::Refused(Standing::Expired) => "expired",
            Outcome::Refused(Standing::UsedUp) => "used-up",
            Outcome::Refused(Standing::OtherMember) => "other-member",
            Outcome::Refused(Standing::Spare) => "spare",
            Outcome::Refused(Standing::Withdrawn) => "withdrawn",
            Outcome::Displaced(_) => "displaced",
            Outcome::Limit => "limit",
            Outcome::Failed => "failed",
        }
    }
}

/// What became of a presented code.
pub fn outcome(program: &Program, presented: &Presented, decision: &Decision) -> Outcome {
    if presented.standing != Standing::Usable {
        return Outcome::Refused(presented.standing);
    }
    let Some(coupon) = coupon(program, presented) else { return Outcome::Refused(Standing::Unknown) };
    let rule = coupon.rule;
    if decision.acting().any(|acting| acting == rule) {
        return Outcome::Accepted;
    }
    if decision.faults.iter().any(|fault| fault.rule == rule) {
        return Outcome::Failed;
    }
    if let Some(lost) = decision.displaced.iter().find(|lost| lost.rule == rule) {
        return Outcome::Displaced(lost.by);
    }
    let mut cuts = decision.cuts.iter().filter(|cut| cut.rule == rule);
    let times = |cut: &perq_compiler::evaluate::Cut| cut.of == LimitOf::Times;
    match cuts.clone().any(times) {
        true => Outcome::Refused(Standing::UsedUp),
        false if cuts.any(|cut| cut.by != CutBy::PriceFloor) => Outcome::Limit,
        false => Outcome::Conditions,
    }
}

fn coupon<'p>(program: &'p Program, presented: &Presented) -> Option<&'p Coupon> {
    let id = usize::try_from(presented.coupon?).ok()?;
    program.instruments.coupons.get(id)
}

/// The codes of what an event issues, for each of its issues: the instrument's name, the event's id, and the how manieth
/// of that instrument it is in the event. So the same event always gives the same codes. Badges have none.
pub fn codes<'d>(
    program: &'d Program,
    event: &'d str,
    issues: &'d [Issue],
) -> impl Iterator<Item = (&'d Issue, Vec<String>)> {
    let mut counts: BTreeMap<InstrumentId, i64> = BTreeMap::new();
    issues.iter().map(move |issue| {
        let many = match issue.instrument {
            InstrumentId::Coupon(_) => issue.number,
            InstrumentId::Certificate(_) => 1,
            InstrumentId::Badge(_) => 0,
        };
        let before = counts.entry(issue.instrument).or_default();
        let first = before.saturating_add(1);
        *before = before.saturating_add(many);
        let (_, name) = program.instruments.name(issue.instrument).unwrap_or(("", ""));
        (issue, (first..first.saturating_add(many)).map(|at| format!("{name}-{event}-{at}")).collect())
    })
}

/// A coupon that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCoupon {
    /// Of which kind.
    pub coupon: u32,
    /// Its code.
    pub code: Box<str>,
    /// Whose it is; anybody's where the event had no member.
    pub owner: Option<Box<str>>,
    /// Its last day.
    pub expires: Option<i64>,
    /// How often it was redeemed.
    pub uses: u32,
    /// It was withdrawn with the goods for which it had been issued.
    pub withdrawn: bool,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// Of which kind.
    pub certificate: u32,
    /// Its code.
    pub code: Box<str>,
    /// Whose it is.
    pub owner: Option<Box<str>>,
    /// What it is worth, in minor units.
    pub value: i64,
    /// Its last day.
    pub expires: Option<i64>,
}

/// All that is kept of instruments.
#[derive(Clone, Debug, Default)]
pub struct Instruments {
    /// Shared codes, folded.
    shared: BTreeMap<String, u32>,
    /// Issued coupons, by folded code.
    coupons: BTreeMap<String, IssuedCoupon>,
    /// Issued certificates, by folded code.
    certificates: BTreeMap<String, IssuedCertificate>,
    members: BTreeMap<Box<str>, Holder>,
}

/// What is kept of a member.
#[derive(Clone, Debug, Default)]
struct Holder {
    /// By badge: the places of the events that gave it.
    badges: BTreeMap<u32, BTreeSet<u64>>,
    /// By field: what events set it to, in their order. The last one stands.
    fields: BTreeMap<SlotId, BTreeMap<u64, (Value, Option<i64>)>>,
}

/// A value that means the same to every record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// As slots hold it.
    Number(i64),
    /// Each record numbers names anew.
    Name(Box<str>),
}

/// The name to which a change sets a field; none where it sets a number.
pub fn name_of<'n>(program: &'n Program, event: &'n ReadEvent, change: &Change) -> Option<&'n str> {
    match program.sites.get(change.site.index())?.kind {
        SiteKind::Set { name: Some(NameFrom::Slot(slot)), .. } => event.other(slot),
        SiteKind::Set { name: Some(NameFrom::Reference(id)), .. } => {
            program.references.get(id.index())?.names.first().map(String::as_str)
        }
        SiteKind::Set { name: None, .. }
        | SiteKind::Award { .. }
        | SiteKind::Multiply { .. }
        | SiteKind::Discount { .. }
        | SiteKind::Debit { .. }
        | SiteKind::Tender { .. }
        | SiteKind::Gift { .. }
        | SiteKind::Tell { .. }
        | SiteKind::Issue { .. } => None,
    }
}

/// Whose an instrument is that an event issues.
pub fn owner_of<'n>(program: &Program, event: &'n ReadEvent, issue: &Issue) -> Option<&'n str> {
    let site = issue.site.and_then(|site| program.sites.get(site.index()));
    match site.and_then(|site| site.to) {
        Some(slot) => event.other(slot),
        None => event.member(),
    }
}

impl Instruments {
    /// Nothing kept, for a program.
    pub fn new(program: &Program) -> Instruments {
        let shared =
            program.instruments.coupons.iter().zip(0u32..).filter_map(|(coupon, id)| match &coupon.codes {
                Codes::Shared(code) => Some((fold(code), id)),
                Codes::Unique { .. } => None,
            });
        Instruments { shared: shared.collect(), ..Instruments::default() }
    }

    /// The coupons that were issued to a member.
    pub fn coupons(&self, member: &str) -> impl Iterator<Item = &IssuedCoupon> {
        self.coupons.values().filter(move |coupon| coupon.owner.as_deref() == Some(member))
    }

    /// The certificates that were issued to a member.
    pub fn certificates(&self, member: &str) -> impl Iterator<Item = &IssuedCertificate> {
        self.certificates.values().filter(move |certificate| certificate.owner.as_deref() == Some(member))
    }

    /// Whether a member has a badge.
    pub fn has_badge(&self, member: &str, badge: u32) -> bool {
        self.members.get(member).is_some_and(|holder| holder.badges.contains_key(&badge))
    }

    /// Gives a member a badge, with the event at a place.
    pub fn give_badge(&mut self, member: &str, badge: u32, order: u64) {
        let holder = self.members.entry(member.into()).or_default();
        holder.badges.entry(badge).or_default().insert(order);
    }

    /// How often an issued code has been redeemed.
    pub fn coupon_uses(&self, code: &str) -> u32 {
        self.coupons.get(&fold(code)).map_or(0, |coupon| coupon.uses)
    }

    /// Takes over a coupon that was kept elsewhere.
    pub fn restore_coupon(&mut self, issued: IssuedCoupon) {
        self.coupons.insert(fold(&issued.code), issued);
    }

    /// Takes over a field of a member that the event at a place has set, and that was kept elsewhere: its value, and the
    /// last day on which it holds.
    pub fn restore_field(
        &mut self,
        member: &str,
        (slot, order): (SlotId, u64),
        value: Value,
        until: Option<i64>,
    ) {
        let holder = self.members.entry(member.into()).or_default();
        holder.fields.entry(slot).or_default().insert(order, (value, until));
    }

    /// Fills what the program reads of instruments, and says what the codes stand for that the event presents.
    pub fn see(&self, program: &Program, schema: &Schema, reader: &mut Reader, event: &mut ReadEvent) {
        event.presented.clear();
        let date = event.record.event.get(event_slot::DATE.index()).copied().unwrap_or(0);
        for code in presented(program, schema, reader, event) {
            let (coupon, standing) = self.stands_for(program, &code, event.member(), date);
            event.presented.push(Presented { code: code.into(), coupon, standing });
        }
        self.spare(&mut event.presented);
        let holder = event.member().and_then(|member| self.members.get(member));
        for read in &program.reads {
            let value =
                match read.read {
                    StateRead::Coupon(id) => i64::from(event.presented.iter().any(|presented| {
                        presented.coupon == Some(id) && presented.standing == Standing::Usable
                    })),
                    StateRead::Badge(id) => {
                        i64::from(holder.is_some_and(|holder| holder.badges.contains_key(&id)))
                    }
                    StateRead::Balance(_)
                    | StateRead::Refund
                    | StateRead::BoughtOn
                    | StateRead::Missing(_)
                    | StateRead::After(_)
                    | StateRead::Last(_)
                    | StateRead::Until(_)
                    | StateRead::Anniversary(_) => continue,
                };
            if let Some(slot) = event.record.event.get_mut(read.slot.index()) {
                *slot = value;
            }
        }
        let fields = holder.iter().flat_map(|holder| &holder.fields);
        for (slot, (value, until)) in fields.filter_map(|(slot, set)| Some((slot, set.last_key_value()?.1))) {
            if until.is_some_and(|until| date > until) {
                continue;
            }
            let ty = program.layout.event.get(slot.index()).map(|slot| slot.ty);
            let value = match (value, ty) {
                (Value::Number(number), _) => *number,
                (Value::Name(name), Some(SlotType::Symbol(kind))) => {
                    i64::from(reader.symbol_number(schema, kind.index(), name))
                }
                (Value::Name(_), _) => MISSING,
            };
            if let Some(slot) = event.record.event.get_mut(slot.index()) {
                *slot = value;
            }
        }
    }

    fn stands_for(
        &self,
        program: &Program,
        code: &str,
        member: Option<&str>,
        date: i64,
    ) -> (Option<u32>, Standing) {
        let folded = fold(code);
        if let Some(id) = self.shared.get(&folded) {
            return (Some(*id), Standing::Usable);
        }
        let Some(issued) = self.coupons.get(&folded) else { return (None, Standing::Unknown) };
        let declared = usize::try_from(issued.coupon).ok().and_then(|id| program.instruments.coupons.get(id));
        let most = match declared.map(|coupon| &coupon.codes) {
            Some(Codes::Unique { uses }) => *uses,
            Some(Codes::Shared(_)) | None => 0,
        };
        let standing = if issued.owner.is_some() && issued.owner.as_deref() != member {
            Standing::OtherMember
        } else if issued.withdrawn {
            Standing::Withdrawn
        } else if issued.uses >= most {
            Standing::UsedUp
        } else if issued.expires.is_some_and(|last| date > last) {
            Standing::Expired
        } else {
            Standing::Usable
        };
        (Some(issued.coupon), standing)
    }

    /// Of several codes of one coupon the one that ends first is redeemed; of those, the first in the alphabet.
    fn spare(&self, presented: &mut [Presented]) {
        let order = |one: &Presented| {
            let expires = self.coupons.get(&fold(&one.code)).and_then(|coupon| coupon.expires);
            (expires.unwrap_or(i64::MAX), one.code.clone())
        };
        for at in 0..presented.len() {
            let Some(one) = presented.get(at).filter(|one| one.standing == Standing::Usable) else {
                continue;
            };
            let better = presented.iter().enumerate().any(|(other_at, other)| {
                other_at != at
                    && (other.coupon, other.standing) == (one.coupon, Standing::Usable)
                    && (order(other), other_at) < (order(one), at)
            });
            if better && let Some(one) = presented.get_mut(at) {
                one.standing = Standing::Spare;
            }
        }
    }

    /// Keeps what a decision issues, redeems and sets. What is set of the field that levels govern is left to who keeps
    /// levels.
    pub fn keep(&mut self, program: &Program, order: u64, event: &ReadEvent, decision: &Decision) {
        for presented in &event.presented {
            if outcome(program, presented, decision) == Outcome::Accepted
                && let Some(issued) = self.coupons.get_mut(&fold(&presented.code))
            {
                issued.uses = issued.uses.saturating_add(1);
            }
        }
        for (issue, codes) in codes(program, event.id(), &decision.issues) {
            let owner: Option<Box<str>> = owner_of(program, event, issue).map(Box::from);
            let expires = issue.expires;
            match issue.instrument {
                InstrumentId::Coupon(coupon) => self.coupons.extend(codes.into_iter().map(|code| {
                    let issued = IssuedCoupon {
                        coupon,
                        code: code.as_str().into(),
                        owner: owner.clone(),
                        expires,
                        uses: 0,
                        withdrawn: false,
                    };
                    (fold(&code), issued)
                })),
                InstrumentId::Certificate(certificate) => {
                    self.certificates.extend(codes.into_iter().map(|code| {
                        let (owner, value) = (owner.clone(), issue.number);
                        let code_text = code.as_str().into();
                        (
                            fold(&code),
                            IssuedCertificate { certificate, code: code_text, owner, value, expires },
                        )
                    }));
                }
                InstrumentId::Badge(badge) => {
                    if let Some(owner) = owner {
                        self.give_badge(&owner, badge, order);
                    }
                }
            }
        }
        let Some(member) = event.member() else { return };
        let governed = |slot: SlotId| program.instruments.tiers.iter().any(|tiers| tiers.slot == slot);
        for change in decision.changes.iter().filter(|change| !governed(change.slot)) {
            let holder = self.members.entry(member.into()).or_default();
            let name = name_of(program, event, change).map(|name| Value::Name(name.into()));
            let set = holder.fields.entry(change.slot).or_default();
            if !program.returns {
                // Nobody asks what was before.
                set.clear();
            }
            set.insert(order, (name.unwrap_or(Value::Number(change.value)), change.until));
        }
    }

    /// Undoes what the event at a place did besides amounts; `member` is its own.
    pub fn take_back(&mut self, order: u64, member: Option<&str>, undone: &Undone) {
        for Withdrawn { gave, left, uses: _ } in &undone.withdrawn {
            let folded = gave.code.as_deref().map(fold).unwrap_or_default();
            match gave.instrument {
                InstrumentId::Coupon(_) => {
                    if let Some(issued) = self.coupons.get_mut(&folded) {
                        issued.withdrawn = true;
                    }
                }
                InstrumentId::Certificate(_) if *left > 0 => {
                    if let Some(issued) = self.certificates.get_mut(&folded) {
                        issued.value = *left;
                    }
                }
                InstrumentId::Certificate(_) => {
                    self.certificates.remove(&folded);
                }
                InstrumentId::Badge(badge) => {
                    let owner = gave.owner.as_deref().and_then(|owner| self.members.get_mut(owner));
                    if let Some(holder) = owner
                        && let Some(events) = holder.badges.get_mut(&badge)
                    {
                        events.remove(&order);
                        if events.is_empty() {
                            holder.badges.remove(&badge);
                        }
                    }
                }
            }
        }
        let holder = member.and_then(|member| self.members.get_mut(member));
        if let Some(holder) = holder {
            for Unset { set, left } in &undone.fields {
                let Some(events) = holder.fields.get_mut(&set.slot) else { continue };
                match left {
                    Some(left) => {
                        events.insert(order, left.clone());
                    }
                    None => {
                        events.remove(&order);
                    }
                }
            }
        }
        for code in &undone.uses {
            if let Some(issued) = self.coupons.get_mut(&fold(code)) {
                issued.uses = issued.uses.saturating_sub(1);
            }
        }
    }
}

/// The codes that an event presents, each once, in the order in which the record first names them.
pub fn presented(program: &Program, schema: &Schema, reader: &Reader, event: &ReadEvent) -> Vec<String> {
    let Some(slot) = program.instruments.presented else { return Vec::new() };
    let Some(SlotType::Set(kind)) = program.layout.event.get(slot.index()).map(|slot| slot.ty) else {
        return Vec::new();
    };
    let value = event.record.event.get(slot.index()).copied().unwrap_or(MISSING);
    if value == MISSING {
        return Vec::new();
    }
    let numbers = event.record.symbols.get(set_range(value)).unwrap_or(&[]);
    let names = numbers.iter().filter_map(|number| reader.symbol_name(schema, kind.index(), *number));
    names.map(str::to_owned).collect()
}
