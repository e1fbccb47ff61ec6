//! Batches of programs that look back, on several threads: each member's events on one of them, in their order.
//!
//! Sound only where nothing that a decision changes is seen by an event of another member; [`are_apart`] says so of a
//! program. Which thread has which member changes nothing then, and results are put together in the order of the input.

use super::chunk::{Chunk, Source};
use super::{BatchErrorCause, BatchOptions, Done, Record, Share, Sink, each, lock};
use crate::engine::Engine;
use crate::input;
use crate::record::{ReadEvent, Reader};
use perq_compiler::ir::{CounterKey, Program};
use rustc_hash::FxHasher;
use std::collections::BTreeMap;
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};

/// Chunks that wait for a thread. The slowest thread holds up the others this far behind it.
const WAITING: usize = 4;

/// Whether what an event changes is seen by events of the same member alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Apart {
    /// Whatever the events.
    Always,
    /// If no event names a purchase of which goods come back: it may be anybody's, and is found by its id.
    UnlessReturned,
    /// Others may see it.
    Never,
}

/// Whether all that a program keeps belongs to the member of the event, and is seen by that member's events alone.
///
/// Not so: limits and budgets of a campaign, or counted for who invited; gifts to other members; coupons and
/// certificates, whose codes anybody may present; offers that learn from everybody.
pub(super) fn are_apart(program: &Program) -> Apart {
    let own_counters = program.counters.iter().all(|counter| match counter.per {
        CounterKey::Member => true,
        CounterKey::Campaign | CounterKey::Inviter(_) => false,
    });
    let own = own_counters
        && program.sites.iter().all(|site| site.to.is_none())
        && program.instruments.coupons.is_empty()
        && program.instruments.certificates.is_empty()
        && program.offers.list.iter().all(|offer| offer.learn.is_none());
    match (own, program.returns) {
        (true, false) => Apart::Always,
        (true, true) => Apart::UnlessReturned,
        (false, _) => Apart::Never,
    }
}

