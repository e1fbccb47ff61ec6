//! What the rules say of one member, as masks over the member's contacts. Refuses to know what members share, and what is
//! chosen.

use crate::bits::{Bits, Mask};
use crate::model::{Class, Counted, Each, Link, MAX_SCOPES, Never, Past, Problem, Rule, Scope, Window};
use crate::subset::Asker;
use std::ops::Range;

/// One thing that a rule asks of a member's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a, M> {
    /// None of these.
    Out(M),
    /// Nothing at all: a least number cannot be reached.
    Nothing,
    /// So many of these at most.
    AtMost(M, u32),
    /// The first not with any of these.
    Apart(u8, M),
    /// The first only with one of these.
    Needs(u8, M),
    /// Whoever gets anything gets so many of these.
    AtLeast(M, u32),
    /// Of so many of these sets at most is something chosen.
    Groups(&'a [M], u32),
}

/// Memory for [`each_part`].
#[derive(Debug, Default)]
pub struct Scratch<M> {
    days: Vec<i32>,
    /// By scope: the contacts that are in it.
    masks: Vec<M>,
    dated: Dated,
    found: Vec<(M, u32)>,
    groups: Vec<M>,
    ids: Vec<u32>,
    windows: Vec<Packed<M>>,
}

/// What a rule counts, by day, and its windows.
#[derive(Debug, Default)]
struct Dated {
    /// Contacts.
    items: Vec<(i32, u8)>,
    /// What was before: the day, and the package.
    past: Vec<(i32, u32)>,
    /// Windows, as parts of both.
    parts: Vec<(Range<usize>, Range<usize>)>,
}

impl Dated {
    /// Takes contacts beside what was before, and finds the windows of both. One all of which lies in another is left out: what the other
    /// asks implies what it does.
    fn take<M: Mask>(&mut self, window: &Window, mask: M, days: &[i32]) {
        let Dated { items, past, parts } = self;
        items.clear();
        items.extend(mask.positions().map(|item| (days.get(item).copied().unwrap_or(0), item as u8)));
        items.sort_unstable();
        past.sort_unstable();
        parts.clear();
        // Both ends of the spans only go forward, and so do these.
        let (mut own, mut before) = (0..0, 0..0);
        for span in &window.spans {
            while items.get(own.start).is_some_and(|item| item.0 < span.first) {
                own.start += 1;
            }
            while items.get(own.end).is_some_and(|item| item.0 <= span.last) {
                own.end += 1;
            }
            while past.get(before.start).is_some_and(|made| made.0 < span.first) {
                before.start += 1;
            }
            while past.get(before.end).is_some_and(|made| made.0 <= span.last) {
                before.end += 1;
            }
            if own.start >= own.end {
                continue;
            }
            if let Some(last) = parts.last_mut() {
                if last.0.end == own.end && last.1.end == before.end {
                    continue;
                }
                if last.0.start == own.start && last.1.start == before.start {
                    *last = (own.clone(), before.clone());
                    continue;
                }
            }
            parts.push((own.clone(), before.clone()));
        }
    }

    /// Contacts of a window.
    fn mask<M: Mask>(&self, window: &Range<usize>) -> M {
        of_items(self.items.get(window.clone()).unwrap_or_default().iter().map(|item| usize::from(item.1)))
    }
}

