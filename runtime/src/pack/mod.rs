//! Packs: a verified program as bytes, and bytes as a verified program.
//!
//! A pack is data from anywhere. It is believed step by step (length, format, signature, checksums, decoding,
//! verifier), and refused at the first step that fails. It holds no machine code and chooses neither the key nor the
//! algorithm by which it is checked. Refuses to know files and engines.
//!
//! Layout, little-endian; see `docs/reference/packs.md`:
//!
//! ```text
//!  0  magic, 8 bytes            32  content length, u64       table: for each section
//!  8  format major, u16         40  sections, u32                kind, u32; zero, u32
//! 10  format minor, u16         44  zero, u32                    offset, u64; length, u64
//! 12  flags, u32                48  table                        BLAKE3, 32 bytes
//! 16  serial, u64                   BLAKE3 of all before, 32 bytes
//! 24  zero, u64                     sections; then, where signed: magic, 8 bytes; Ed25519, 64 bytes
//! ```

mod canonical;
mod error;
mod manifest;
mod state;
#[cfg(test)]
mod tests;

use crate::beside::both;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use perq_compiler::ir::verify::{Verified, verify};
use perq_compiler::ir::{Program, SourcePlace};
use std::sync::{Arc, OnceLock};

pub use error::PackError;
use manifest::Writer;
pub(crate) use manifest::place;
pub use manifest::{AccountEntry, Field, GroupEntry, Manifest, RuleEntry, Source};
pub use state::{CounterEntry, DerivedEntry, HistoryEntry, StateEntry};

const MAGIC: &[u8; 8] = b"\x8fperq\r\n\x1a";
const SIGNATURE_MAGIC: &[u8; 8] = b"\x8fperqsig";
const MAJOR: u16 = 1;
const MINOR: u16 = 0;
const HEADER: usize = 48;
const ENTRY: usize = 56;
const HASH: usize = 32;
const TRAILER: usize = 8 + 64;
/// The language that this version evaluates.
const LANGUAGE: u32 = 1;

/// Bytes of a pack, unless the host says otherwise.
const MAX_LENGTH: u64 = 64 << 20;

/// Bytes of a pack from which on it is read by two threads.
const LARGE: usize = 1 << 18;

/// The sections, in the order in which they stand: (kind, word).
const SECTIONS: [(u32, &str); 2] = [(1, "manifest"), (2, "program")];
const CONTENT_START: usize = HEADER + SECTIONS.len() * ENTRY + HASH;

/// Makes signatures. Keep it away from hosts that only read packs.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From the 32 bytes of an Ed25519 secret key.
    pub fn from_bytes(bytes: &[u8; 32]) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(bytes))
    }

    /// The key that checks its signatures.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey of {:?}", self.public())
    }
}

/// Checks signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From the 32 bytes of an Ed25519 public key; nothing where they are none, or a weak one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<PublicKey> {
        VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).map(PublicKey)
    }

    /// Its 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey {}", blake3::Hash::from_bytes(self.to_bytes()).to_hex())
    }
}

/// What a host accepts. Comes from the host's own configuration, never from a pack.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Keys of which one must have made the signature, where there is one.
    pub keys: Vec<PublicKey>,
    /// Keys that are no longer trusted, even where they are among [`Self::keys`].
    pub revoked: Vec<PublicKey>,
    /// Packs without a signature are refused.
    pub required: bool,
    /// Packs with a lower serial are refused.
    pub minimum_serial: u64,
    /// Longer packs are refused, in bytes.
    pub maximum_length: u64,
}

impl Policy {
    /// Only packs signed by one of these keys.
    pub fn signed_by(keys: Vec<PublicKey>) -> Policy {
        Policy { keys, required: true, ..Policy::unsigned_allowed() }
    }

    /// Any pack without a signature. For development: whoever can change the file can change the rules.
    pub fn unsigned_allowed() -> Policy {
        Policy {
            keys: Vec::new(),
            revoked: Vec::new(),
            required: false,
            minimum_serial: 0,
            maximum_length: MAX_LENGTH,
        }
    }
}

/// What a writer chooses.
#[derive(Debug, Default)]
pub struct WriteOptions<'k> {
    /// Counts up with every release of a program, so that hosts can refuse older ones.
    pub serial: u64,
    /// Signs the pack.
    pub key: Option<&'k SigningKey>,
}

