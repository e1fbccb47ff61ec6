//! Why a pack is refused: one name for each reason.
//!
//! Refuses to know how a pack is taken apart.

use perq_compiler::ir::verify::VerifyError;

/// A pack that was refused. Nothing of it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackError {
    /// Longer than the policy allows.
    TooLong {
        /// Bytes.
        length: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Shorter than it says, or than a pack can be.
    Truncated,
    /// Does not begin like a pack.
    NotAPack,
    /// Of a format before this one.
    OlderFormat {
        /// Its format.
        major: u16,
        /// Its format's revision.
        minor: u16,
    },
    /// Of a format after this one.
    NewerFormat {
        /// Its format.
        major: u16,
        /// Its format's revision.
        minor: u16,
    },
    /// Uses abilities that this version does not have.
    UnknownFlags,
    /// Has bytes after its end.
    TrailingBytes,
    /// Has no signature although one is required.
    Unsigned,
    /// None of the host's keys made its signature: the key is unknown, or the pack or its signature was changed.
    BadSignature,
    /// Signed by a key that the host has revoked.
    RevokedKey,
    /// Older than the oldest serial that the host still accepts.
    RolledBack {
        /// Its serial.
        serial: u64,
        /// The oldest accepted.
        minimum: u64,
    },
    /// Header and table do not match their checksum.
    HeaderChecksum,
    /// A section does not match its checksum.
    SectionChecksum {
        /// The section's word.
        section: &'static str,
    },
    /// A section lies outside the pack.
    SectionOutOfBounds,
    /// Two sections share bytes.
    SectionOverlap,
    /// Bytes belong to no section.
    SectionGap,
    /// A section is there twice.
    DuplicateSection,
    /// A section of an unknown kind.
    UnknownSection,
    /// A section is not there.
    MissingSection,
    /// The program cannot be decoded.
    MalformedProgram,
    /// Bytes follow the program in its section.
    TrailingProgramBytes,
    /// The manifest cannot be decoded.
    MalformedManifest,
    /// The manifest says something else than the program.
    ManifestMismatch,
    /// Written in another way than this version writes the same content.
    NotCanonical,
    /// Written for a language that this version does not know.
    UnknownLanguage {
        /// Its number.
        language: u32,
    },
    /// The program breaks a rule of the verifier.
    Unverified(Vec<VerifyError>),
}

impl PackError {
    /// Its lasting name.
    pub fn name(&self) -> &'static str {
        match self {
            PackError::TooLong { .. } => "pack-too-long",
            PackError::Truncated => "truncated",
            PackError::NotAPack => "not-a-pack",
            PackError::OlderFormat { .. } => "older-format",
            PackError::NewerFormat { .. } => "newer-format",
            PackError::UnknownFlags => "unknown-flags",
            PackError::TrailingBytes => "trailing-bytes",
            PackError::Unsigned => "unsigned",
            PackError::BadSignature => "bad-signature",
            PackError::RevokedKey => "revoked-key",
            PackError::RolledBack { .. } => "rolled-back",
            PackError::HeaderChecksum => "header-checksum",
            PackError::SectionChecksum { .. } => "section-checksum",
            PackError::SectionOutOfBounds => "section-out-of-bounds",
            PackError::SectionOverlap => "section-overlap",
            PackError::SectionGap => "section-gap",
            PackError::DuplicateSection => "duplicate-section",
            PackError::UnknownSection => "unknown-section",
            PackError::MissingSection => "missing-section",
            PackError::MalformedProgram => "malformed-program",
            PackError::TrailingProgramBytes => "trailing-program-bytes",
            PackError::MalformedManifest => "malformed-manifest",
            PackError::ManifestMismatch => "manifest-mismatch",
            PackError::NotCanonical => "not-canonical",
            PackError::UnknownLanguage { .. } => "unknown-language",
            PackError::Unverified(_) => "unverified",
        }
    }
}

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PackError::TooLong { length, limit } => {
                write!(f, "the pack has {length} bytes, and at most {limit} are accepted")
            }
            PackError::Truncated => write!(f, "the pack is cut off"),
            PackError::NotAPack => write!(f, "this is not a pack"),
            PackError::OlderFormat { major, minor } => {
                write!(
                    f,
                    "the pack has the format {major}.{minor}, which is no longer read; compile it again"
                )
            }
            PackError::NewerFormat { major, minor } => {
                write!(f, "the pack has the format {major}.{minor}, which a newer version of perq reads")
            }
            PackError::UnknownFlags => write!(f, "the pack needs something that this version does not have"),
            PackError::TrailingBytes => write!(f, "bytes follow the end of the pack"),
            PackError::Unsigned => write!(f, "the pack is not signed, and this host requires a signature"),
            PackError::BadSignature => write!(
                f,
                "no key that this host trusts made the pack's signature: the key is unknown, or the pack was changed"
            ),
            PackError::RevokedKey => write!(f, "the pack is signed by a key that this host has revoked"),
            PackError::RolledBack { serial, minimum } => {
                write!(f, "the pack has the serial {serial}, and this host accepts none before {minimum}")
            }
            PackError::HeaderChecksum => write!(f, "the pack's header was changed"),
            PackError::SectionChecksum { section } => write!(f, "the pack's {section} was changed"),
            PackError::SectionOutOfBounds => write!(f, "a section lies outside the pack"),
            PackError::SectionOverlap => write!(f, "two sections of the pack share bytes"),
            PackError::SectionGap => write!(f, "the pack has bytes that belong to no section"),
            PackError::DuplicateSection => write!(f, "a section of the pack is there twice"),
            PackError::UnknownSection => write!(f, "the pack has a section of an unknown kind"),
            PackError::MissingSection => write!(f, "a section of the pack is missing"),
            PackError::MalformedProgram => write!(f, "the pack's program cannot be decoded"),
            PackError::TrailingProgramBytes => write!(f, "bytes follow the pack's program in its section"),
            PackError::MalformedManifest => write!(f, "the pack's manifest cannot be decoded"),
            PackError::ManifestMismatch => {
                write!(f, "the pack's manifest says something else than its program")
            }
            PackError::NotCanonical => write!(f, "the pack is not written as perq writes packs"),
            PackError::UnknownLanguage { language } => {
                write!(f, "the pack is of language {language}, which this version does not know")
            }
            PackError::Unverified(errors) => {
                write!(f, "the pack's program is not valid")?;
                match errors.first() {
                    Some(first) => write!(f, ": {first}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for PackError {}
