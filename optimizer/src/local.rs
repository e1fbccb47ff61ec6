//! What the rules say of one member, as masks over the member's contacts. Refuses to know what members share, and what is
//! chosen.

use crate::model::{Counted, Each, Link, Never, Past, Problem, Rule, Scope, Window};

/// One thing that a rule asks of a member's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// None of these.
    Out(u64),
    /// Nothing at all: a least number cannot be reached.
    Nothing,
    /// So many of these at most.
    AtMost(u64, u32),
    /// The first not with any of these.
    Apart(u8, u64),
    /// The first only with one of these.
    Needs(u8, u64),
    /// Whoever gets anything gets so many of these.
    AtLeast(u64, u32),
    /// Of so many of these sets at most is something chosen.
    Groups(&'a [u64], u32),
}

/// Memory for [`each_part`].
#[derive(Debug, Default)]
pub struct Scratch {
    days: Vec<i32>,
    items: Vec<(i32, u8)>,
    past: Vec<i32>,
    found: Vec<(u64, u32)>,
    groups: Vec<u64>,
    ids: Vec<u32>,
}

/// Whether a span of the window holds both days.
fn together(window: &Window, a: i32, b: i32) -> bool {
    let (low, high) = (a.min(b), a.max(b));
    // Of the spans that reach the later day, the first begins earliest.
    let at = window.spans.partition_point(|span| span.last < high);
    window.spans.get(at).is_some_and(|span| span.first <= low)
}

/// Tells `tell` what each rule asks of a member, with the rule's position. What another part of the same rule implies may be
/// left out.
pub fn each_part(
    problem: &Problem,
    member: usize,
    scratch: &mut Scratch,
    tell: &mut impl FnMut(usize, Part<'_>),
) {
    let range = problem.contacts_of(member);
    let classes = problem.class.get(range.clone()).unwrap_or_default();
    let class_of = |item: usize| classes.get(item).and_then(|class| problem.classes.get(*class as usize));
    let past = problem.history_of(member);
    scratch.days.clear();
    scratch.days.extend((0..classes.len()).map(|item| class_of(item).map_or(0, |class| class.day)));
    let scopes_of = |item: usize| class_of(item).map_or(0, |class| class.scopes);
    let all = (0..classes.len()).fold(0u128, |all, item| all | scopes_of(item));
    let mask_of = |scope: Scope| {
        (0..classes.len())
            .filter(|item| scopes_of(*item) >> scope.0 & 1 == 1)
            .fold(0u64, |mask, item| mask | 1 << item)
    };
    let has = |scope: Option<Scope>| scope.is_none_or(|scope| all >> scope.0 & 1 == 1);
    for (rule, asked) in problem.rules.iter().enumerate() {
        match asked {
            Rule::Count(_) | Rule::Amount { .. } => {}
            Rule::Each(each) if has(each.members) => {
                let mask = mask_of(each.scope);
                if mask != 0 || each.at_least.is_some() {
                    each_rule(problem, each, mask, (past, range.clone()), scratch, &mut |part| {
                        tell(rule, part)
                    });
                }
            }
            Rule::Never(never) if has(never.members) => {
                let (a, b) = (mask_of(never.first), mask_of(never.second));
                never_rule(problem, never, (a, b), past, scratch, &mut |part| tell(rule, part));
            }
            Rule::Only(link) if has(link.members) => {
                let (of, on) = (mask_of(link.scope), mask_of(link.on));
                only_rule(problem, link, (of, on), past, scratch, &mut |part| tell(rule, part));
            }
            Rule::Each(_) | Rule::Never(_) | Rule::Only(_) => {}
        }
    }
}

fn bits(mut mask: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let bit = mask.trailing_zeros() as u8;
            mask &= mask - 1;
            bit
        })
    })
}

fn class_in(problem: &Problem, past: &Past, scope: Scope) -> Option<i32> {
    let class = problem.classes.get(past.class as usize)?;
    class.is_in(scope).then_some(class.day)
}

