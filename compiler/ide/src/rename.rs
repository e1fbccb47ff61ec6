//! Giving something another name, everywhere: with `was` where the language keeps former names, and with the spelling
//! that records have where it is a field or a kind of event.
//!
//! What comes out is analysed before it is offered: a change that would make an error, or let a name stand for something
//! else than before, is refused with the reason.

use crate::declarations::{Declaration, Kind};
use crate::{Analysis, SymbolId, is_prelude};
use perq_compiler::check::plural;
use perq_compiler::pipeline::{Files, Input};
use perq_grammar::diagnostic::{Diagnostic, Edit, FileId, Place, Severity, Span};
use std::collections::BTreeMap;

/// Changes of several files, in the order of the files and their texts.
pub type Edits = Vec<Edit>;

impl Analysis {
    /// The name at a place, where it can be changed.
    ///
    /// # Errors
    /// A sentence that says why it cannot.
    pub fn can_rename(&self, file: FileId, offset: usize) -> Result<(Place, String), String> {
        let (place, id) =
            self.symbol_at(file, offset).ok_or("there is no name here that could be changed")?;
        let symbol = self.symbols.get(id.0).ok_or("there is no name here that could be changed")?;
        let declared: Vec<&Declaration> = self.declared(id).collect();
        if declared.is_empty() {
            return Err(format!("`{}` is declared nowhere", symbol.name));
        }
        if declared.iter().any(|declaration| is_prelude(declaration.place.file)) {
            return Err(format!("`{}` comes with the language", symbol.name));
        }
        if let Some(other) = declared.iter().find(|declaration| !self.is_own(declaration.place.file)) {
            let path = self.path(other.place.file).unwrap_or("");
            return Err(format!(
                "`{}` is declared in `{path}`, which other programmes may import; change it there",
                symbol.name
            ));
        }
        let kept = match symbol.kind {
            Kind::Value | Kind::Level => Some("is written in records and kept for members"),
            Kind::Reference => Some("is the name under which tables of the catalogue are loaded"),
            Kind::Record => Some("is a record that the language knows by its name"),
            Kind::Test => Some("is a text, which can be changed where it stands"),
            Kind::Tiers => Some("is the name under which levels are kept for members"),
            Kind::Ensure => Some("is the name under which hosts know it"),
            Kind::Offer | Kind::Arbitration | Kind::Contacts => {
                Some("is the name under which hosts and sessions know it")
            }
            Kind::Program
            | Kind::Account
            | Kind::Unit
            | Kind::Param
            | Kind::Define
            | Kind::Table
            | Kind::Segment
            | Kind::Counter
            | Kind::Enum
            | Kind::Field
            | Kind::Event
            | Kind::Group
            | Kind::Rule
            | Kind::Template
            | Kind::Blank
            | Kind::Coupon
            | Kind::Certificate
            | Kind::Badge
            | Kind::Redemption
            | Kind::Alias
            | Kind::Let
            | Kind::Parameter
            | Kind::Loop
            | Kind::Bundle
            | Kind::Part => None,
        };
        match kept {
            Some(why) => Err(format!("`{}` {why}; the language keeps no former name for it", symbol.name)),
            None => Ok((place, symbol.name.clone())),
        }
    }

    /// What is renamed at a place: its sort and its name.
    pub fn named_at(&self, file: FileId, offset: usize) -> Option<(Kind, &str)> {
        let (_, id) = self.symbol_at(file, offset)?;
        self.symbols.get(id.0).map(|symbol| (symbol.kind, symbol.name.as_str()))
    }

    /// The changes that give what stands here another name.
    ///
    /// # Errors
    /// A sentence that says why it cannot have it.
    pub fn rename(
        &self,
        file: FileId,
        offset: usize,
        name: &str,
        files: &dyn Files,
    ) -> Result<Edits, String> {
        let (_, old) = self.can_rename(file, offset)?;
        let Some((_, id)) = self.symbol_at(file, offset) else { return Ok(Vec::new()) };
        if name == old {
            return Ok(Vec::new());
        }
        let mut tokens = perq_grammar::lex::lex(name).into_iter();
        let is_word = tokens.next().is_some_and(|token| token.kind == perq_grammar::lex::TokenKind::Word)
            && tokens.next().is_none();
        if !is_word {
            return Err(format!(
                "`{}` is no name: a name is one word of letters, digits and `_`",
                quoted(name)
            ));
        }
        let edits = self.changes(id, &old, name);
        self.hold(id, &edits, name, files)?;
        Ok(edits)
    }

