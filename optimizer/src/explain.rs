//! Why a contact was dropped: the rule that its member's choice would break with it, the limit that is full, or its own worth.
//! Refuses to know how the choice was made.

use crate::bits::{Bits, Mask};
use crate::local::{Locals, Part, Scratch, each_part, skipped_of};
use crate::model::{Problem, Rule, Span};
use crate::rows::Rows;
use crate::solve::{Solution, worth_of};
use crate::subset::Chooser;

/// Why a contact is not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It would add nothing to the objective.
    Worth,
    /// With what else its member gets, it breaks this rule, and its member would not get it either if nothing were shared.
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
    let locals = Locals::of(problem, 1);
    let (mut scratch, mut chooser) = (Scratch::default(), Chooser::default());
    let skips = problem.rules.iter().any(|rule| matches!(rule, Rule::Each(each) if each.skip));
    for member in 0..problem.member_count() {
        let range = problem.contacts_of(member);
        let chosen = solution.chosen.of(range.clone());
        if chosen.count() as usize == range.len() {
            continue;
        }
        let mut broken: Vec<Option<(bool, usize)>> = vec![None; range.len()];
        let skipped = if skips { skipped_of(problem, member) } else { Vec::new() };
        each_part(problem, member, &mut scratch, &mut |rule, part| {
            let least = matches!(part, Part::AtLeast(..) | Part::Nothing);
            if least && skipped.contains(&rule) {
                return;
            }
            for (item, broken) in broken.iter_mut().enumerate() {
                if broken.is_none() && !chosen.has(item) && breaks(part, chosen, item) {
                    *broken = Some((least, rule));
                }
            }
        });
        // What the member would get if nothing were shared: what is dropped of that, shared limits drop.
        chooser.gains.clear();
        chooser.gains.extend(range.clone().map(|contact| problem.score.get(contact)));
        let wanted = chooser.best(&locals, member).chosen;
        for (item, contact) in range.enumerate() {
            if chosen.has(item) {
                continue;
            }
            let limit = || shared(problem, solution, (&rows, &used), contact);
            let why = match broken.get(item).copied().flatten() {
                Some((false, rule)) => limit().filter(|_| wanted.has(item)).unwrap_or(Dropped::Rule(rule)),
                Some((true, rule)) if problem.score.get(contact) > 0 => {
                    limit().filter(|_| wanted.has(item)).unwrap_or(Dropped::Least(rule))
                }
                Some((true, _)) | None if problem.score.get(contact) <= 0 => Dropped::Worth,
                Some((true, _)) | None => limit().unwrap_or(Dropped::Worth),
            };
            tell(contact, why);
        }
    }
}

/// The limit that members share and that keeps a contact out: the dearest that is used up, or else the dearest that it would use.
fn shared(
    problem: &Problem,
    solution: &Solution,
    (rows, used): (&Rows, &[i128]),
    contact: usize,
) -> Option<Dropped> {
    let price = |id: usize| solution.uses.get(id).map_or(0, |own| own.price);
    let own = rows.of_class(problem.class[contact]).iter().map(|id| *id as usize);
    let own = own.filter(|id| rows.list[*id].use_of(problem, contact) > 0);
    let standing = own.filter_map(|id| {
        let row = &rows.list[id];
        let after = used[id] + i128::from(row.use_of(problem, contact));
        let full = row.worth.is_none() && after > row.bound;
        (full || price(id) > 0).then_some((full, price(id), std::cmp::Reverse(id)))
    });
    let (full, _, std::cmp::Reverse(id)) = standing.max()?;
    let row = &rows.list[id];
    Some(if full { Dropped::Full(row.rule, row.span) } else { Dropped::Price(row.rule, row.span) })
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
