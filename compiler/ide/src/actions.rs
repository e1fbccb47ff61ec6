//! What can be done about a place: the repairs that diagnostics offer, and the standard layout.
//!
//! It takes diagnostics, whoever found them: lints offer repairs in the same form.

use crate::declarations::Kind;
use crate::{Analysis, touches};
use perq_compiler::check::errors::{ADD_MEMBER_KNOWN, ADD_ON_PURCHASE};
use perq_grammar::diagnostic::{Diagnostic, Edit, FileId, Place, Span};
use perq_grammar::lex::{TokenKind, lex};

/// A change that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it does, in the author's words.
    pub title: String,
    /// What goes and what comes.
    pub edit: Edit,
    /// Which diagnostic offers it, by position among those that were given.
    pub diagnostic: usize,
    /// It is the first that its diagnostic offers.
    pub preferred: bool,
}

impl Analysis {
    /// The repairs of diagnostics that touch a place.
    pub fn actions(&self, diagnostics: &[Diagnostic], file: FileId, from: usize, to: usize) -> Vec<Action> {
        let mut actions = Vec::new();
        for (index, diagnostic) in diagnostics.iter().enumerate() {
            if diagnostic.place.file != file || !touches(diagnostic.place.span, from, to) {
                continue;
            }
            let edits = diagnostic.repairs.iter().flat_map(|repair| match &repair.edit {
                Some(edit) => vec![(repair.text.clone(), edit.clone())],
                None => self.clauses_of(diagnostic, &repair.text),
            });
            let own = edits.filter(|(_, edit)| self.path(edit.place.file).is_some());
            for (position, (title, edit)) in own.enumerate() {
                actions.push(Action { title, edit, diagnostic: index, preferred: position == 0 });
            }
        }
        actions
    }

    /// Repairs that are a clause for the declaration around a place: what its words quote.
    fn clauses_of(&self, diagnostic: &Diagnostic, repair: &str) -> Vec<(String, Edit)> {
        let at = diagnostic.place;
        match (repair, diagnostic.name) {
            (ADD_MEMBER_KNOWN, _) => {
                let edit = self.clause_of("when member known", at);
                edit.map(|edit| (repair.to_owned(), edit)).into_iter().collect()
            }
            (ADD_ON_PURCHASE, _) => {
                let edit = self.clause_of("on purchase", at);
                edit.map(|edit| (repair.to_owned(), edit)).into_iter().collect()
            }
            (_, "missing-clause" | "missing-on-price" | "no-worth") => {
                let quoted = repair.split('`').skip(1).step_by(2);
                // What has something left out is for the author to write.
                let whole = quoted.filter(|clause| !clause.is_empty() && !clause.contains('…'));
                whole
                    .filter_map(|clause| Some((format!("write `{clause}`"), self.clause_of(clause, at)?)))
                    .collect()
            }
            (_, _) => Vec::new(),
        }
    }

    /// A clause as the first one in the braces of the declaration around a place.
    fn clause_of(&self, clause: &str, at: Place) -> Option<Edit> {
        // A value that is given to a template is not asked under the rule's conditions.
        let before = self.text(at.file).get(..at.span.start as usize)?;
        if before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with("with ")) {
            return None;
        }
        let around = self.declarations.iter().filter(|declaration| {
            let takes = matches!(
                declaration.kind,
                Kind::Rule
                    | Kind::Group
                    | Kind::Template
                    | Kind::Coupon
                    | Kind::Redemption
                    | Kind::Badge
                    | Kind::Program
                    | Kind::Account
            );
            let full = declaration.full;
            let holds = full.start <= at.span.start && at.span.end <= full.end;
            takes && declaration.place.file == at.file && holds
        });
        let around = around.min_by_key(|declaration| declaration.full.end - declaration.full.start)?;
        let text = self.text(at.file);
        let start = around.full.start as usize;
        let tokens = lex(text.get(start..around.full.end as usize)?);
        let (brace, open) =
            tokens.iter().enumerate().find(|(_, token)| token.kind == TokenKind::OpenBrace)?;
        let mut behind = tokens.get(brace + 1..)?.iter().skip_while(|token| token.kind == TokenKind::Space);
        let on_lines = behind.next().is_some_and(|token| token.kind == TokenKind::Newline);
        let text = if on_lines {
            let line = text.get(..start)?.rsplit('\n').next().unwrap_or("");
            let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
            format!("\n{indent}  {clause}")
        } else {
            format!(" {clause}")
        };
        let offset = around.full.start + open.span.end;
        Some(Edit { place: Place { file: at.file, span: Span { start: offset, end: offset } }, text })
    }

    /// A file in the standard layout: nothing where it cannot be read, or is so already.
    pub fn formatted(&self, file: FileId) -> Option<Edit> {
        let text = self.text(file);
        let formatted = perq_grammar::format(text).ok()?;
        (formatted != text).then(|| Edit { place: Place { file, span: whole(text) }, text: formatted })
    }
}

/// All of a text.
pub fn whole(text: &str) -> Span {
    Span::new(0, text.len())
}