/// What is sent together in one window, and how much of it there may be.
#[derive(Debug)]
struct Packed<M> {
    free: M,
    room: i64,
    first: usize,
    count: usize,
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
pub fn each_part<M: Mask>(
    problem: &Problem,
    member: usize,
    scratch: &mut Scratch<M>,
    tell: &mut impl FnMut(usize, Part<'_, M>),
) {
    let range = problem.contacts_of(member);
    let classes = problem.class.get(range.clone()).unwrap_or_default();
    let past = problem.history_of(member);
    scratch.days.clear();
    let (mut all, mut masks) = (0u128, std::mem::take(&mut scratch.masks));
    masks.clear();
    masks.resize(MAX_SCOPES, M::default());
    for (item, class) in classes.iter().enumerate() {
        let class = problem.classes.get(*class as usize).copied().unwrap_or(Class { day: 0, scopes: 0 });
        scratch.days.push(class.day);
        all |= class.scopes;
        let mut left = class.scopes;
        while left != 0 {
            if let Some(mask) = masks.get_mut(left.trailing_zeros() as usize) {
                *mask = mask.with(item);
            }
            left &= left - 1;
        }
    }
    let mask_of = |scope: Scope| masks.get(usize::from(scope.0)).copied().unwrap_or_default();
    let has = |scope: Option<Scope>| scope.is_none_or(|scope| all >> scope.0 & 1 == 1);
    for (rule, asked) in problem.rules.iter().enumerate() {
        match asked {
            Rule::Count(_) | Rule::Amount { .. } => {}
            Rule::Each(each) if has(each.members) => {
                let mask = mask_of(each.scope);
                if !mask.is_none() || each.at_least.is_some() {
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
    scratch.masks = masks;
}

fn of_items<M: Mask>(items: impl Iterator<Item = usize>) -> M {
    items.fold(M::default(), M::with)
}

fn class_in(problem: &Problem, past: &Past, scope: Scope) -> Option<i32> {
    let class = problem.classes.get(past.class as usize)?;
    class.is_in(scope).then_some(class.day)
}

fn counted(problem: &Problem, past: &Past, scope: Scope) -> Option<(i32, u32)> {
    class_in(problem, past, scope).map(|day| (day, past.package))
}

fn each_rule<M: Mask>(
    problem: &Problem,
    each: &Each,
    mask: M,
    (past, range): (&[Past], std::ops::Range<usize>),
    scratch: &mut Scratch<M>,
    tell: &mut impl FnMut(Part<'_, M>),
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
                while let Some(first) = left.first() {
                    let offer = offers.get(first).copied().unwrap_or(0);
                    let same =
                        of_items::<M>(left.positions().filter(|item| offers.get(*item) == Some(&offer)));
                    left = left.without(same);
                    limit(problem, each, same, history, Some(offer), most, scratch, tell);
                }
            }
            Counted::Packages => packages(problem, each, mask, history, (range, most), scratch, tell),
        }
    }
    let Some(least) = each.at_least else { return };
    for span in problem.spans_of_least(&each.window) {
        let own: M = of_items(
            mask.positions().filter(|item| scratch.days.get(*item).is_some_and(|day| span.holds(*day))),
        );
        let before = history.iter().filter_map(|past| class_in(problem, past, each.scope));
        let before = before.filter(|day| span.holds(*day)).count() as i64;
        let missing = least.saturating_sub(before);
        if missing > i64::from(own.count()) {
            tell(Part::Nothing);
        } else if missing > 0 {
            tell(Part::AtLeast(own, missing as u32));
        }
    }
}

/// At most so many in each span.
#[expect(clippy::too_many_arguments, reason = "they are the rule, what it counts and where it tells")]
fn limit<M: Mask>(
    problem: &Problem,
    each: &Each,
    mask: M,
    history: &[Past],
    offer: Option<u32>,
    most: i64,
    scratch: &mut Scratch<M>,
    tell: &mut impl FnMut(Part<'_, M>),
) {
    let Scratch { days, dated, found, .. } = scratch;
    dated.past.clear();
    let counts = |own: &&Past| offer.is_none_or(|offer| own.offer == offer);
    dated.past.extend(history.iter().filter(counts).filter_map(|own| counted(problem, own, each.scope)));
    if i64::from(mask.count()) + dated.past.len() as i64 <= most {
        return;
    }
    dated.take(&each.window, mask, days);
    found.clear();
    for (own, before) in &dated.parts {
        let before = before.len();
        let own: M = dated.mask(own);
        let left = most.saturating_sub(before as i64).max(0);
        if i64::from(own.count()) > left {
            found.push((own, left as u32));
        }
    }
    for (at, (own, left)) in found.iter().enumerate() {
        let implied = found.iter().enumerate().any(|(other, (wide, most))| {
            other != at && own.is_in(*wide) && most <= left && (wide != own || most < left || other < at)
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
fn packages<M: Mask>(
    problem: &Problem,
    each: &Each,
    mask: M,
    history: &[Past],
    (range, most): (std::ops::Range<usize>, i64),
    scratch: &mut Scratch<M>,
    tell: &mut impl FnMut(Part<'_, M>),
) {
    let numbers = problem.package.get(range).unwrap_or_default();
    let Scratch { days, dated, groups, ids, windows, .. } = scratch;
    dated.past.clear();
    dated.past.extend(history.iter().filter_map(|own| counted(problem, own, each.scope)));
    if i64::from(mask.count()) + dated.past.len() as i64 <= most {
        return;
    }
    dated.take(&each.window, mask, days);
    windows.clear();
    groups.clear();
    for (own, before) in &dated.parts {
        let own: M = dated.mask(own);
        ids.clear();
        ids.extend(dated.past.get(before.clone()).unwrap_or_default().iter().map(|made| made.1));
        ids.sort_unstable();
        ids.dedup();
        let first = groups.len();
        let (mut left, mut free) = (own, M::default());
        while let Some(one) = left.first() {
            let package = numbers.get(one).copied().unwrap_or(0);
            let same: M = of_items(left.positions().filter(|item| numbers.get(*item) == Some(&package)));
            left = left.without(same);
            // What goes with a package that was sent is no package more.
            if ids.binary_search(&package).is_err() {
                groups.push(same);
                free = free | same;
            }
        }
        let room = most.saturating_sub(ids.len() as i64).max(0);
        let count = groups.len() - first;
        if count as i64 <= room || windows.last().is_some_and(|last| last.free == free && last.room <= room) {
            groups.truncate(first);
        } else {
            windows.push(Packed { free, room, first, count });
        }
    }
    for (at, own) in windows.iter().enumerate() {
        // Whatever a window has that holds no more, a wider one with as little room has, too.
        let implied = windows.iter().enumerate().any(|(other, wide)| {
            other != at
                && own.free.is_in(wide.free)
                && wide.room <= own.room
                && (wide.free != own.free || wide.room < own.room || other < at)
        });
        if implied {
            continue;
        }
        if own.room == 0 {
            tell(Part::Out(own.free));
        } else {
            let sets = groups.get(own.first..own.first + own.count).unwrap_or_default();
            tell(Part::Groups(sets, u32::try_from(own.room).unwrap_or(u32::MAX)));
        }
    }
}

fn never_rule<M: Mask>(
    problem: &Problem,
    never: &Never,
    (first, second): (M, M),
    past: &[Past],
    scratch: &mut Scratch<M>,
    tell: &mut impl FnMut(Part<'_, M>),
) {
    let day = |item: usize| scratch.days.get(item).copied().unwrap_or(0);
    let meet = |a: i32, b: i32| (!never.in_order || b > a) && together(&never.window, a, b);
    for a in first.positions() {
        let apart: M = of_items(second.positions().filter(|b| *b != a && meet(day(a), day(*b))));
        if !apart.is_none() {
            tell(Part::Apart(a as u8, apart));
        }
    }
    if !never.window.history {
        return;
    }
    for made in past {
        let Some(class) = problem.classes.get(made.class as usize) else { continue };
        let mut out = M::default();
        if class.is_in(never.first) {
            out = out | of_items(second.positions().filter(|b| meet(class.day, day(*b))));
        }
        if class.is_in(never.second) {
            out = out | of_items(first.positions().filter(|a| meet(day(*a), class.day)));
        }
        if !out.is_none() {
            tell(Part::Out(out));
        }
    }
}

fn only_rule<M: Mask>(
    problem: &Problem,
    link: &Link,
    (of, on): (M, M),
    past: &[Past],
    scratch: &mut Scratch<M>,
    tell: &mut impl FnMut(Part<'_, M>),
) {
    let day = |item: usize| scratch.days.get(item).copied().unwrap_or(0);
    let helps = |other: i32, own: i32| (!link.after || other < own) && together(&link.window, other, own);
    for item in of.positions() {
        let own = day(item);
        let made = link.window.history
            && past
                .iter()
                .any(|made| class_in(problem, made, link.on).is_some_and(|other| helps(other, own)));
        if made {
            continue;
        }
        let others: M = of_items(on.positions().filter(|other| *other != item && helps(day(*other), own)));
        tell(if others.is_none() { Part::Out(M::bit(item)) } else { Part::Needs(item as u8, others) });
    }
}

/// What the rules say of a member, in one place.
#[derive(Clone, Debug)]
pub struct Own<M> {
    /// None of these.
    pub out: M,
    /// At most so many of these.
    pub limits: Vec<(M, u32)>,
    /// The first not with these, nor they with it.
    pub apart: Vec<(u8, M)>,
    /// The first only with one of these.
    pub needs: Vec<(u8, M)>,
    /// So many of these, where there is anything.
    pub least: Vec<(M, u32)>,
    /// What is sent together.
    pub systems: Vec<System<M>>,
}

/// Sets of contacts, and of how many of them something may be chosen.
#[derive(Clone, Debug, Default)]
pub struct System<M> {
    /// The sets.
    pub sets: Vec<M>,
    /// Which of the sets, and how many at most.
    pub windows: Vec<(M, u32)>,
}

impl<M: Mask> Default for Own<M> {
    fn default() -> Own<M> {
        Own {
            out: M::default(),
            limits: Vec::new(),
            apart: Vec::new(),
            needs: Vec::new(),
            least: Vec::new(),
            systems: Vec::new(),
        }
    }
}

impl<M: Mask> System<M> {
    /// Of which sets a choice has something.
    pub fn hit(&self, chosen: M) -> M {
        of_items((0..self.sets.len()).filter(|at| self.sets.get(*at).is_some_and(|set| set.meets(chosen))))
    }
}

impl<M: Mask> Own<M> {
    /// Whether a choice meets everything.
    pub fn admits(&self, chosen: M) -> bool {
        !chosen.meets(self.out)
            && self.limits.iter().all(|(mask, most)| (chosen & *mask).count() <= *most)
            && self.apart.iter().all(|(item, apart)| !chosen.has((*item).into()) || !chosen.meets(*apart))
            && self.needs.iter().all(|(item, on)| !chosen.has((*item).into()) || chosen.meets(*on))
            && (chosen.is_none() || self.least.iter().all(|(mask, least)| (chosen & *mask).count() >= *least))
            && self.systems.iter().all(|system| {
                let hit = system.hit(chosen);
                system.windows.iter().all(|(sets, most)| (hit & *sets).count() <= *most)
            })
    }

    /// What may be chosen although it costs something: others need it, or a least number counts it.
    pub fn asked(&self) -> M {
        let asked = self.needs.iter().map(|need| need.1).chain(self.least.iter().map(|least| least.0));
        asked.fold(M::default(), |all, mask| all | mask).without(self.out)
    }

    fn clear(&mut self) {
        self.out = M::default();
        self.limits.clear();
        self.apart.clear();
        self.needs.clear();
        self.least.clear();
        self.systems.clear();
    }

    /// Takes in what a rule asks; false where nothing at all can be chosen.
    fn take(&mut self, part: Part<'_, M>) -> bool {
        match part {
            Part::Out(mask) => self.out = self.out | mask,
            Part::Nothing => return false,
            Part::AtMost(mask, most) => self.limits.push((mask, most)),
            Part::Apart(item, mask) => {
                self.keep_apart(item, mask);
                mask.positions().for_each(|other| self.keep_apart(other as u8, M::bit(item.into())));
            }
            Part::Needs(item, mask) => self.needs.push((item, mask)),
            Part::AtLeast(mask, least) => self.least.push((mask, least)),
            Part::Groups(sets, most) => self.send_together(sets, most),
        }
        true
    }

    fn keep_apart(&mut self, item: u8, mask: M) {
        match self.apart.iter_mut().find(|(own, _)| *own == item) {
            Some((_, own)) => *own = *own | mask,
            None => self.apart.push((item, mask)),
        }
    }

    fn send_together(&mut self, sets: &[M], most: u32) {
        let new = |system: &System<M>| sets.iter().filter(|set| !system.sets.contains(set)).count();
        // A window's sets are bits of one mask; where they are too many for those that are there, others begin.
        if self.systems.last().is_none_or(|last| last.sets.len() + new(last) > M::SIZE) {
            self.systems.push(System { sets: Vec::new(), windows: Vec::new() });
        }
        let Some(system) = self.systems.last_mut() else { return };
        let mut window = M::default();
        for set in sets {
            let at = system.sets.iter().position(|own| own == set).unwrap_or_else(|| {
                system.sets.push(*set);
                system.sets.len() - 1
            });
            window = window.with(at);
        }
        system.windows.push((window, most));
    }

    /// Leaves out what follows from the rest; false where nothing can be chosen.
    fn settle(&mut self) -> bool {
        loop {
            let before = self.out;
            for (item, on) in &self.needs {
                if !on.is_in(before) {
                    continue;
                }
                self.out = self.out.with((*item).into());
            }
            if self.out == before {
                break;
            }
        }
        let out = self.out;
        for (mask, _) in &mut self.limits {
            *mask = mask.without(out);
        }
        self.limits.retain(|(mask, most)| mask.count() > *most);
        let limits = std::mem::take(&mut self.limits);
        for (at, (own, left)) in limits.iter().enumerate() {
            let implied = limits.iter().enumerate().any(|(other, (wide, most))| {
                other != at && own.is_in(*wide) && most <= left && (wide != own || most < left || other < at)
            });
            if !implied {
                self.limits.push((*own, *left));
            }
        }
        for (_, mask) in &mut self.apart {
            *mask = mask.without(out);
        }
        self.apart.retain(|(item, mask)| !out.has((*item).into()) && !mask.is_none());
        self.apart.sort_unstable_by_key(|(item, _)| *item);
        for (_, mask) in &mut self.needs {
            *mask = mask.without(out);
        }
        self.needs.retain(|(item, _)| !out.has((*item).into()));
        for (mask, _) in &mut self.least {
            *mask = mask.without(out);
        }
        self.least.iter().all(|(mask, least)| mask.count() >= *least)
    }
}

fn put(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// What was written with [`put`] and [`Mask::to_bytes`]; what is not there reads as nothing.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0usize, 0);
        while let [byte, rest @ ..] = self.0 {
            self.0 = rest;
            number |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift > 56 {
                break;
            }
        }
        number
    }

    fn number_of_item(&mut self) -> u8 {
        let [item, rest @ ..] = self.0 else { return 0 };
        self.0 = rest;
        *item
    }

    fn mask<M: Mask>(&mut self, width: usize) -> M {
        match self.0.split_at_checked(width) {
            Some((own, rest)) => {
                self.0 = rest;
                M::of_bytes(own)
            }
            None => M::default(),
        }
    }
}

/// Members whose parts stand together.
const CHUNK: usize = 1 << 14;

/// What the rules say of some members: bytes, as many for a set as the member's contacts ask for.
#[derive(Debug, Default)]
struct Chunk {
    starts: Vec<u32>,
    bytes: Vec<u8>,
    /// Rules that are skipped, once for each member.
    skipped: Vec<usize>,
}

/// What the rules say of all members.
#[derive(Debug)]
pub struct Locals(Vec<Chunk>);

/// Memory for preparing members.
#[derive(Debug, Default)]
struct Preparing<M: Mask> {
    scratch: Scratch<M>,
    own: Own<M>,
    /// Least numbers that are skipped where they cannot be reached, with their rules; nothing where there are too few contacts.
    asked: Vec<(usize, Option<(M, u32)>)>,
    trial: Own<M>,
    asker: Asker<M>,
}

impl<M: Mask> Preparing<M> {
    fn write(&mut self, problem: &Problem, member: usize, bytes: &mut Vec<u8>, skipped: &mut Vec<usize>) {
        let Preparing { scratch, own, asked, trial, asker } = self;
        let count = problem.contacts_of(member).len();
        own.clear();
        asked.clear();
        let mut any = true;
        let skips = |rule: usize| matches!(problem.rules.get(rule), Some(Rule::Each(each)) if each.skip);
        each_part(problem, member, scratch, &mut |rule, part| match part {
            Part::AtLeast(mask, least) if skips(rule) => asked.push((rule, Some((mask, least)))),
            Part::Nothing if skips(rule) => asked.push((rule, None)),
            Part::AtLeast(..)
            | Part::Nothing
            | Part::Out(_)
            | Part::AtMost(..)
            | Part::Apart(..)
            | Part::Needs(..)
            | Part::Groups(..) => any &= own.take(part),
        });
        for rule in asked.chunk_by(|one, next| one.0 == next.0) {
            let leasts = rule.iter().filter_map(|(_, least)| *least);
            let mut reached = rule.iter().all(|(_, least)| least.is_some());
            if reached {
                trial.clone_from(own);
                trial.least.extend(leasts.clone());
                reached = trial.settle() && asker.anything(trial, count);
            }
            if reached {
                own.least.extend(leasts);
            } else {
                skipped.extend(rule.first().map(|(rule, _)| *rule));
            }
        }
        if !(any && own.settle()) {
            own.clear();
            own.out = M::below(count);
        }
        let width = count.div_ceil(8);
        own.out.to_bytes(bytes, width);
        own.asked().to_bytes(bytes, width);
        let bounded = |bytes: &mut Vec<u8>, list: &[(M, u32)], width: usize| {
            put(bytes, list.len());
            for (mask, bound) in list {
                put(bytes, *bound as usize);
                mask.to_bytes(bytes, width);
            }
        };
        let of_items = |bytes: &mut Vec<u8>, list: &[(u8, M)]| {
            put(bytes, list.len());
            for (item, mask) in list {
                bytes.push(*item);
                mask.to_bytes(bytes, width);
            }
        };
        bounded(bytes, &own.limits, width);
        of_items(bytes, &own.apart);
        of_items(bytes, &own.needs);
        bounded(bytes, &own.least, width);
        put(bytes, own.systems.len());
        for system in &own.systems {
            put(bytes, system.sets.len());
            system.sets.iter().for_each(|set| set.to_bytes(bytes, width));
            bounded(bytes, &system.windows, system.sets.len().div_ceil(8));
        }
    }
}

/// Rules whose least numbers are not asked of a member, who cannot come to them.
pub fn skipped_of(problem: &Problem, member: usize) -> Vec<usize> {
    let mut skipped = Vec::new();
    Preparing::<Bits>::default().write(problem, member, &mut Vec::new(), &mut skipped);
    skipped
}

impl Locals {
    /// Of a problem that is checked.
    pub fn of(problem: &Problem, threads: usize) -> Locals {
        let members = problem.member_count();
        let chunks = members.div_ceil(CHUNK);
        let start = || (Preparing::<u64>::default(), Preparing::<Bits>::default());
        let made = crate::solve::in_parallel(chunks, threads, start, |chunk, (narrow, wide)| {
            let first = chunk * CHUNK;
            let mut chunk = Chunk { starts: Vec::with_capacity(CHUNK + 1), ..Chunk::default() };
            chunk.starts.push(0);
            for member in first..members.min(first + CHUNK) {
                if problem.contacts_of(member).len() <= u64::SIZE {
                    narrow.write(problem, member, &mut chunk.bytes, &mut chunk.skipped);
                } else {
                    wide.write(problem, member, &mut chunk.bytes, &mut chunk.skipped);
                }
                chunk.starts.push(u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX));
            }
            chunk.bytes.shrink_to_fit();
            chunk
        });
        Locals(made)
    }

    /// Rules whose least numbers are not asked of some members, with how many those are, by rule.
    pub fn skipped(&self) -> Vec<(usize, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for rule in self.0.iter().flat_map(|chunk| &chunk.skipped) {
            *counts.entry(*rule).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    fn bytes(&self, member: usize) -> Bytes<'_> {
        let at = member % CHUNK;
        let own = self.0.get(member / CHUNK).and_then(|chunk| {
            let (from, to) = (*chunk.starts.get(at)?, *chunk.starts.get(at + 1)?);
            chunk.bytes.get(from as usize..to as usize)
        });
        Bytes(own.unwrap_or_default())
    }

    /// What is out of the question for a member with so many contacts, and what may be chosen although it costs something.
    pub fn out_and_asked<M: Mask>(&self, member: usize, contacts: usize) -> (M, M) {
        let (mut bytes, width) = (self.bytes(member), contacts.div_ceil(8));
        (bytes.mask(width), bytes.mask(width))
    }

    /// Reads what is said of a member with so many contacts.
    pub fn read<M: Mask>(&self, member: usize, contacts: usize, own: &mut Own<M>) {
        let (mut bytes, width) = (self.bytes(member), contacts.div_ceil(8));
        own.out = bytes.mask(width);
        let _asked: M = bytes.mask(width);
        let bounded = |bytes: &mut Bytes<'_>, list: &mut Vec<(M, u32)>, width: usize| {
            list.clear();
            for _ in 0..bytes.number() {
                let bound = bytes.number();
                list.push((bytes.mask(width), u32::try_from(bound).unwrap_or(u32::MAX)));
            }
        };
        let of_items = |bytes: &mut Bytes<'_>, list: &mut Vec<(u8, M)>| {
            list.clear();
            for _ in 0..bytes.number() {
                let item = bytes.number_of_item();
                list.push((item, bytes.mask(width)));
            }
        };
        bounded(&mut bytes, &mut own.limits, width);
        of_items(&mut bytes, &mut own.apart);
        of_items(&mut bytes, &mut own.needs);
        bounded(&mut bytes, &mut own.least, width);
        let systems = bytes.number();
        own.systems.resize_with(systems, || System { sets: Vec::new(), windows: Vec::new() });
        for system in &mut own.systems {
            system.sets.clear();
            for _ in 0..bytes.number() {
                system.sets.push(bytes.mask(width));
            }
            let width = system.sets.len().div_ceil(8);
            bounded(&mut bytes, &mut system.windows, width);
        }
    }
}
