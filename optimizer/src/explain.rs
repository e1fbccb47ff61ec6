//! Why a contact was dropped: the rule that its member's choice would break with it, the limit that is full, or its own worth.
//! Refuses to know how the choice was made.

use crate::bits::{Bits, Mask};
use crate::local::{Part, Scratch, each_part};
use crate::model::{Problem, Span};
use crate::rows::Rows;
use crate::solve::{Solution, worth_of};

/// Why a contact is not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It would add nothing to the objective.
    Worth,
    /// With what else its member gets, it breaks this rule.
    Rule(usize),
    /// A limit that members share is used up: the rule, and the window.
    Full(usize, Span),
    /// Others are worth more for what they use of this limit.
    Price(usize, Span),
    /// The member gets nothing, because a least number of this rule is not reached.
    Least(usize),
}

/// Tells of each contact that is not chosen why, in the order of the contacts.
pub fn why_dropped(problem: &Problem, solution: &Solution, tell: &mut impl FnMut(usize, Dropped)) {
    let rows = Rows::of(problem, worth_of(problem));
    let mut used = vec![0i128; rows.list.len()];
    for contact in solution.chosen.contacts() {
        for id in rows.of_class(problem.class[contact]) {
            used[*id as usize] += i128::from(rows.list[*id as usize].use_of(problem, contact));
        }
    }
    let mut scratch = Scratch::default();
    for member in 0..problem.member_count() {
        let range = problem.contacts_of(member);
        let chosen = solution.chosen.of(range.clone());
        if chosen.count() as usize == range.len() {
            continue;
        }
        let mut broken: Vec<Option<(bool, usize)>> = vec![None; range.len()];
        each_part(problem, member, &mut scratch, &mut |rule, part| {
            for (item, broken) in broken.iter_mut().enumerate() {
                if broken.is_none() && !chosen.has(item) && breaks(part, chosen, item) {
                    *broken = Some((matches!(part, Part::AtLeast(..) | Part::Nothing), rule));
                }
            }
        });
        for (item, contact) in range.enumerate() {
            if chosen.has(item) {
                continue;
            }
            let full = rows.of_class(problem.class[contact]).iter().filter(|id| {
                let row = &rows.list[**id as usize];
                let own = i128::from(row.use_of(problem, contact));
                row.worth.is_none() && own > 0 && used[**id as usize] + own > row.bound
            });
            let price = |id: &u32| solution.uses.get(*id as usize).map_or(0, |own| own.price);
            let dearest = |ids: &mut dyn Iterator<Item = &u32>| {
                ids.copied().max_by_key(|id| (price(id), std::cmp::Reverse(*id)))
            };
            let why = match broken.get(item).copied().flatten() {
                Some((false, rule)) => Dropped::Rule(rule),
                Some((true, rule)) if problem.score.get(contact) > 0 => Dropped::Least(rule),
                Some((true, _)) | None if problem.score.get(contact) <= 0 => Dropped::Worth,
                Some((true, _)) | None => match dearest(&mut full.into_iter()) {
                    Some(id) => Dropped::Full(rows.list[id as usize].rule, rows.list[id as usize].span),
                    None => {
                        let paid = rows.of_class(problem.class[contact]).iter().filter(|id| {
                            price(id) > 0 && rows.list[**id as usize].use_of(problem, contact) > 0
                        });
                        match dearest(&mut paid.into_iter()) {
                            Some(id) => {
                                Dropped::Price(rows.list[id as usize].rule, rows.list[id as usize].span)
                            }
                            None => Dropped::Worth,
                        }
                    }
                },
            };
            tell(contact, why);
        }
    }
}

/// Whether a choice that meets a part does not with one contact more.
fn breaks(part: Part<'_, Bits>, chosen: Bits, item: usize) -> bool {
    let with = chosen.with(item);
    match part {
        Part::Out(mask) => mask.has(item),
        Part::Nothing => true,
        Part::AtMost(mask, most) => mask.has(item) && (with & mask).count() > most,
        Part::Apart(first, mask) => {
            (usize::from(first) == item && with.meets(mask)) || (mask.has(item) && with.has(first.into()))
        }
        Part::Needs(first, mask) => usize::from(first) == item && !with.meets(mask),
        Part::AtLeast(mask, least) => (with & mask).count() < least,
        Part::Groups(sets, most) => {
            let hit = |chosen: Bits| sets.iter().filter(|set| set.meets(chosen)).count();
            hit(with) > most as usize && hit(with) > hit(chosen)
        }
    }
}
