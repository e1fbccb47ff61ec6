//! What rules can do, one effect at a time, with the conditions under which they do it: the material of proofs. It
//! refuses to know what is to be proved.

use crate::ir::{self, DiscountAmount, EventId, Fall, GroupId, Phase, Rounding, RuleId};
use crate::typed::{Bundle, Element, Expr, LocalId, Program, Rule, Source, SourceKind, Step};
use rustc_hash::FxHashMap;

/// How deep sources are followed.
const DEEPEST: u32 = 24;

/// An effect of a rule.
#[derive(Clone, Debug)]
pub struct Act<'p> {
    /// Its rule.
    pub rule: RuleId,
    /// The rule's group.
    pub group: GroupId,
    /// The group's phase.
    pub phase: Phase,
    /// Conditions on the event that must hold.
    pub conditions: Vec<&'p Expr>,
    /// Conditions on the line, each with the name that it has for it.
    pub of_line: Vec<(&'p Expr, LocalId)>,
    /// Names that the line has in its amount.
    pub elements: Vec<LocalId>,
    /// What it does.
    pub deed: Deed<'p>,
}

/// What an effect does.
#[derive(Clone, Copy, Debug)]
pub enum Deed<'p> {
    /// Takes off the price.
    Discount {
        /// What the number means.
        meaning: DiscountAmount,
        /// The number.
        amount: &'p Expr,
        /// How it falls.
        fall: Fall,
        /// How it rounds.
        rounding: Rounding,
        /// All pieces of each line that it falls on.
        whole: bool,
        /// It is worked out once for each line or basket, and not for sets or for rows beside lines.
        once: bool,
    },
    /// Takes off what a product costs that is given.
    Gift,
    /// Gives to an account.
    Award {
        /// Which.
        account: ir::AccountId,
        /// How much.
        amount: &'p Expr,
        /// For each line or unit; otherwise to the basket.
        each: Option<Element>,
        /// Its own rounding.
        rounding: Option<Rounding>,
        /// All pieces of each line that it is for.
        whole: bool,
        /// It is worked out once for each line or basket.
        once: bool,
    },
    /// Gives more of what a group has given.
    Multiply {
        /// Which group.
        group: GroupId,
        /// By how much.
        by: &'p Expr,
    },
}

/// All effects on prices and accounts that rules have for a kind of event, in the order of settlement. Awards to others
/// than the event's member are left out.
pub fn acts(program: &Program, kind: EventId) -> Vec<Act<'_>> {
    let mut all = Vec::new();
    for (group, group_id) in program.groups.iter().zip(0u32..) {
        let mut rules: Vec<(RuleId, &Rule)> = program
            .rules
            .iter()
            .zip(0u32..)
            .filter(|(rule, _)| rule.group == GroupId(group_id) && rule.events.binary_search(&kind).is_ok())
            .map(|(rule, id)| (RuleId(id), rule))
            .collect();
        rules.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.priority));
        for (id, rule) in rules {
            let mut reading = Reading {
                id,
                group: GroupId(group_id),
                phase: group.phase,
                conditions: Vec::new(),
                lets: FxHashMap::default(),
                loops: Vec::new(),
                odd: false,
                bundles: Vec::new(),
                all: &mut all,
            };
            reading.steps(&rule.steps);
        }
    }
    all
}

struct Reading<'p, 'o> {
    id: RuleId,
    group: GroupId,
    phase: Phase,
    conditions: Vec<&'p Expr>,
    lets: FxHashMap<LocalId, &'p Source>,
    /// The loops around the place.
    loops: Vec<&'p Source>,
    /// Inside sets, or a loop over rows that are no lines.
    odd: bool,
    /// The bundles around the place.
    bundles: Vec<&'p Bundle>,
    all: &'o mut Vec<Act<'p>>,
}

/// What is known of the lines that a source has.
#[derive(Default)]
struct Lines<'p> {
    conditions: Vec<(&'p Expr, LocalId)>,
    elements: Vec<LocalId>,
    /// Some pieces may be left out.
    picked: bool,
    /// The lines are those of the innermost loops.
    loops: bool,
    /// Of a set, the pieces of this part.
    part: Option<u32>,
}

