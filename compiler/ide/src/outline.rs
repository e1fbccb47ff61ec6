//! The declarations of a file as a tree, and what of it can be folded.

use crate::Analysis;
use crate::declarations::{Declaration, Kind};
use perq_grammar::diagnostic::{FileId, Span};
use perq_grammar::lex::{TokenKind, lex};
use std::collections::BTreeMap;

/// A declaration with those in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// Its title, or its type.
    pub detail: String,
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub full: Span,
    /// Its name's place.
    pub place: Span,
    /// What it holds.
    pub children: Vec<Outline>,
}

/// Lines that can be folded away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// From the end of this line on.
    pub from: u32,
    /// To the end of this one.
    pub to: u32,
    /// Comments rather than code.
    pub comment: bool,
}

impl Analysis {
    /// The declarations of a file; locals are not among them.
    pub fn outline(&self, file: FileId) -> Vec<Outline> {
        // By parent; a declaration comes after what it stands in.
        let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for (index, declaration) in self.declarations.iter().enumerate() {
            let hidden = declaration.kind.is_local() || matches!(declaration.kind, Kind::Unit | Kind::Alias);
            if declaration.place.file == file && !hidden {
                children.entry(declaration.within).or_default().push(index);
            }
        }
        self.outline_of(&children, None)
    }

    fn outline_of(
        &self,
        children: &BTreeMap<Option<usize>, Vec<usize>>,
        parent: Option<usize>,
    ) -> Vec<Outline> {
        let own = children.get(&parent).map(Vec::as_slice).unwrap_or_default();
        let declarations = own.iter().filter_map(|index| Some((*index, self.declarations.get(*index)?)));
        let entry = |(index, declaration): (usize, &Declaration)| {
            let ty = declaration.ty.and_then(|span| {
                self.text(declaration.place.file).get(span.start as usize..span.end as usize)
            });
            Outline {
                name: declaration.name.clone(),
                detail: declaration.title.as_deref().or(ty).unwrap_or("").to_owned(),
                kind: declaration.kind,
                full: declaration.full.to(declaration.place.span),
                place: declaration.place.span,
                children: self.outline_of(children, Some(index)),
            }
        };
        declarations.map(entry).collect()
    }

    /// What can be folded: braces and runs of comments over several lines.
    pub fn folds(&self, file: FileId) -> Vec<Fold> {
        let text = self.text(file);
        let line = |offset: u32| self.position(file, offset).line;
        let mut open: Vec<u32> = Vec::new();
        let mut folds = Vec::new();
        let mut comments: Option<(u32, u32)> = None;
        for token in lex(text) {
            if token.kind.is_comment() {
                let here = line(token.span.start);
                comments = match comments {
                    Some((from, to)) if to + 1 == here => Some((from, here)),
                    Some((from, to)) => {
                        folds.push(Fold { from, to, comment: true });
                        Some((here, here))
                    }
                    None => Some((here, here)),
                };
            } else if token.kind == TokenKind::OpenBrace {
                open.push(line(token.span.start));
            } else if token.kind == TokenKind::CloseBrace
                && let Some(from) = open.pop()
            {
                let to = line(token.span.start);
                // The line of the closing brace stays to be seen.
                folds.push(Fold { from, to: to.saturating_sub(1), comment: false });
            }
        }
        folds.extend(comments.map(|(from, to)| Fold { from, to, comment: true }));
        folds.retain(|fold| fold.from < fold.to);
        folds.sort_by_key(|fold| (fold.from, fold.to));
        folds
    }
}