/// Looks through JSON lines for the field that names a purchase. Of a text that could hold it, it says that it does; the
/// file is at its beginning again afterwards.
pub(super) fn names_no_purchase(file: &mut File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let start = file.stream_position()?;
    let found = {
        let mut text = input::open(&mut *file)?;
        let mut buffer = vec![0; 1 << 18];
        let mut kept = 0;
        loop {
            let count = match text.read(buffer.get_mut(kept..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Whoever reads it says so.
                Err(_) | Ok(0) => break false,
                Ok(count) => count,
            };
            let end = kept + count;
            let piece = buffer.get(..end).unwrap_or_default();
            // The key as it is written usually, or a text in which any key may stand behind escapes.
            if piece.windows(4).any(|part| part == b"\"of\"") || piece.windows(2).any(|part| part == b"\\u") {
                break true;
            }
            let rest = end.saturating_sub(3);
            buffer.copy_within(rest..end, 0);
            kept = end - rest;
        }
    };
    file.seek(SeekFrom::Start(start))?;
    Ok(!found)
}

/// A chunk, and which thread has which of its records.
struct Routed {
    chunk: Chunk,
    shards: Vec<u8>,
}

/// What comes back from the threads.
enum Message {
    /// A chunk was handed out.
    Begun(Arc<Routed>),
    /// A thread's share of a chunk.
    Part(u64, u8, Result<Box<Done>, BatchErrorCause>),
    /// There are so many chunks, and why there are no more.
    End(u64, Result<(), BatchErrorCause>),
}

pub(super) fn drive<S: Source>(
    engine: &Engine,
    mut source: S,
    sink: &mut Sink<'_>,
    options: &BatchOptions,
) -> Result<(), BatchErrorCause> {
    let threads = options.threads.min(64) as u8;
    let (sender, receiver) = mpsc::channel::<Message>();
    // Memory of shares that are put together, to serve again.
    let spare: Spare = Mutex::new(Vec::new());
    let spare = &spare;
    std::thread::scope(|scope| {
        let mut hands = Vec::new();
        for number in 0..threads {
            let (hand, chunks) = mpsc::sync_channel::<(u64, Arc<Routed>)>(WAITING);
            hands.push(hand);
            let sender = sender.clone();
            let mut worker = sink.worker(engine, options);
            scope.spawn(move || {
                for (at, routed) in chunks {
                    let share = Share { of: &routed.shards, number };
                    let mut done = lock(spare).pop().unwrap_or_default();
                    let part = catch_unwind(AssertUnwindSafe(|| {
                        done.clear();
                        done.ends.get_or_insert_default().clear();
                        worker.process(&routed.chunk, Some(share), &mut done);
                    }));
                    let part = part.map(|()| done).map_err(|_| BatchErrorCause::Internal);
                    let failed = part.is_err();
                    if sender.send(Message::Part(at, number, part)).is_err() || failed {
                        return;
                    }
                }
            });
        }
        scope.spawn(move || {
            let mut router = Router::new(engine, threads);
            let mut count = 0;
            let result = loop {
                let routed = match source.next() {
                    Ok(Some(chunk)) => Arc::new(router.route(chunk.written(engine.schema()))),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(BatchErrorCause::Input(error)),
                };
                let begun = sender.send(Message::Begun(Arc::clone(&routed)));
                if begun.is_err() || hands.iter().any(|hand| hand.send((count, Arc::clone(&routed))).is_err())
                {
                    // Nobody wants more, or a thread has failed and says so itself.
                    return;
                }
                count += 1;
            };
            let _ = sender.send(Message::End(count, result));
        });
        collect(receiver, sink, threads, spare)
    })
}

/// What came of chunks that are written.
type Spare = Mutex<Vec<Box<Done>>>;

/// Puts the shares of each chunk together, in the order of the chunks.
fn collect(
    receiver: mpsc::Receiver<Message>,
    sink: &mut Sink<'_>,
    threads: u8,
    spare: &Spare,
) -> Result<(), BatchErrorCause> {
    let mut whole = Done::default();
    let mut begun: std::collections::VecDeque<Arc<Routed>> = std::collections::VecDeque::new();
    let mut parts: BTreeMap<(u64, u8), Box<Done>> = BTreeMap::new();
    let mut next = 0;
    let mut end = None;
    loop {
        while (0..threads).all(|shard| parts.contains_key(&(next, shard)))
            && let Some(routed) = begun.pop_front()
        {
            let shares: Vec<Box<Done>> =
                (0..threads).filter_map(|shard| parts.remove(&(next, shard))).collect();
            together(&routed, &shares, &mut whole).ok_or(BatchErrorCause::Internal)?;
            sink.take(&whole).map_err(BatchErrorCause::Output)?;
            lock(spare).extend(shares);
            next += 1;
        }
        if let Some((count, _)) = &end
            && *count == next
        {
            return end.map_or(Ok(()), |(_, result)| result);
        }
        match receiver.recv() {
            Ok(Message::Begun(routed)) => begun.push_back(routed),
            Ok(Message::Part(at, shard, part)) => {
                parts.insert((at, shard), part?);
            }
            Ok(Message::End(count, result)) => end = Some((count, result)),
            Err(_) => return Err(BatchErrorCause::Internal),
        }
    }
}

/// What came of a chunk, record by record from the thread that had it.
fn together(routed: &Routed, shares: &[Box<Done>], whole: &mut Done) -> Option<()> {
    whole.clear();
    whole.consumed = routed.chunk.consumed;
    // By thread: records that were taken, and where they end.
    let mut taken = vec![(0usize, 0usize, 0usize); shares.len()];
    #[cfg(feature = "columnar")]
    let mut order = Vec::new();
    for shard in &routed.shards {
        let shard = usize::from(*shard);
        let (done, (count, decisions, rejections)) = (shares.get(shard)?, taken.get_mut(shard)?);
        let (to, rejected_to) = *done.ends.as_ref()?.get(*count)?;
        #[cfg(feature = "columnar")]
        match &done.rows {
            Some(Ok(_)) => order.extend((*decisions..to).map(|row| (shard, row))),
            Some(Err(_)) => {}
            None => whole.decisions.extend_from_slice(done.decisions.get(*decisions..to)?),
        }
        #[cfg(not(feature = "columnar"))]
        whole.decisions.extend_from_slice(done.decisions.get(*decisions..to)?);
        whole.rejections.extend_from_slice(done.rejections.get(*rejections..rejected_to)?);
        (*count, *decisions, *rejections) = (*count + 1, to, rejected_to);
    }
    for done in shares {
        whole.tally.merge(&done.tally);
    }
    #[cfg(feature = "columnar")]
    {
        let mut rows = Vec::with_capacity(shares.len());
        for done in shares {
            match &done.rows {
                Some(Ok(part)) => rows.push(part),
                Some(Err(message)) => whole.rows = Some(Err(message.clone())),
                None => {}
            }
        }
        if whole.rows.is_none() && !rows.is_empty() {
            let one = arrow_select::interleave::interleave_record_batch(&rows, &order);
            whole.rows = Some(one.map_err(|error| error.to_string()));
        }
    }
    Some(())
}

/// Says which thread has a record.
struct Router<'e> {
    engine: &'e Engine,
    threads: u8,
    reader: Reader,
    event: ReadEvent,
}

