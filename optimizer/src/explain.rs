//! Why a contact was dropped: the rule that its member's choice would break with it, the limit that is full, or its own worth.
//! Refuses to know how the choice was made.

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
    for (member, chosen) in solution.chosen.iter().enumerate() {
        for (item, contact) in problem.contacts_of(member).enumerate() {
            if chosen >> item & 1 == 1 {
                for id in rows.of_class(problem.class[contact]) {
                    used[*id as usize] += i128::from(rows.list[*id as usize].use_of(problem, contact));
                }
            }
        }
    }
    let mut scratch = Scratch::default();
    for (member, chosen) in solution.chosen.iter().enumerate() {
        let range = problem.contacts_of(member);
        if chosen.count_ones() as usize == range.len() {
            continue;
        }
        let mut broken: Vec<Option<(bool, usize)>> = vec![None; range.len()];
        each_part(problem, member, &mut scratch, &mut |rule, part| {
            for (item, broken) in broken.iter_mut().enumerate() {
                if broken.is_none() && chosen >> item & 1 == 0 && breaks(part, *chosen, item as u8) {
                    *broken = Some((matches!(part, Part::AtLeast(..) | Part::Nothing), rule));
                }
            }
        });
        for (item, contact) in range.enumerate() {
            if chosen >> item & 1 == 1 {
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
                Some((true, rule)) if problem.score[contact] > 0 => Dropped::Least(rule),
                Some((true, _)) | None if problem.score[contact] <= 0 => Dropped::Worth,
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
fn breaks(part: Part<'_>, chosen: u64, item: u8) -> bool {
    let with = chosen | 1 << item;
    match part {
        Part::Out(mask) => mask >> item & 1 == 1,
        Part::Nothing => true,
        Part::AtMost(mask, most) => mask >> item & 1 == 1 && (with & mask).count_ones() > most,
        Part::Apart(first, mask) => {
            (first == item && with & mask != 0) || (mask >> item & 1 == 1 && with >> first & 1 == 1)
        }
        Part::Needs(first, mask) => first == item && with & mask == 0,
        Part::AtLeast(mask, least) => (with & mask).count_ones() < least,
        Part::Groups(sets, most) => {
            let hit = |chosen: u64| sets.iter().filter(|set| *set & chosen != 0).count();
            hit(with) > most as usize && hit(with) > hit(chosen)
        }
    }
}
