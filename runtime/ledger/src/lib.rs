//! The ledger: what was decided is kept exactly once, and members' points survive anything. Double entry, lots, chains of
//! hashes, one transaction for all that a decision changes; in a file (SQLite) or on a PostgreSQL server.
//!
//! Knows where decisions are kept, and refuses to decide: what an event means is the runtime's to say.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("a ledger is kept somewhere: with feature `sqlite` or `postgres`");

pub mod audit;
pub mod batch;
pub mod chain;
pub mod contacts;
pub mod deeds;
pub mod desk;
pub mod jobs;
mod ledger;
#[cfg(feature = "sqlite")]
mod log;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod report;
pub mod same;
pub mod schema;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod stages;
pub mod store;

pub use ledger::{Answer, Answered, Ledger, Refusal, Spent};
pub use store::{Store, StoreError};

/// Opens the place where a ledger is kept: a file, or a server by an address that begins with `postgres://`. Where there
/// is none, it is made if `create` says so.
///
/// # Errors
/// Where it cannot be opened, or is no ledger that this perq knows.
pub fn open(place: &str, create: bool) -> Result<Box<dyn Store>, StoreError> {
    if place.starts_with("postgres://") || place.starts_with("postgresql://") {
        #[cfg(feature = "postgres")]
        return Ok(Box::new(postgres::Postgres::open(place, create)?));
        #[cfg(not(feature = "postgres"))]
        return Err(StoreError::Unfit("this perq was built without PostgreSQL".to_owned()));
    }
    #[cfg(feature = "sqlite")]
    return Ok(Box::new(sqlite::Sqlite::open(std::path::Path::new(place), create)?));
    #[cfg(not(feature = "sqlite"))]
    Err(StoreError::Unfit(format!("this perq was built without SQLite, which {place} asks for")))
}
