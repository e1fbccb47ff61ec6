//! One file per command.

pub mod build;
pub mod calendar;
pub mod check;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod doc;
pub mod explain;
pub mod fmt;
pub mod inspect;
#[cfg(feature = "ledger")]
pub(crate) mod keep;
pub mod keygen;
#[cfg(feature = "ledger")]
pub mod ledger;
pub mod lint;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod mutate;
pub mod new;
pub mod offers;
pub mod prove;
pub mod run;
pub mod simulate;
pub mod terms;
pub mod test;
