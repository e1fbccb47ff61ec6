//! One file per command.

pub mod build;
pub mod check;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod explain;
pub mod fmt;
pub mod inspect;
#[cfg(feature = "ledger")]
mod keep;
pub mod keygen;
#[cfg(feature = "ledger")]
pub mod ledger;
pub mod lint;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod mutate;
pub mod new;
pub mod offers;
pub mod optimize;
pub mod run;
pub mod simulate;
pub mod test;
