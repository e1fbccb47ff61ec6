//! One contact at a time: may this member get this now, given what was sent? Refuses to know what else could be sent instead.

use crate::bits::Bits;
use crate::local::{Part, Scratch, each_part};
use crate::model::{Problem, Span};
use crate::rows::Rows;

/// What keeps a contact back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// A rule for each member.
    Rule(usize),
    /// A limit that members share is used up in this window.
    Full(usize, Span),
}

/// What keeps the one contact of a problem back, whose history is all that was sent: each rule once. A least number keeps
/// nothing back, since one contact is not the last.
pub fn admit(problem: &Problem) -> Vec<Held> {
    let mut held = Vec::new();
    for member in 0..problem.member_count() {
        each_part(problem, member, &mut Scratch::<Bits>::default(), &mut |rule, part| match part {
            Part::Out(_) | Part::Needs(..) => held.push(Held::Rule(rule)),
            Part::Nothing | Part::AtMost(..) | Part::Apart(..) | Part::AtLeast(..) | Part::Groups(..) => {}
        });
    }
    let rows = Rows::of(problem, 1);
    for (contact, class) in problem.class.iter().enumerate() {
        for id in rows.of_class(*class) {
            let row = &rows.list[*id as usize];
            let own = i128::from(row.use_of(problem, contact));
            if row.worth.is_none() && own > 0 && own > row.bound {
                held.push(Held::Full(row.rule, row.span));
            }
        }
    }
    held.sort_unstable();
    held.dedup_by_key(|held| match held {
        Held::Rule(rule) | Held::Full(rule, _) => *rule,
    });
    held
}
