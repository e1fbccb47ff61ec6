//! A rule's steps to atoms and one function.

use super::atom::conjuncts;
use super::build::{Binding, Builder};
use crate::ir::{
    self, AccountId, AtomId, DiscountAmount, Fall, GroupId, Inst, NameFrom, Role, RuleId, Site, SiteKind,
    Space, TenderTerm,
};
use crate::typed::walk::{self, Node};
use crate::typed::{Element, Expr, GiftOption, Program, Rule, SetTo, Source, SourceKind, Step};
use std::collections::BTreeSet;

impl Builder<'_, '_> {
    /// The steps, inside a region that a condition leaves at `depth` levels out.
    pub fn steps(&mut self, rule: RuleId, steps: &[Step], atoms_taken: bool) {
        for step in steps {
            match step {
                Step::When(condition) => {
                    let mut parts = Vec::new();
                    conjuncts(self.lowering.program, condition, &mut parts);
                    for part in parts {
                        // What became an atom was asked before the function ran.
                        if atoms_taken && self.lowering.atom(part, Space::Event).is_some() {
                            continue;
                        }
                        self.require(part, if atoms_taken { Role::Rule } else { Role::Filter });
                    }
                }
                Step::Let(local, value) => {
                    let operand = self.operand(value);
                    self.bindings.insert(*local, Binding::Operand(operand));
                }
                Step::LetCollection(local, source) => {
                    let binding = if picks(source) {
                        Binding::Selection(self.selection(source))
                    } else {
                        Binding::Source(Box::new(source.clone()))
                    };
                    self.bindings.insert(*local, binding);
                }
                Step::ForEach { source, body } => {
                    self.each(source, &mut |builder| builder.steps(rule, body, false));
                }
                Step::Sets { bundle, body } => self.sets(rule, bundle, body),
                Step::Award { account, amount, rounding, life, to, element, reason, place } => {
                    let place = self.lowering.place(*place);
                    let before = self.at(place);
                    let to = to.map(|field| self.lowering.slot(field).1);
                    let site = self.lowering.site(Site {
                        rule,
                        kind: SiteKind::Award { account: *account, rounding: *rounding, life: *life },
                        to,
                        reason: reason.clone(),
                        place,
                    });
                    let mut amount = self.number(amount);
                    let mut row = None;
                    if let Some((of, local)) = element
                        && let Some(Binding::Row { row: own, count }) = self.bindings.get(local).cloned()
                    {
                        row = Some(own);
                        if let (Element::Unit, Some(count)) = (of, count) {
                            amount = self.multiply(amount, super::fraction::Fraction::narrow(count, 1));
                        }
                    }
                    if row.is_none() {
                        amount = self.for_all_sets(amount);
                    }
                    let (num, den) = (self.wide(amount.num), self.wide_den(amount.den));
                    self.emit(Inst::Award { site, num, den, row });
                    self.at(before);
                }
                Step::Debit { account, amount, element, reason, place } => {
                    let place = self.lowering.place(*place);
                    let before = self.at(place);
                    let kind = SiteKind::Debit { account: *account };
                    let site =
                        self.lowering.site(Site { rule, kind, to: None, reason: reason.clone(), place });
                    let mut amount = self.number(amount);
                    if let Some((Element::Unit, local)) = element
                        && let Some(Binding::Row { count: Some(count), .. }) =
                            self.bindings.get(local).cloned()
                    {
                        amount = self.multiply(amount, super::fraction::Fraction::narrow(count, 1));
                    } else {
                        amount = self.for_all_sets(amount);
                    }
                    let (num, den) = (self.wide(amount.num), self.wide_den(amount.den));
                    self.emit(Inst::Award { site, num, den, row: None });
                    self.at(before);
                }
                Step::TenderLines { target, place } => {
                    let place = self.lowering.place(*place);
                    let before = self.at(place);
                    let kind = SiteKind::Tender { term: TenderTerm::Lines };
                    let site = self.lowering.site(Site { rule, kind, to: None, reason: None, place });
                    let selection = self.selection(target);
                    let one = self.emit(Inst::Wide(1));
                    self.emit(Inst::Discount { site, selection, num: one, den: one });
                    self.at(before);
                }
                Step::TenderTerm { term, amount, element, place } => {
                    let place = self.lowering.place(*place);
                    let before = self.at(place);
                    let kind = SiteKind::Tender { term: *term };
                    let site = self.lowering.site(Site { rule, kind, to: None, reason: None, place });
                    let amount = self.number(amount);
                    let row = match element.and_then(|element| self.bindings.get(&element)) {
                        Some(Binding::Row { row, count: _ }) => Some(*row),
                        Some(
                            Binding::Operand(_)
                            | Binding::Source(_)
                            | Binding::Selection(_)
                            | Binding::Sets { .. },
                        )
                        | None => None,
                    };
                    let (num, den) = (self.wide(amount.num), self.wide_den(amount.den));
                    self.emit(Inst::Award { site, num, den, row });
                    self.at(before);
                }
                Step::Issue { instrument, number, expires, to, reason, place } => {
                    let kind = SiteKind::Issue { instrument: *instrument, expires: *expires };
                    let place = self.lowering.place(*place);
                    let to = to.map(|field| self.lowering.slot(field).1);
                    self.act(Site { rule, kind, to, reason: reason.clone(), place }, Some(number), 1);
                }
                Step::Gift { options, pieces, chosen, added, reason, place } => {
                    let place = self.lowering.place(*place);
                    let before = self.at(place);
                    let gift = super::count(self.lowering.ir.gifts.len());
                    let lowered = options.iter().map(|option| self.lowering.gift_option(option)).collect();
                    let chosen = chosen.map(|field| self.lowering.slot(field).1);
                    let lowered = ir::Gift { rule, options: lowered, chosen, added: *added, place };
                    self.lowering.ir.gifts.push(lowered);
                    let number = self.number(pieces);
                    let number = self.for_all_sets(number);
                    let (num, den) = (self.wide(number.num), self.wide_den(number.den));
                    let (none, one) = (self.emit(Inst::Wide(0)), self.emit(Inst::Wide(1)));
                    for (option, id) in options.iter().zip(0u32..) {
                        let kind = SiteKind::Gift { gift, option: id };
                        let reason = reason.clone();
                        let site = self.lowering.site(Site { rule, kind, to: None, reason, place });
                        self.emit(Inst::Award { site, num, den, row: None });
                        if let Some(units) = &option.units {
                            let selection = self.selection(units);
                            self.emit(Inst::Discount { site, selection, num: none, den: one });
                        }
                    }
                    self.at(before);
                }
                Step::Tell { telling, place } => {
                    let id = super::count(self.lowering.ir.tellings.len());
                    self.lowering.ir.tellings.push(telling.clone());
                    let kind = SiteKind::Tell { telling: id };
                    let place = self.lowering.place(*place);
                    self.act(Site { rule, kind, to: None, reason: None, place }, None, 1);
                }
                Step::Set { field, value, until, place } => {
                    let den = self.lowering.program.fields.get(field.0 as usize).map_or(1, |field| field.den);
                    let (_, slot) = self.lowering.slot(*field);
                    let (value, name) = match value {
                        SetTo::Number(value) => (Some(&**value), None),
                        SetTo::Field(field) => (None, Some(NameFrom::Slot(self.lowering.slot(*field).1))),
                        SetTo::Name(name) => (None, Some(NameFrom::Reference(self.lowering.reference(name)))),
                    };
                    let kind = SiteKind::Set { slot, until: *until, name };
                    let place = self.lowering.place(*place);
                    self.act(Site { rule, kind, to: None, reason: None, place }, value, den);
                }
                Step::Multiply { group, by, place } => {
                    let place = self.lowering.place(*place);
                    let before = self.at(place);
                    let by = self.number(by);
                    // What is there stays; the rule adds the rest.
                    let more = self.add(by, super::fraction::Fraction::constant(1, 1), true);
                    let (num, den) = (self.wide(more.num), self.wide_den(more.den));
                    for account in awarded(self.lowering.program, *group) {
                        let site = self.lowering.site(Site {
                            rule,
                            kind: SiteKind::Multiply { account, group: *group },
                            to: None,
                            reason: None,
                            place,
                        });
                        self.emit(Inst::Award { site, num, den, row: None });
                    }
                    self.at(before);
                }
                Step::Discount { meaning, amount, target, fall, rounding, reason, place } => {
                    let place = self.lowering.place(*place);
                    let before = self.at(place);
                    let site = self.lowering.site(Site {
                        rule,
                        kind: SiteKind::Discount { amount: *meaning, fall: *fall, rounding: *rounding },
                        to: None,
                        reason: reason.clone(),
                        place,
                    });
                    let mut amount = self.number(amount);
                    let spread = matches!(fall, Fall::Spread(_));
                    if spread && *meaning != DiscountAmount::Share {
                        amount = self.for_all_sets(amount);
                    }
                    let selection = self.selection(target);
                    let (num, den) = (self.wide(amount.num), self.wide_den(amount.den));
                    self.emit(Inst::Discount { site, selection, num, den });
                    self.at(before);
                }
            }
        }
    }
}

