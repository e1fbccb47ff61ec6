//! Taking the write-ahead log into the file while events go on being decided: a thread with a connection of its own copies what
//! is in the log and flushes it, piece by piece, and where the log is full the writer copies the rest between two of its
//! commits, after which the log begins anew. Were it left to the commit that fills the log, as SQLite does, whoever waits for
//! that one would wait for all of it.
//!
//! Refuses to know what is written.

use rusqlite::{Connection, OpenFlags, ffi};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// How many pages the log has before it begins anew, where nothing else is said.
const FULL: i64 = 12_000;

/// Which part of a full log the thread copies and flushes at a time: a commit meanwhile waits until the disk has done that.
/// All of it in one piece takes a tenth of a second.
const STEP: i64 = 12;

/// Which part of a full log may be left to the writer.
const REST: i64 = 20;

/// How often at most the thread copies what has come meanwhile, each time that it is asked.
const PASSES: usize = 8;

/// After how many short ones it is done. SQLite flushes the file only where nobody has committed while it copied, which is
/// likely only where there was next to nothing to copy.
const SHORT_PASSES: usize = 2;

/// How many full logs there may be before the writer takes all of it in, whatever the thread does.
const MOST: i64 = 4;

/// What the writer and the thread tell each other.
#[derive(Debug, Default)]
struct Told {
    /// Pages in the log after the last commit.
    pages: AtomicI64,
    /// Pages of it that the thread has copied.
    copied: AtomicI64,
    /// The thread does what it was asked.
    busy: AtomicBool,
    /// A write to the disk that failed.
    broken: OnceLock<String>,
}

/// The log of a file.
#[derive(Debug)]
pub(crate) struct Log {
    path: String,
    full: i64,
    told: Arc<Told>,
    /// Pages in the log when the thread was asked last.
    asked: i64,
    thread: Option<(SyncSender<()>, JoinHandle<()>)>,
}

impl Log {
    /// Has the writer's connection tell how long the log is; SQLite takes nothing in by itself from then on.
    pub(crate) fn of(connection: &mut Connection) -> rusqlite::Result<Log> {
        let told = Arc::new(Told::default());
        let tells = Arc::clone(&told);
        connection.wal_hook(Some(move |_: &mut _, pages: std::ffi::c_int| {
            tells.pages.store(i64::from(pages), Ordering::Relaxed);
            Ok(())
        }))?;
        let path = connection.path().unwrap_or_default().to_owned();
        Ok(Log { path, full: FULL, told, asked: 0, thread: None })
    }

    /// Lets it begin anew from so many pages on.
    pub(crate) fn fill(&mut self, pages: i64) {
        self.full = pages.max(1);
    }

    /// What did not reach the disk while the log was taken in.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.told.broken.get().map(String::as_str)
    }

    /// To be called after each commit.
    pub(crate) fn committed(&mut self, connection: &Connection) {
        let pages = self.told.pages.load(Ordering::Relaxed);
        if pages < self.asked {
            // It has begun anew.
            self.asked = 0;
            self.told.copied.store(0, Ordering::Relaxed);
        }
        let busy = self.told.busy.load(Ordering::Acquire);
        let left = pages.saturating_sub(self.told.copied.load(Ordering::Relaxed));
        let is_full = pages >= self.full;
        let nearly = !busy && left <= self.full / REST;
        if (is_full && nearly) || pages >= self.full.saturating_mul(MOST) {
            // Nobody commits meanwhile: with the next commit the log begins anew, unless others still read in it.
            take_in(connection, &self.told);
            return;
        }
        if busy || (!is_full && pages.saturating_sub(self.asked) < self.full / STEP) {
            return;
        }
        if self.thread.is_none() {
            self.thread = start(&self.path, self.full / REST, &self.told);
        }
        if let Some((ask, _)) = &self.thread {
            self.asked = pages;
            self.told.busy.store(true, Ordering::Relaxed);
            let _ = ask.try_send(());
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some((ask, thread)) = self.thread.take() {
            drop(ask);
            // It has nothing to tell.
            drop(thread.join());
        }
    }
}

/// Copies what can be copied, and gives how many pages of the log have been.
fn take_in(connection: &Connection, told: &Told) -> Option<i64> {
    let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(2);
    match connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], read) {
        // Where somebody else takes it in it is -1.
        Ok(copied) => Some(copied).filter(|copied| *copied >= 0),
        Err(error) => {
            // What was to be flushed and was not may be gone, whoever asks again. All else stays in the log.
            if error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_FSYNC) {
                drop(told.broken.set(error.to_string()));
            }
            None
        }
    }
}

/// The thread, and how it is asked; nothing where there can be none, and the writer takes in all.
fn start(path: &str, rest: i64, told: &Arc<Told>) -> Option<(SyncSender<()>, JoinHandle<()>)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).ok()?;
    connection.execute_batch("PRAGMA synchronous = FULL").ok()?;
    let (ask, asked) = sync_channel(1);
    let told = Arc::clone(told);
    let work = move || {
        while asked.recv().is_ok() {
            let mut before = told.copied.load(Ordering::Relaxed);
            let mut short_passes = 0;
            for _ in 0..PASSES {
                let Some(copied) = take_in(&connection, &told) else { break };
                if copied.saturating_sub(before) <= rest {
                    short_passes += 1;
                }
                before = copied;
                if short_passes >= SHORT_PASSES {
                    break;
                }
            }
            told.copied.store(before, Ordering::Relaxed);
            told.busy.store(false, Ordering::Release);
        }
    };
    let thread = std::thread::Builder::new().name("perq-log".to_owned()).spawn(work).ok()?;
    Some((ask, thread))
}