/// A pack that was accepted.
#[derive(Clone, Debug)]
pub struct Pack {
    program: Arc<Verified>,
    writer: Writer,
    /// Follows from the others; made when somebody asks for it.
    manifest: OnceLock<Manifest>,
    serial: u64,
    hash: blake3::Hash,
    signed: bool,
}

impl Pack {
    /// Writes a program. The same program and options give the same bytes.
    pub fn write(program: &Verified, options: &WriteOptions<'_>) -> Vec<u8> {
        let mut bytes = encode(program, &Manifest::of(program, &Writer::this()), options.serial);
        if let Some(SigningKey(key)) = options.key {
            let signature = key.sign(&bytes);
            bytes.extend_from_slice(SIGNATURE_MAGIC);
            bytes.extend_from_slice(&signature.to_bytes());
        }
        bytes
    }

    /// A pack of a program that was compiled just now, as if written without signature and read again.
    pub fn of(program: Verified) -> Pack {
        let manifest = Manifest::of(&program, &Writer::this());
        let hash = root_hash(&encode(&program, &manifest, 0));
        let (program, writer) = (Arc::new(program), Writer::this());
        Pack { program, writer, manifest: OnceLock::from(manifest), serial: 0, hash, signed: false }
    }

    /// Reads a pack.
    ///
    /// # Errors
    /// Refuses whatever it does not understand wholly, with the reason.
    pub fn read(bytes: &[u8], policy: &Policy) -> Result<Pack, PackError> {
        let length = bytes.len() as u64;
        if length > policy.maximum_length {
            return Err(PackError::TooLong { length, limit: policy.maximum_length });
        }
        let (content, signature) = frame(bytes)?;
        check_signature(content, signature, policy)?;
        let serial = read_u64(content, 16)?;
        if serial < policy.minimum_serial {
            return Err(PackError::RolledBack { serial, minimum: policy.minimum_serial });
        }
        let sections = sections(content)?;
        let [(manifest_bytes, _), (program_bytes, _)] = sections;
        let large = bytes.len() >= LARGE;
        let program = decode(program_bytes)?;
        let writer: Writer =
            serde_json::from_slice(manifest_bytes).map_err(|_| PackError::MalformedManifest)?;
        if program.language != LANGUAGE {
            return Err(PackError::UnknownLanguage { language: program.language });
        }
        let program = verify(program).map_err(PackError::Unverified)?;
        let (described, program_is_canonical) = both(
            large,
            || described(&Manifest::of(&program, &writer), manifest_bytes),
            || canonical::is_postcard(&*program, program_bytes),
        );
        described?;
        let canonical = content.starts_with(&head(sections.map(|(bytes, hash)| (bytes.len(), hash)), serial))
            && program_is_canonical;
        if !canonical {
            return Err(PackError::NotCanonical);
        }
        Ok(Pack {
            program: Arc::new(program),
            writer,
            manifest: OnceLock::new(),
            serial,
            hash: root_hash(content),
            signed: signature.is_some(),
        })
    }

    /// Its program.
    pub fn program(&self) -> &Arc<Verified> {
        &self.program
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        self.manifest.get_or_init(|| Manifest::of(&self.program, &self.writer))
    }

    /// Its serial.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Whether one of the policy's keys signed it.
    pub fn signed(&self) -> bool {
        self.signed
    }

    /// The hash of its content; signing does not change it.
    pub fn hash(&self) -> [u8; 32] {
        *self.hash.as_bytes()
    }

    /// The hash of what its rules say: that of its program without the names, hashes and places of texts. So packs whose
    /// texts differ in comments, tests and empty lines have the same one. Whoever keeps what a rule gave asks by it whether another
    /// pack's rules are the same. Worked out when it is asked for.
    pub fn rules_hash(&self) -> [u8; 32] {
        let mut program = Program::clone(&self.program);
        program.sources.clear();
        program.places.fill(SourcePlace::at(0, 1, 1));
        // Plain data: the encoder has no way to fail.
        let bytes = postcard::to_allocvec(&program).unwrap_or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&MAJOR.to_le_bytes());
        hasher.update(&bytes);
        *hasher.finalize().as_bytes()
    }

    /// The first 16 hexadecimal digits of [`Self::rules_hash`].
    pub fn short_rules_hash(&self) -> String {
        blake3::Hash::from_bytes(self.rules_hash()).to_hex().as_str().get(..16).unwrap_or_default().to_owned()
    }

    /// The first 16 hexadecimal digits of the hash, as decisions name it.
    pub fn short_hash(&self) -> String {
        self.hash.to_hex().as_str().get(..16).unwrap_or_default().to_owned()
    }
}