impl Builder<'_, '_> {
    /// Proposes a number of what a site gives, counted in so many parts of one; of what has no number, one.
    fn act(&mut self, site: Site, number: Option<&Expr>, den: i128) {
        let before = self.at(site.place);
        let site = self.lowering.site(site);
        let mut number = match number {
            Some(number) => self.number(number),
            None => super::fraction::Fraction::constant(1, 1),
        };
        if den != 1 {
            number = self.multiply(number, super::fraction::Fraction::constant(den, 1));
        }
        let (num, den) = (self.wide(number.num), self.wide_den(number.den));
        self.emit(Inst::Award { site, num, den, row: None });
        self.at(before);
    }
}

/// The accounts to which rules of a group award, in order; what a rule of it multiplies is of an earlier group.
fn awarded(program: &Program, group: GroupId) -> BTreeSet<AccountId> {
    let mut accounts = BTreeSet::new();
    let mut groups = vec![group];
    let mut next = 0;
    while let Some(group) = groups.get(next).copied() {
        next += 1;
        for rule in program.rules.iter().filter(|rule| rule.group == group) {
            awards_of(&rule.steps, &mut accounts, &mut groups);
        }
    }
    accounts
}

fn awards_of(steps: &[Step], accounts: &mut BTreeSet<AccountId>, groups: &mut Vec<GroupId>) {
    walk::steps(steps, &mut |node| match node {
        Node::Step(Step::Award { account, .. }) => {
            accounts.insert(*account);
        }
        Node::Step(Step::Multiply { group, .. }) if !groups.contains(group) => groups.push(*group),
        Node::Step(_) | Node::Expr(_) | Node::Source(_) => {}
    });
}