impl<'p> Reading<'p, '_> {
    fn steps(&mut self, steps: &'p [Step]) {
        let before = self.conditions.len();
        for step in steps {
            match step {
                Step::When(condition) => crate::lint::conditions::conjuncts(condition, &mut self.conditions),
                Step::Let(..) => {}
                Step::LetCollection(local, source) => {
                    self.lets.insert(*local, source);
                }
                Step::ForEach { source, body } => {
                    let was = self.odd;
                    let again = !self.loops.is_empty();
                    self.odd |= again || !matches!(source.of, Element::Line | Element::Unit);
                    self.loops.push(source);
                    self.steps(body);
                    self.loops.pop();
                    self.odd = was;
                }
                Step::Sets { bundle, body } => {
                    let was = std::mem::replace(&mut self.odd, true);
                    self.bundles.push(bundle);
                    self.steps(body);
                    self.bundles.pop();
                    self.odd = was;
                }
                Step::Discount { meaning, amount, target, fall, rounding, reason: _, place: _ } => {
                    // What falls on all parts of a set falls on pieces of one part or another: as many effects.
                    for part in self.parts(target, DEEPEST) {
                        let mut lines = Lines { part, ..Lines::default() };
                        self.lines(target, &mut lines, DEEPEST);
                        // In a loop, what is not of the loop's own line is done again and again.
                        let once = !self.odd && (self.loops.is_empty() || lines.loops);
                        let deed = Deed::Discount {
                            meaning: *meaning,
                            amount,
                            fall: *fall,
                            rounding: *rounding,
                            whole: !lines.picked,
                            once,
                        };
                        self.add(lines, deed);
                    }
                }
                Step::Gift { .. } => self.add(Lines::default(), Deed::Gift),
                Step::Award { account, amount, rounding, to: None, element, .. } => {
                    let mut lines = Lines::default();
                    let mut each = None;
                    if let Some((element, local)) = element {
                        each = Some(*element);
                        let of = self.loops.iter().rev().find(|source| source.element == *local).copied();
                        if let Some(source) = of {
                            self.lines(source, &mut lines, DEEPEST);
                        }
                        lines.elements.push(*local);
                    }
                    let once = !self.odd && self.loops.len() == usize::from(each.is_some());
                    let deed = Deed::Award {
                        account: *account,
                        amount,
                        each,
                        rounding: *rounding,
                        whole: !lines.picked,
                        once,
                    };
                    self.add(lines, deed);
                }
                Step::Multiply { group, by, place: _ } => {
                    self.add(Lines::default(), Deed::Multiply { group: *group, by });
                }
                Step::Award { .. }
                | Step::Debit { .. }
                | Step::TenderLines { .. }
                | Step::TenderTerm { .. }
                | Step::Issue { .. }
                | Step::Tell { .. }
                | Step::Set { .. } => {}
            }
        }
        // A condition inside a loop holds for its rows alone.
        if !self.loops.is_empty() || self.odd {
            self.conditions.truncate(before);
        }
    }

    fn add(&mut self, lines: Lines<'p>, deed: Deed<'p>) {
        self.all.push(Act {
            rule: self.id,
            group: self.group,
            phase: self.phase,
            conditions: self.conditions.clone(),
            of_line: lines.conditions,
            elements: lines.elements,
            deed,
        });
    }

    /// What a part of a bundle takes its pieces from.
    fn part(&self, bundle: LocalId, part: Option<u32>) -> Option<&'p Source> {
        let bundle = self.bundles.iter().find(|own| own.local == bundle)?;
        bundle.parts.get(part? as usize).map(|part| &part.of)
    }

    /// The parts of a set that a source has pieces of, where it does not say which.
    fn parts(&self, source: &'p Source, depth: u32) -> Vec<Option<u32>> {
        let Some(depth) = depth.checked_sub(1) else { return vec![None] };
        match &source.kind {
            SourceKind::Set { bundle, part: None } => {
                match self.bundles.iter().find(|own| own.local == *bundle) {
                    Some(of) if !of.parts.is_empty() => {
                        (0u32..).zip(&of.parts).map(|(part, _)| Some(part)).collect()
                    }
                    Some(_) | None => vec![None],
                }
            }
            SourceKind::One(local) => match self.loops.iter().rev().find(|own| own.element == *local) {
                Some(of) => self.parts(of, depth),
                None => vec![None],
            },
            SourceKind::Bound(local) => {
                self.lets.get(local).map_or_else(|| vec![None], |bound| self.parts(bound, depth))
            }
            SourceKind::Filter(from, _)
            | SourceKind::Extreme { from, .. }
            | SourceKind::EveryNth { from, .. } => self.parts(from, depth),
            SourceKind::All | SourceKind::Past(_) | SourceKind::Set { bundle: _, part: Some(_) } => {
                vec![None]
            }
        }
    }

    /// What holds for every line that a source has pieces of.
    fn lines(&self, source: &'p Source, out: &mut Lines<'p>, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            out.picked = true;
            return;
        };
        out.elements.push(source.element);
        match &source.kind {
            SourceKind::All | SourceKind::Past(_) => {}
            SourceKind::Bound(local) => match self.lets.get(local) {
                Some(bound) => self.lines(bound, out, depth),
                None => out.picked = true,
            },
            SourceKind::One(local) => {
                out.elements.push(*local);
                match self.loops.iter().rev().find(|source| source.element == *local) {
                    Some(of) => {
                        out.loops = true;
                        self.lines(of, out, depth);
                    }
                    None => out.picked = true,
                }
            }
            SourceKind::Set { bundle, part } => {
                out.picked = true;
                if let Some(part) = self.part(*bundle, part.or(out.part)) {
                    self.lines(part, out, depth);
                }
            }
            SourceKind::Filter(from, condition) => {
                let mut parts = Vec::new();
                crate::lint::conditions::conjuncts(condition, &mut parts);
                out.conditions.extend(parts.into_iter().map(|part| (part, source.element)));
                self.lines(from, out, depth);
            }
            SourceKind::Extreme { from, .. } | SourceKind::EveryNth { from, .. } => {
                out.picked = true;
                self.lines(from, out, depth);
            }
        }
    }
}