/// Whether a manifest's bytes are those of this one, which was made from the program.
fn described(expected: &Manifest, bytes: &[u8]) -> Result<(), PackError> {
    if canonical::is_json(expected, bytes) {
        return Ok(());
    }
    match serde_json::from_slice::<Manifest>(bytes) {
        Ok(manifest) if manifest == *expected => Err(PackError::NotCanonical),
        Ok(_) => Err(PackError::ManifestMismatch),
        Err(_) => Err(PackError::MalformedManifest),
    }
}

fn encode(program: &Program, manifest: &Manifest, serial: u64) -> Vec<u8> {
    // Plain data: neither encoder has a way to fail, and an empty section would be refused when read.
    let manifest = serde_json::to_vec(manifest).unwrap_or_default();
    let program = postcard::to_allocvec(program).unwrap_or_default();
    let sections = [&manifest, &program];
    let mut out = head(sections.map(|section| (section.len(), blake3::hash(section))), serial);
    out.reserve(manifest.len() + program.len() + TRAILER);
    for section in sections {
        out.extend_from_slice(section);
    }
    out
}

/// Header and table of sections of these lengths and checksums, with their own checksum.
fn head(sections: [(usize, blake3::Hash); 2], serial: u64) -> Vec<u8> {
    let length = CONTENT_START + sections.iter().map(|(length, _)| length).sum::<usize>();
    let mut out = Vec::with_capacity(CONTENT_START);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&MAJOR.to_le_bytes());
    out.extend_from_slice(&MINOR.to_le_bytes());
    out.extend_from_slice(&0u32.to_le_bytes());
    out.extend_from_slice(&serial.to_le_bytes());
    out.extend_from_slice(&0u64.to_le_bytes());
    out.extend_from_slice(&(length as u64).to_le_bytes());
    out.extend_from_slice(&(SECTIONS.len() as u32).to_le_bytes());
    out.extend_from_slice(&0u32.to_le_bytes());
    let mut offset = CONTENT_START;
    for ((kind, _), (length, hash)) in SECTIONS.iter().zip(&sections) {
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&0u32.to_le_bytes());
        out.extend_from_slice(&(offset as u64).to_le_bytes());
        out.extend_from_slice(&(*length as u64).to_le_bytes());
        out.extend_from_slice(hash.as_bytes());
        offset += length;
    }
    let hash = blake3::hash(&out);
    out.extend_from_slice(hash.as_bytes());
    out
}

/// The hash of header and table, which holds the hashes of the sections.
fn root_hash(content: &[u8]) -> blake3::Hash {
    blake3::hash(content.get(..CONTENT_START - HASH).unwrap_or_default())
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], PackError> {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<N>).copied().ok_or(PackError::Truncated)
}

fn read_u16(bytes: &[u8], at: usize) -> Result<u16, PackError> {
    take(bytes, at).map(u16::from_le_bytes)
}

fn read_u32(bytes: &[u8], at: usize) -> Result<u32, PackError> {
    take(bytes, at).map(u32::from_le_bytes)
}

fn read_u64(bytes: &[u8], at: usize) -> Result<u64, PackError> {
    take(bytes, at).map(u64::from_le_bytes)
}