    fn changes(&self, id: SymbolId, old: &str, name: &str) -> Edits {
        let mut edits = Vec::new();
        for (place, _) in self.uses.iter().filter(|(place, used)| *used == id && !is_prelude(place.file)) {
            let span = place.span.start as usize..place.span.end as usize;
            let written = self.text(place.file).get(span).unwrap_or("");
            let text = if written.starts_with('"') {
                format!("\"{name}\"")
            } else if written != old && written == plural(old) {
                // `earlier purchases`
                plural(name)
            } else {
                name.to_owned()
            };
            edits.push(Edit { place: *place, text });
        }
        for declaration in self.declared(id) {
            let after = |offset: u32| Place {
                file: declaration.place.file,
                span: Span { start: offset, end: offset },
            };
            match &declaration.was {
                Some(None) => {
                    edits
                        .push(Edit { place: after(declaration.place.span.end), text: format!(" was {old}") });
                }
                // It has its first name again.
                Some(Some((was, span))) if was == name => edits.push(Edit {
                    place: Place {
                        file: declaration.place.file,
                        span: Span { start: declaration.place.span.end, end: span.end },
                    },
                    text: String::new(),
                }),
                Some(Some(_)) | None => {}
            }
            if declaration.spelling == Some(false) {
                // Records go on saying what they said.
                let from = format!(" from \"{old}\"");
                let end = if declaration.kind == Kind::Event {
                    declaration.place.span.end
                } else {
                    self.end_of_field(declaration)
                };
                edits.push(Edit { place: after(end), text: from });
            }
        }
        edits.sort_by_key(|edit| (edit.place, edit.text.is_empty()));
        edits.dedup();
        edits
    }

    /// Where `from "…"` goes: after the type, the scale and the default with the parentheses around it.
    fn end_of_field(&self, declaration: &Declaration) -> u32 {
        use perq_grammar::lex::TokenKind;
        let text = self.text(declaration.place.file);
        let start = declaration.full.end;
        let rest = perq_grammar::lex::lex(text.get(start as usize..).unwrap_or(""));
        let behind = rest.iter().filter(|token| !token.kind.is_trivia());
        let parentheses = behind.take_while(|token| token.kind == TokenKind::CloseParen);
        parentheses.last().map_or(start, |token| start.saturating_add(token.span.end))
    }

    /// Refuses changes after which something is wrong that was not, or a name means something else.
    fn hold(&self, id: SymbolId, edits: &Edits, name: &str, files: &dyn Files) -> Result<(), String> {
        let mut by_file: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            by_file.entry(edit.place.file).or_default().push(edit);
        }
        if let Some(foreign) = by_file.keys().find(|file| !self.is_own(**file)) {
            let path = self.path(*foreign).unwrap_or("");
            return Err(format!("it is used in `{path}`, which does not belong to this programme"));
        }
        let mut inputs = Vec::new();
        for (file, path) in self.files().filter(|(file, _)| self.is_own(*file)) {
            let edits = by_file.get(&file).map(Vec::as_slice).unwrap_or_default();
            inputs.push(Input { path: path.to_owned(), text: applied(self.text(file), edits) });
        }
        let after = Analysis::new(&inputs, files);
        let count = |diagnostics: &[Diagnostic]| {
            let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
            for found in diagnostics.iter().filter(|found| found.severity == Severity::Error) {
                *counts.entry(found.name).or_default() += 1;
            }
            counts
        };
        let (before, now) = (count(self.diagnostics()), count(after.diagnostics()));
        let worse = now.iter().find(|(name, count)| before.get(*name).copied().unwrap_or(0) < **count);
        if let Some((worse, _)) = worse {
            let found = after
                .diagnostics()
                .iter()
                .filter(|found| found.name == *worse && found.severity == Severity::Error);
            // The one that speaks of the new name says why.
            let mut found: Vec<&Diagnostic> = found.collect();
            found.sort_by_key(|found| !found.message.contains(name));
            let why = found.first().map(|found| found.message.as_str()).unwrap_or("");
            return Err(format!("with the name `{name}` the programme would be wrong: {why}"));
        }
        // Each place that had the name must have it still, and no other place.
        let own = |place: &Place| self.is_own(place.file);
        let before = self.uses.iter().filter(|(place, used)| *used == id && own(place)).count();
        let moved = edits.iter().find(|edit| !edit.text.is_empty()).map(|edit| shifted(edit.place, edits));
        let now =
            moved.and_then(|place| after.symbol_at(place.file, place.span.start as usize)).map(|(_, id)| {
                after.uses.iter().filter(|(place, used)| *used == id && after.is_own(place.file)).count()
            });
        if now != Some(before) {
            return Err(format!(
                "`{name}` is the name of something else already, at a place that would then mean this"
            ));
        }
        Ok(())
    }
}

/// A text with changes that do not overlap, in their order.
fn applied(text: &str, edits: &[&Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0_usize;
    for edit in edits {
        let (start, end) = (edit.place.span.start as usize, edit.place.span.end as usize);
        let Some(kept) = text.get(at..start) else { continue };
        out.push_str(kept);
        out.push_str(&edit.text);
        at = end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// Where a place of one file is after changes before it.
fn shifted(place: Place, edits: &Edits) -> Place {
    let mut offset = i64::from(place.span.start);
    for edit in
        edits.iter().filter(|edit| edit.place.file == place.file && edit.place.span.end <= place.span.start)
    {
        if edit.place == place {
            continue;
        }
        offset += i64::try_from(edit.text.len()).unwrap_or(0);
        offset -= i64::from(edit.place.span.end) - i64::from(edit.place.span.start);
    }
    let start = u32::try_from(offset).unwrap_or(0);
    Place { file: place.file, span: Span { start, end: start } }
}

fn quoted(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}