/// Whether a collection is chosen by more than a condition, so that it is worked out where it is bound.
fn picks(source: &Source) -> bool {
    match &source.kind {
        SourceKind::All | SourceKind::Past(_) | SourceKind::Bound(_) | SourceKind::One(_) => false,
        SourceKind::Filter(inner, _) => picks(inner),
        SourceKind::Extreme { .. } | SourceKind::EveryNth { .. } | SourceKind::Set { .. } => true,
    }
}

impl super::Lowering<'_> {
    fn gift_option(&mut self, option: &GiftOption) -> ir::GiftOption {
        let stock = option.stock.as_ref().map(|(stock, name)| {
            let counter = ir::Counter {
                name: name.clone(),
                per: ir::CounterKey::Campaign,
                window: ir::Window::Ever,
                of: ir::LimitOf::Gifts,
            };
            (*stock, self.counter(counter))
        });
        let reference = self.reference(&option.reference);
        ir::GiftOption { sku: option.sku.clone(), reference, choice: option.choice, stock }
    }

    /// The atoms that a rule's own conditions are.
    pub fn rule_atoms(&mut self, rule: &Rule) -> Vec<AtomId> {
        let mut atoms = Vec::new();
        for step in &rule.steps {
            let Step::When(condition) = step else { continue };
            let program = self.program;
            let mut parts = Vec::new();
            conjuncts(program, condition, &mut parts);
            for part in parts {
                if let Some(atom) = self.atom(part, Space::Event) {
                    let atom = self.atom_id(atom);
                    let place = self.place(part.place);
                    let measure = self.atom_measure(part);
                    self.condition(place, Role::Rule, Some(atom), measure);
                    atoms.push(atom);
                }
            }
        }
        atoms.sort_unstable();
        atoms.dedup();
        atoms
    }
}