/// Tells content from signature; only magic, format, flags and the length are looked at.
fn frame(bytes: &[u8]) -> Result<(&[u8], Option<Signature>), PackError> {
    let magic = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if !MAGIC.starts_with(magic) {
        return Err(PackError::NotAPack);
    }
    let (major, minor) = (read_u16(bytes, 8)?, read_u16(bytes, 10)?);
    if (major, minor) < (MAJOR, MINOR) {
        return Err(PackError::OlderFormat { major, minor });
    }
    if (major, minor) > (MAJOR, MINOR) {
        return Err(PackError::NewerFormat { major, minor });
    }
    if read_u32(bytes, 12)? != 0 {
        return Err(PackError::UnknownFlags);
    }
    let length = usize::try_from(read_u64(bytes, 32)?).map_err(|_| PackError::Truncated)?;
    if length < CONTENT_START {
        return Err(PackError::SectionOutOfBounds);
    }
    let (content, rest) = bytes.split_at_checked(length).ok_or(PackError::Truncated)?;
    if rest.is_empty() {
        return Ok((content, None));
    }
    let magic = rest.get(..SIGNATURE_MAGIC.len()).unwrap_or(rest);
    if !SIGNATURE_MAGIC.starts_with(magic) || rest.len() > TRAILER {
        return Err(PackError::TrailingBytes);
    }
    Ok((content, Some(Signature::from_bytes(&take(rest, SIGNATURE_MAGIC.len())?))))
}

fn check_signature(content: &[u8], signature: Option<Signature>, policy: &Policy) -> Result<(), PackError> {
    let Some(signature) = signature else {
        return if policy.required { Err(PackError::Unsigned) } else { Ok(()) };
    };
    let made_by = |key: &&PublicKey| key.0.verify_strict(content, &signature).is_ok();
    if policy.revoked.iter().any(|key| made_by(&key)) {
        return Err(PackError::RevokedKey);
    }
    match policy.keys.iter().find(made_by) {
        Some(_) => Ok(()),
        None => Err(PackError::BadSignature),
    }
}

/// The sections with their checksums, after header, table and each section matched its own.
fn sections(content: &[u8]) -> Result<[(&[u8], blake3::Hash); 2], PackError> {
    let count = read_u32(content, 40)?;
    let mut entries = Vec::new();
    let mut end = CONTENT_START as u64;
    for index in 0..(count as usize).min(SECTIONS.len() + 1) {
        let at = HEADER + index * ENTRY;
        let kind = read_u32(content, at)?;
        let (offset, length) = (read_u64(content, at + 8)?, read_u64(content, at + 16)?);
        let hash: [u8; 32] = take(content, at + 24)?;
        let Some(position) = SECTIONS.iter().position(|(known, _)| *known == kind) else {
            return Err(PackError::UnknownSection);
        };
        if position < index {
            return Err(PackError::DuplicateSection);
        }
        if position > index {
            return Err(PackError::MissingSection);
        }
        let next = offset.checked_add(length).filter(|next| *next <= content.len() as u64);
        let Some(next) = next else { return Err(PackError::SectionOutOfBounds) };
        if offset < end {
            return Err(PackError::SectionOverlap);
        }
        if offset > end {
            return Err(PackError::SectionGap);
        }
        end = next;
        entries.push((offset as usize..next as usize, hash));
    }
    if entries.len() < SECTIONS.len() {
        return Err(PackError::MissingSection);
    }
    if end < content.len() as u64 {
        return Err(PackError::SectionGap);
    }
    let stored: [u8; 32] = take(content, CONTENT_START - HASH)?;
    if stored != *root_hash(content).as_bytes() {
        return Err(PackError::HeaderChecksum);
    }
    let mut sections: [(&[u8], blake3::Hash); 2] = [(&[], blake3::Hash::from_bytes([0; 32])); 2];
    for ((section, (range, hash)), (_, word)) in sections.iter_mut().zip(entries).zip(SECTIONS) {
        let bytes = content.get(range).ok_or(PackError::SectionOutOfBounds)?;
        *section = (bytes, blake3::hash(bytes));
        // Not secret, so it does not matter how long comparing takes.
        if *section.1.as_bytes() != hash {
            return Err(PackError::SectionChecksum { section: word });
        }
    }
    Ok(sections)
}

/// Decodes a program. Memory grows with the bytes that are there, never with a count that they declare: lists are
/// reserved only up to a bound and grow as their entries are decoded, and each entry takes a byte at least.
fn decode(bytes: &[u8]) -> Result<Program, PackError> {
    let (program, rest) = postcard::take_from_bytes(bytes).map_err(|_| PackError::MalformedProgram)?;
    if rest.is_empty() { Ok(program) } else { Err(PackError::TrailingProgramBytes) }
}
