//! Lints: what a programme may mean and its author probably does not. The typed tree and the trees of the files in,
//! findings out; nothing is changed.
//!
//! One lint is one file in `lints`, with one line in its list, and one page in `docs/lints`. Refuses to know clocks and
//! files: the day of today, the changes of clocks and the names of tables are given, or what needs them is not asked.

pub mod bounds;
pub mod comments;
pub mod conditions;
mod facts;
pub mod lints;
pub(crate) mod shape;

use crate::check::SourceTree;
use crate::sources::SourceMap;
use crate::typed::Program;
use comments::Comments;
pub use facts::Facts;
pub use lints::LINTS;
use perq_grammar::diagnostic::{Diagnostic, FileId, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// A lint.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// Its name, that of its page and of its findings.
    pub name: &'static str,
    /// Its group.
    pub group: Group,
    /// Where nobody says otherwise.
    pub level: Level,
    /// Whether the first repair of its findings can be applied without looking.
    pub fixes: bool,
    /// Its page.
    pub page: &'static str,
    /// Finds.
    pub run: fn(&Facts<'_>, &mut Vec<Diagnostic>),
}

/// What a lint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What never happens, always happens or does not mean what it says.
    Correctness,
    /// What may cost more, or give less, than was meant.
    Money,
    /// Dates, hours, what ends and what does not.
    Time,
    /// What readers stumble over.
    Style,
    /// What takes time or memory for nothing.
    Cost,
}

impl Lint {
    /// Named by the list.
    const fn new(group: Group, level: Level, run: fn(&Facts<'_>, &mut Vec<Diagnostic>)) -> Lint {
        Lint { name: "", group, level, fixes: false, page: "", run }
    }

    /// Its first repair is safe.
    const fn with_fixes(self) -> Lint {
        Lint { fixes: true, ..self }
    }
}

impl Group {
    /// All of them.
    pub const ALL: [Group; 5] = [Group::Correctness, Group::Money, Group::Time, Group::Style, Group::Cost];

    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Group::Correctness => "correctness",
            Group::Money => "money",
            Group::Time => "time",
            Group::Style => "style",
            Group::Cost => "cost",
        }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not said.
    Allow,
    /// A warning.
    Warn,
    /// An error.
    Deny,
}

impl Level {
    /// As configurations and comments write it.
    pub fn named(name: &str) -> Option<Level> {
        match name {
            "allow" => Some(Level::Allow),
            "warn" => Some(Level::Warn),
            "deny" => Some(Level::Deny),
            _ => None,
        }
    }

    /// The same.
    pub fn name(self) -> &'static str {
        match self {
            Level::Allow => "allow",
            Level::Warn => "warn",
            Level::Deny => "deny",
        }
    }
}

/// Levels that somebody has chosen, by the names of lints and of groups. A lint's own goes before its group's, and a
/// group's does not switch on what is off: that is asked for by name.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    chosen: BTreeMap<String, Level>,
}

impl Levels {
    /// Chooses one; false where neither a lint nor a group has the name.
    pub fn set(&mut self, name: &str, level: Level) -> bool {
        let known = lint(name).is_some() || Group::ALL.iter().any(|group| group.name() == name);
        if known {
            self.chosen.insert(name.to_owned(), level);
        }
        known
    }

    /// That of a lint.
    pub fn of(&self, lint: &Lint) -> Level {
        let of_group = self.chosen.get(lint.group.name()).filter(|_| lint.level != Level::Allow);
        self.chosen.get(lint.name).or(of_group).copied().unwrap_or(lint.level)
    }
}

/// The lint of a name.
pub fn lint(name: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.name == name)
}

/// A day as `--today` gives it, `2026-12-01`, counted from 1970-01-01.
pub fn day(text: &str) -> Option<i64> {
    crate::check::dates::date(text)
}

/// A stretch of local time that a zone's clock skips or shows twice, in seconds of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// Days from 1970-01-01.
    pub day: i64,
    /// From.
    pub from: i64,
    /// Until.
    pub until: i64,
    /// Skipped rather than shown twice.
    pub skipped: bool,
}

/// When clocks are put forward and back.
pub trait Zones {
    /// The next changes of a zone's clock.
    fn changes(&self, zone: &str) -> Vec<ClockChange>;
}

/// Clocks that never change.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoZones;

impl Zones for NoZones {
    fn changes(&self, _zone: &str) -> Vec<ClockChange> {
        Vec::new()
    }
}

/// What tables of a catalogue hold.
pub trait Names {
    /// Of a kind of which they hold names, whether they lack this one; with a name that they hold and that is near.
    fn lacks(&self, kind: &str, name: &str) -> Option<Option<&str>>;
}

/// Tables that are not at hand: they lack nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn lacks(&self, _kind: &str, _name: &str) -> Option<Option<&str>> {
        None
    }
}

/// What is given beside the rules.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The day of today, counted from 1970-01-01; without it nothing is in the past.
    pub today: Option<i64>,
    /// Clocks.
    pub zones: &'a dyn Zones,
    /// Names of the catalogue.
    pub names: &'a dyn Names,
    /// Levels.
    pub levels: &'a Levels,
}

/// The findings in a programme without errors, in the order of files and texts.
pub fn lint_program<'a>(
    program: &'a Program,
    sources: &'a SourceMap,
    trees: &'a [SourceTree],
    options: &Options<'a>,
) -> Vec<Diagnostic> {
    let facts = Facts::new(program, sources, trees, options);
    let own: BTreeSet<FileId> = trees.iter().map(|tree| tree.file).collect();
    let mut comments = Comments::of(&facts);
    let mut findings = Vec::new();
    for lint in LINTS {
        let level = options.levels.of(lint);
        if level == Level::Allow && !comments.raises(lint.name) {
            continue;
        }
        let mut found = Vec::new();
        (lint.run)(&facts, &mut found);
        found.iter_mut().for_each(|found| found.name = lint.name);
        findings.extend(found.into_iter().filter(|found| own.contains(&found.place.file)).filter_map(
            |found| {
                // What a comment says of its place goes before all else.
                let level = comments.level(&found).unwrap_or(level);
                leveled(found, level)
            },
        ));
    }
    comments.forget(&|name| {
        let speaks = |lint: &&Lint| lint.name == name || lint.group.name() == name;
        LINTS.iter().filter(speaks).any(|lint| options.levels.of(lint) != Level::Allow)
    });
    for (name, complaint) in comments.complaints() {
        if let Some(lint) = lint(name) {
            findings.extend(leveled(complaint, options.levels.of(lint)));
        }
    }
    findings.sort_by(|a, b| (a.place, a.name, &a.message).cmp(&(b.place, b.name, &b.message)));
    // A clause that a group shares is met with each of its rules.
    findings.dedup_by(|a, b| (a.place, a.name) == (b.place, b.name));
    findings
}

fn leveled(mut found: Diagnostic, level: Level) -> Option<Diagnostic> {
    found.severity = match level {
        Level::Allow => return None,
        Level::Warn => Severity::Warning,
        Level::Deny => Severity::Error,
    };
    Some(found)
}
