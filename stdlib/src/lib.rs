//! What every program may use without saying so: the standard records, written in the language.
//!
//! It never sees state: history is a language construct, so that the checker sees it.
#![forbid(unsafe_code)]

/// A prelude file.
#[derive(Clone, Copy, Debug)]
pub struct PreludeFile {
    /// Its name, as diagnostics show it.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The prelude, in the order in which it is read.
pub const PRELUDE: &[PreludeFile] =
    &[PreludeFile { path: "prelude/records.rule", text: include_str!("../prelude/records.rule") }];