fn each_rule(
    problem: &Problem,
    each: &Each,
    mask: u64,
    (past, range): (&[Past], std::ops::Range<usize>),
    scratch: &mut Scratch,
    tell: &mut impl FnMut(Part<'_>),
) {
    let history = if each.window.history { past } else { &[] };
    if let Some(most) = each.at_most {
        match each.counted {
            Counted::Contacts => {
                limit(problem, each, mask, history, None, most, scratch, tell);
            }
            Counted::OfEachOffer => {
                let offers = problem.offer.get(range).unwrap_or_default();
                let mut left = mask;
                while let Some(first) = bits(left).next() {
                    let offer = offers.get(first as usize).copied().unwrap_or(0);
                    let same = bits(left)
                        .filter(|item| offers.get(*item as usize) == Some(&offer))
                        .fold(0u64, |same, item| same | 1 << item);
                    left &= !same;
                    limit(problem, each, same, history, Some(offer), most, scratch, tell);
                }
            }
            Counted::Packages => packages(problem, each, mask, history, (range, most), scratch, tell),
        }
    }
    let Some(least) = each.at_least else { return };
    for span in problem.spans_of_least(&each.window) {
        let own = bits(mask)
            .filter(|item| scratch.days.get(*item as usize).is_some_and(|day| span.holds(*day)))
            .fold(0u64, |own, item| own | 1 << item);
        let before = history.iter().filter_map(|past| class_in(problem, past, each.scope));
        let before = before.filter(|day| span.holds(*day)).count() as i64;
        let missing = least.saturating_sub(before);
        if missing > i64::from(own.count_ones()) {
            tell(Part::Nothing);
        } else if missing > 0 {
            tell(Part::AtLeast(own, missing as u32));
        }
    }
}

/// At most so many in each span.
#[expect(clippy::too_many_arguments, reason = "they are the rule, what it counts and where it tells")]
fn limit(
    problem: &Problem,
    each: &Each,
    mask: u64,
    history: &[Past],
    offer: Option<u32>,
    most: i64,
    scratch: &mut Scratch,
    tell: &mut impl FnMut(Part<'_>),
) {
    let Scratch { days, items, past, found, .. } = scratch;
    past.clear();
    let counts = |own: &&Past| offer.is_none_or(|offer| own.offer == offer);
    past.extend(history.iter().filter(counts).filter_map(|own| class_in(problem, own, each.scope)));
    if i64::from(mask.count_ones()) + past.len() as i64 <= most {
        return;
    }
    past.sort_unstable();
    items.clear();
    items.extend(bits(mask).map(|item| (days.get(item as usize).copied().unwrap_or(0), item)));
    items.sort_unstable();
    found.clear();
    // Both ends of the spans only go forward, and so do these.
    let (mut low, mut high, mut past_low, mut past_high) = (0, 0, 0, 0);
    let mut seen = (usize::MAX, usize::MAX, usize::MAX);
    for span in &each.window.spans {
        while items.get(low).is_some_and(|item| item.0 < span.first) {
            low += 1;
        }
        while items.get(high).is_some_and(|item| item.0 <= span.last) {
            high += 1;
        }
        while past.get(past_low).is_some_and(|day| *day < span.first) {
            past_low += 1;
        }
        while past.get(past_high).is_some_and(|day| *day <= span.last) {
            past_high += 1;
        }
        let before = past_high.saturating_sub(past_low);
        if low >= high || seen == (low, high, before) {
            continue;
        }
        seen = (low, high, before);
        let own = items.get(low..high).unwrap_or_default().iter().fold(0u64, |own, item| own | 1 << item.1);
        let left = most.saturating_sub(before as i64).max(0);
        if i64::from(own.count_ones()) > left {
            found.push((own, left as u32));
        }
    }
    for (at, (own, left)) in found.iter().enumerate() {
        let implied = found.iter().enumerate().any(|(other, (wide, most))| {
            other != at && own & !wide == 0 && most <= left && (wide != own || most < left || other < at)
        });
        if implied {
            continue;
        }
        if *left == 0 {
            tell(Part::Out(*own));
        } else {
            tell(Part::AtMost(*own, *left));
        }
    }
}

/// At most so many packages in each span.
fn packages(
    problem: &Problem,
    each: &Each,
    mask: u64,
    history: &[Past],
    (range, most): (std::ops::Range<usize>, i64),
    scratch: &mut Scratch,
    tell: &mut impl FnMut(Part<'_>),
) {
    let numbers = problem.package.get(range).unwrap_or_default();
    let Scratch { days, groups, ids, .. } = scratch;
    let mut seen: Option<(u64, i64)> = None;
    for span in &each.window.spans {
        let own = bits(mask)
            .filter(|item| days.get(*item as usize).is_some_and(|day| span.holds(*day)))
            .fold(0u64, |own, item| own | 1 << item);
        if own == 0 {
            continue;
        }
        ids.clear();
        let before = history
            .iter()
            .filter(|past| class_in(problem, past, each.scope).is_some_and(|day| span.holds(day)))
            .map(|past| past.package);
        ids.extend(before);
        ids.sort_unstable();
        ids.dedup();
        groups.clear();
        let mut left = own;
        while let Some(first) = bits(left).next() {
            let package = numbers.get(first as usize).copied().unwrap_or(0);
            let same = bits(left)
                .filter(|item| numbers.get(*item as usize) == Some(&package))
                .fold(0u64, |same, item| same | 1 << item);
            left &= !same;
            // What goes with a package that was sent is no package more.
            if ids.binary_search(&package).is_err() {
                groups.push(same);
            }
        }
        let room = most.saturating_sub(ids.len() as i64).max(0);
        let free = groups.iter().fold(0u64, |free, group| free | group);
        if seen == Some((free, room)) || groups.len() as i64 <= room {
            continue;
        }
        seen = Some((free, room));
        if room == 0 {
            tell(Part::Out(free));
        } else {
            tell(Part::Groups(groups, room as u32));
        }
    }
}

fn never_rule(
    problem: &Problem,
    never: &Never,
    (first, second): (u64, u64),
    past: &[Past],
    scratch: &mut Scratch,
    tell: &mut impl FnMut(Part<'_>),
) {
    let day = |item: u8| scratch.days.get(item as usize).copied().unwrap_or(0);
    let meet = |a: i32, b: i32| (!never.in_order || b > a) && together(&never.window, a, b);
    for a in bits(first) {
        let apart =
            bits(second).filter(|b| *b != a && meet(day(a), day(*b))).fold(0u64, |apart, b| apart | 1 << b);
        if apart != 0 {
            tell(Part::Apart(a, apart));
        }
    }
    if !never.window.history {
        return;
    }
    for made in past {
        let Some(class) = problem.classes.get(made.class as usize) else { continue };
        let mut out = 0u64;
        if class.is_in(never.first) {
            out |= bits(second).filter(|b| meet(class.day, day(*b))).fold(0u64, |out, b| out | 1 << b);
        }
        if class.is_in(never.second) {
            out |= bits(first).filter(|a| meet(day(*a), class.day)).fold(0u64, |out, a| out | 1 << a);
        }
        if out != 0 {
            tell(Part::Out(out));
        }
    }
}

fn only_rule(
    problem: &Problem,
    link: &Link,
    (of, on): (u64, u64),
    past: &[Past],
    scratch: &mut Scratch,
    tell: &mut impl FnMut(Part<'_>),
) {
    let day = |item: u8| scratch.days.get(item as usize).copied().unwrap_or(0);
    let helps = |other: i32, own: i32| (!link.after || other < own) && together(&link.window, other, own);
    for item in bits(of) {
        let own = day(item);
        let made = link.window.history
            && past
                .iter()
                .any(|made| class_in(problem, made, link.on).is_some_and(|other| helps(other, own)));
        if made {
            continue;
        }
        let others = bits(on)
            .filter(|other| *other != item && helps(day(*other), own))
            .fold(0u64, |others, other| others | 1 << other);
        tell(if others == 0 { Part::Out(1 << item) } else { Part::Needs(item, others) });
    }
}

/// What the rules say of a member, in one place.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// None of these.
    pub out: u64,
    /// At most so many of these.
    pub limits: &'a [(u64, u32)],
    /// The first not with these.
    pub apart: &'a [(u8, u64)],
    /// The first only with one of these.
    pub needs: &'a [(u8, u64)],
    /// So many of these, where there is anything.
    pub least: &'a [(u64, u32)],
    /// Of so many of the sets that follow (their number, then the limit) at most is something chosen.
    pub groups: &'a [u64],
}

impl Own<'_> {
    /// Whether a choice meets everything.
    pub fn admits(&self, chosen: u64) -> bool {
        let mut groups = Groups(self.groups);
        chosen & self.out == 0
            && self.limits.iter().all(|(mask, most)| (chosen & mask).count_ones() <= *most)
            && self.apart.iter().all(|(item, apart)| chosen >> item & 1 == 0 || chosen & apart == 0)
            && self.needs.iter().all(|(item, on)| chosen >> item & 1 == 0 || chosen & on != 0)
            && (chosen == 0 || self.least.iter().all(|(mask, least)| (chosen & mask).count_ones() >= *least))
            && groups.all(|(sets, most)| sets.iter().filter(|set| chosen & *set != 0).count() <= most)
    }
}

/// Sets with the number of them of which something may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a>(pub &'a [u64]);

impl<'a> Iterator for Groups<'a> {
    type Item = (&'a [u64], usize);

    fn next(&mut self) -> Option<Self::Item> {
        let [sets, most, rest @ ..] = self.0 else { return None };
        let (own, rest) = rest.split_at_checked(*sets as usize)?;
        self.0 = rest;
        Some((own, *most as usize))
    }
}

/// Lists of many members, one after another.
#[derive(Debug)]
struct Lists<T> {
    starts: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Lists { starts: vec![0], values: Vec::new() }
    }
}

impl<T> Lists<T> {
    fn close(&mut self) {
        self.starts.push(self.values.len() as u32);
    }

    fn of(&self, member: usize) -> &[T] {
        let at = |position: usize| self.starts.get(position).map_or(0, |start| *start as usize);
        self.values.get(at(member)..at(member + 1)).unwrap_or_default()
    }

    fn shrink(&mut self) {
        self.values.shrink_to_fit();
    }
}

/// Members whose parts stand together.
const CHUNK: usize = 1 << 14;

#[derive(Debug, Default)]
struct Chunk {
    out: Vec<u64>,
    limits: Lists<(u64, u32)>,
    apart: Lists<(u8, u64)>,
    needs: Lists<(u8, u64)>,
    least: Lists<(u64, u32)>,
    groups: Lists<u64>,
}

/// What the rules say of all members.
#[derive(Debug)]
pub struct Locals(Vec<Chunk>);

impl Locals {
    /// Of a problem that is checked.
    pub fn of(problem: &Problem, threads: usize) -> Locals {
        let members = problem.member_count();
        let chunks = members.div_ceil(CHUNK);
        let made = crate::solve::in_parallel(chunks, threads, Scratch::default, |chunk, scratch| {
            let first = chunk * CHUNK;
            Chunk::of(problem, first..members.min(first + CHUNK), scratch)
        });
        Locals(made)
    }

    /// Of one of them.
    pub fn own(&self, member: usize) -> Own<'_> {
        let at = member % CHUNK;
        match self.0.get(member / CHUNK) {
            Some(chunk) => Own {
                out: chunk.out.get(at).copied().unwrap_or(!0),
                limits: chunk.limits.of(at),
                apart: chunk.apart.of(at),
                needs: chunk.needs.of(at),
                least: chunk.least.of(at),
                groups: chunk.groups.of(at),
            },
            None => Own { out: !0, limits: &[], apart: &[], needs: &[], least: &[], groups: &[] },
        }
    }
}

impl Chunk {
    fn of(problem: &Problem, members: std::ops::Range<usize>, scratch: &mut Scratch) -> Chunk {
        let mut chunk = Chunk::default();
        for member in members {
            let mut out = 0u64;
            each_part(problem, member, scratch, &mut |_, part| match part {
                Part::Out(mask) => out |= mask,
                Part::Nothing => out = !0,
                Part::AtMost(mask, most) => chunk.limits.values.push((mask, most)),
                Part::Apart(item, mask) => chunk.apart.values.push((item, mask)),
                Part::Needs(item, mask) => chunk.needs.values.push((item, mask)),
                Part::AtLeast(mask, least) => chunk.least.values.push((mask, least)),
                Part::Groups(sets, most) => {
                    chunk.groups.values.extend([sets.len() as u64, u64::from(most)]);
                    chunk.groups.values.extend(sets);
                }
            });
            chunk.out.push(out);
            chunk.limits.close();
            chunk.apart.close();
            chunk.needs.close();
            chunk.least.close();
            chunk.groups.close();
        }
        chunk.limits.shrink();
        chunk.apart.shrink();
        chunk.needs.shrink();
        chunk.least.shrink();
        chunk.groups.shrink();
        chunk
    }
}