impl<'e> Router<'e> {
    fn new(engine: &'e Engine, threads: u8) -> Router<'e> {
        Router { engine, threads, reader: Reader::new(), event: ReadEvent::default() }
    }

    fn route(&mut self, chunk: Chunk) -> Routed {
        let mut shards = Vec::new();
        each(&chunk, &mut |record| {
            shards.push(match record {
                Record::Line { line, .. } => self.shard(line),
                Record::TooLong => 0,
            });
        });
        Routed { chunk, shards }
    }

    fn shard(&mut self, line: &[u8]) -> u8 {
        match member(line) {
            Found::Member(id) => self.of(id),
            Found::None => 0,
            Found::Unsure => {
                let read = self.reader.read(self.engine.schema(), line, &mut self.event);
                match (read, self.event.member()) {
                    (Ok(()), Some(id)) => self.of(id.as_bytes()),
                    // Whoever has it refuses it, or keeps nothing for a member.
                    (Ok(()) | Err(_), _) => 0,
                }
            }
        }
    }

    fn of(&self, id: &[u8]) -> u8 {
        let mut hasher = FxHasher::default();
        hasher.write(id);
        // The upper half: the lower bits of this hash say little.
        ((hasher.finish() >> 32) % u64::from(self.threads.max(1))) as u8
    }
}

/// Whose event a line is, as far as can be told without reading it.
#[derive(Debug, PartialEq, Eq)]
enum Found<'l> {
    Member(&'l [u8]),
    /// The event is nobody's.
    None,
    /// It is written in an unusual way, or is no record.
    Unsure,
}

/// Finds the member's id in the text of a record. Of a text that is a record, it finds what the reader does, or is unsure.
fn member(line: &[u8]) -> Found<'_> {
    find(line, b"member", &|value| match value.first() {
        Some(b'"') => string(value).map_or(Found::Unsure, |(id, _)| Found::Member(id)),
        Some(b'{') => find(value, b"id", &|value| match string(value) {
            Some((id, _)) => Found::Member(id),
            None => Found::Unsure,
        }),
        Some(_) | None => Found::Unsure,
    })
}

/// What `on` makes of the value of a key of an object.
fn find<'l>(object: &'l [u8], key: &[u8], on: &dyn Fn(&'l [u8]) -> Found<'l>) -> Found<'l> {
    let seek = || -> Option<Found<'l>> {
        let mut rest = blank(object).strip_prefix(b"{")?;
        if blank(rest).first() == Some(&b'}') {
            return Some(Found::None);
        }
        loop {
            let (name, after) = string(blank(rest))?;
            let value = blank(blank(after).strip_prefix(b":")?);
            if name == key {
                return Some(on(value));
            }
            let after = blank(past(value)?);
            match after.split_first()? {
                (b',', next) => rest = next,
                (b'}', _) => return Some(Found::None),
                _ => return None,
            }
        }
    };
    seek().unwrap_or(Found::Unsure)
}

fn blank(text: &[u8]) -> &[u8] {
    let at = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    at.and_then(|at| text.get(at..)).unwrap_or_default()
}

/// A text without escapes, and what follows it.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let end = inner.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (string, rest) = inner.split_at_checked(end)?;
    Some((string, rest.strip_prefix(b"\"")?))
}

/// What follows a value.
fn past(value: &[u8]) -> Option<&[u8]> {
    let mut depth = 0usize;
    let mut rest = value;
    loop {
        let (first, after) = rest.split_first()?;
        rest = match first {
            b'"' => {
                let mut inner = after;
                loop {
                    let end = inner.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
                    match inner.get(end)? {
                        b'"' => break inner.get(end + 1..)?,
                        _ => inner = inner.get(end + 2..)?,
                    }
                }
            }
            b'{' | b'[' => {
                depth += 1;
                after
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                after
            }
            b',' | b':' | b' ' | b'\t' => after,
            _ => {
                let end =
                    after.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r'));
                after.get(end?..)?
            }
        };
        if depth == 0 {
            return Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_or_doubted() {
        let of = |text: &'static str| member(text.as_bytes());
        assert_eq!(of(r#"{"id":"a","member":"m1","lines":[]}"#), Found::Member(b"m1"));
        assert_eq!(
            of(
                r#" { "lines" : [ {"sku":"}\"]","member":"x"}, [1.5,null] ] , "member" : { "tier":"gold", "id" : "m2" } }"#
            ),
            Found::Member(b"m2")
        );
        assert_eq!(of(r#"{"note":"\"member\":\"m1\"","at":true,"n":12}"#), Found::None);
        assert_eq!(of("{}"), Found::None);
        for text in [
            r#"{"m\u0065mber":"m1"}"#,
            r#"{"member":"m\u0031"}"#,
            r#"{"member":null}"#,
            r#"{"member":{"id":7}}"#,
            r#"{"a":"#,
            r#"{"a":[}"#,
            r#"{"a""#,
            "[]",
            "",
            "x",
        ] {
            assert_eq!(of(text), Found::Unsure, "{text}");
        }
        assert_eq!(of(r#"{"member":{}}"#), Found::None);
    }
}
