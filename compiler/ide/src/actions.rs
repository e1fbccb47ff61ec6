//! What can be done about a place: the repairs that diagnostics offer, and the standard layout.
//!
//! It takes diagnostics, whoever found them: lints offer repairs in the same form.

use crate::{Analysis, touches};
use perq_grammar::diagnostic::{Diagnostic, Edit, FileId, Place, Span};

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
            let edits = diagnostic.repairs.iter().filter_map(|repair| Some((repair, repair.edit.as_ref()?)));
            let own = |edit: &Edit| self.path(edit.place.file).is_some();
            for (position, (repair, edit)) in edits.filter(|(_, edit)| own(edit)).enumerate() {
                actions.push(Action {
                    title: repair.text.clone(),
                    edit: edit.clone(),
                    diagnostic: index,
                    preferred: position == 0,
                });
            }
        }
        actions
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
