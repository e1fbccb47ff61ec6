//! Every damage that a pack can take.

use super::*;
use crate::testing;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn unsigned() -> Vec<u8> {
    Pack::write(&testing::verified(), &WriteOptions { serial: 5, key: None })
}

fn signed(seed: u8) -> Vec<u8> {
    Pack::write(&testing::verified(), &WriteOptions { serial: 5, key: Some(&key(seed)) })
}

fn trusting(seed: u8) -> Policy {
    Policy::signed_by(vec![key(seed).public()])
}

fn refusal(bytes: &[u8], policy: &Policy) -> &'static str {
    match Pack::read(bytes, policy) {
        Ok(_) => "accepted",
        Err(error) => {
            assert!(!error.to_string().is_empty());
            error.name()
        }
    }
}

/// A content with its header checksum made right again.
fn rehashed(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = root_hash(&bytes);
    bytes[CONTENT_START - HASH..CONTENT_START].copy_from_slice(hash.as_bytes());
    bytes
}

/// A pack of these sections, right in all else.
fn packed(manifest: &[u8], program: &[u8]) -> Vec<u8> {
    let mut bytes = unsigned();
    bytes.truncate(CONTENT_START);
    let length = (CONTENT_START + manifest.len() + program.len()) as u64;
    bytes[32..40].copy_from_slice(&length.to_le_bytes());
    let mut offset = CONTENT_START;
    for (index, section) in [manifest, program].into_iter().enumerate() {
        let at = HEADER + index * ENTRY;
        bytes[at + 8..at + 16].copy_from_slice(&(offset as u64).to_le_bytes());
        bytes[at + 16..at + 24].copy_from_slice(&(section.len() as u64).to_le_bytes());
        bytes[at + 24..at + 56].copy_from_slice(blake3::hash(section).as_bytes());
        bytes.extend_from_slice(section);
        offset += section.len();
    }
    rehashed(bytes)
}

fn parts() -> (Vec<u8>, Vec<u8>) {
    let program = testing::verified();
    (
        serde_json::to_vec(&Manifest::of(&program, &Writer::this())).unwrap(),
        postcard::to_allocvec(&*program).unwrap(),
    )
}

#[test]
fn reads_what_it_writes() {
    let bytes = unsigned();
    assert_eq!(bytes, unsigned());
    let pack = Pack::read(&bytes, &Policy::unsigned_allowed()).unwrap();
    assert_eq!(**pack.program(), testing::verified());
    assert_eq!((pack.serial(), pack.signed()), (5, false));
    assert_eq!(pack.manifest().rules[0].place, "rules/shop.rule:3:5");
    let groups: Vec<&str> = pack.manifest().groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(groups, ["offers", "base"]);
    let with_signature = Pack::read(&signed(1), &trusting(1)).unwrap();
    assert!(with_signature.signed());
    assert_eq!(with_signature.hash(), pack.hash());
    assert_eq!(pack.short_hash().len(), 16);
    assert_eq!(Pack::of(testing::verified()).manifest(), pack.manifest());
    let (manifest, program) = parts();
    assert_eq!(packed(&manifest, &program), bytes);
}

#[test]
fn every_truncation_is_refused() {
    let (bytes, with_signature) = (unsigned(), signed(1));
    for length in 0..bytes.len() {
        assert_eq!(refusal(&bytes[..length], &Policy::unsigned_allowed()), "truncated", "{length}");
    }
    for length in 0..with_signature.len() {
        let expected = if length == bytes.len() { "unsigned" } else { "truncated" };
        assert_eq!(refusal(&with_signature[..length], &trusting(1)), expected, "{length}");
    }
}

#[test]
fn every_single_bit_is_refused() {
    for (mut bytes, policy) in [(unsigned(), Policy::unsigned_allowed()), (signed(1), trusting(1))] {
        for at in 0..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                assert_ne!(refusal(&bytes, &policy), "accepted", "byte {at} bit {bit}");
                bytes[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn signatures_follow_the_host() {
    let good = signed(1);
    let content = unsigned();
    assert_eq!(refusal(&content, &trusting(1)), "unsigned");
    assert_eq!(refusal(&good, &trusting(2)), "bad-signature");
    assert_eq!(refusal(&good, &Policy::unsigned_allowed()), "bad-signature");
    let both = Policy::signed_by(vec![key(2).public(), key(1).public()]);
    assert_eq!(refusal(&good, &both), "accepted");
    let revoked = Policy { revoked: vec![key(1).public()], ..both.clone() };
    assert_eq!(refusal(&good, &revoked), "revoked-key");
    assert_eq!(refusal(&signed(2), &revoked), "accepted");
    // Swapped: another pack's signature by the same key.
    let other = Pack::write(&testing::verified(), &WriteOptions { serial: 6, key: Some(&key(1)) });
    let swapped = [&content[..], &other[other.len() - TRAILER..]].concat();
    assert_eq!(refusal(&swapped, &trusting(1)), "bad-signature");
    // Forged: nothing but zeros, and everything but the key.
    let forged = [&content[..], &SIGNATURE_MAGIC[..], &[0; 64][..]].concat();
    assert_eq!(refusal(&forged, &trusting(1)), "bad-signature");
    assert_eq!(refusal(&[&good[..], b"x"].concat(), &trusting(1)), "trailing-bytes");
    assert_eq!(refusal(&[&content[..], b"x"].concat(), &Policy::unsigned_allowed()), "trailing-bytes");
    assert!(PublicKey::from_bytes(&[0; 32]).is_none(), "a weak key");
    assert_eq!(PublicKey::from_bytes(&key(3).public().to_bytes()), Some(key(3).public()));
    // S beyond the group's order: the same signature in another spelling.
    let mut malleable = good.clone();
    let at = malleable.len() - 32;
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0u16;
    for (byte, add) in malleable[at..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(refusal(&malleable, &trusting(1)), "bad-signature");
}

#[test]
fn length_serial_and_format_are_checked_first() {
    let bytes = unsigned();
    let policy = Policy { maximum_length: bytes.len() as u64, ..Policy::unsigned_allowed() };
    assert_eq!(refusal(&bytes, &policy), "accepted");
    let policy = Policy { maximum_length: bytes.len() as u64 - 1, ..Policy::unsigned_allowed() };
    assert_eq!(refusal(&bytes, &policy), "pack-too-long");
    for (minimum_serial, expected) in [(4, "accepted"), (5, "accepted"), (6, "rolled-back")] {
        let policy = Policy { minimum_serial, ..Policy::unsigned_allowed() };
        assert_eq!(refusal(&bytes, &policy), expected);
    }
    for (at, value, expected) in [
        (0, 0u8, "not-a-pack"),
        (7, 0, "not-a-pack"),
        (8, 0, "older-format"),
        (8, 2, "newer-format"),
        (9, 1, "newer-format"),
        (10, 1, "newer-format"),
        (12, 1, "unknown-flags"),
        (15, 0x80, "unknown-flags"),
        (24, 1, "not-canonical"),
        (44, 1, "not-canonical"),
        (HEADER + 4, 1, "not-canonical"),
    ] {
        let mut changed = bytes.clone();
        changed[at] = value;
        assert_eq!(refusal(&rehashed(changed), &Policy::unsigned_allowed()), expected, "{at}");
    }
    for garbage in [&b"PK\x03\x04"[..], b"{\"json\":1}", b"\x00", &[0xff; 4096]] {
        assert_eq!(refusal(garbage, &Policy::unsigned_allowed()), "not-a-pack");
    }
}

#[test]
fn sections_tile_the_content() {
    let bytes = unsigned();
    let length = bytes.len() as u64;
    let field = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (first, second) = (HEADER, HEADER + ENTRY);
    let cases: Vec<(usize, u64, &str)> = vec![
        (first + 8, 0, "section-overlap"),
        (first + 8, field(first + 8) - 1, "section-overlap"),
        (first + 8, field(first + 8) + 1, "section-gap"),
        (first + 8, u64::MAX, "section-out-of-bounds"),
        (first + 8, u64::MAX - field(first + 16) + 1, "section-out-of-bounds"),
        (first + 8, 1 << 32, "section-out-of-bounds"),
        (first + 8, (1 << 32) - 1, "section-out-of-bounds"),
        (first + 16, u64::MAX, "section-out-of-bounds"),
        (first + 16, field(first + 16) + 1, "section-overlap"),
        (first + 16, field(first + 16) - 1, "section-gap"),
        (second + 8, field(first + 8), "section-overlap"),
        (second + 16, field(second + 16) + 1, "section-out-of-bounds"),
        (second + 16, field(second + 16) - 1, "section-gap"),
        (second + 16, 0, "section-gap"),
        (32, 0, "section-out-of-bounds"),
        (32, CONTENT_START as u64 - 1, "section-out-of-bounds"),
        (32, length - 1, "trailing-bytes"),
        (32, length + 1, "truncated"),
        (32, u64::MAX, "truncated"),
    ];
    for (at, value, expected) in cases {
        let mut changed = bytes.clone();
        changed[at..at + 8].copy_from_slice(&value.to_le_bytes());
        assert_eq!(refusal(&rehashed(changed), &Policy::unsigned_allowed()), expected, "{at} {value}");
    }
    for (at, value, expected) in [
        (40, 0u32, "missing-section"),
        (40, 1, "missing-section"),
        (40, 3, "unknown-section"),
        (40, u32::MAX, "unknown-section"),
        (first, 2, "missing-section"),
        (second, 1, "duplicate-section"),
        (second, 9, "unknown-section"),
    ] {
        let mut changed = bytes.clone();
        changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
        assert_eq!(refusal(&rehashed(changed), &Policy::unsigned_allowed()), expected, "{at} {value}");
    }
}

#[test]
fn checksums_guard_header_and_sections() {
    let bytes = unsigned();
    for (at, expected) in [
        (16, "header-checksum"),
        (CONTENT_START - 1, "header-checksum"),
        (HEADER + 24, "header-checksum"),
        (CONTENT_START, "section-checksum"),
        (bytes.len() - 1, "section-checksum"),
    ] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(refusal(&changed, &Policy::unsigned_allowed()), expected, "{at}");
    }
}

#[test]
fn contents_are_checked_after_the_checksums() {
    let (manifest, program) = parts();
    let policy = Policy::unsigned_allowed();
    let with_program = |program: &Program| {
        let manifest = serde_json::to_vec(&Manifest::of(program, &Writer::this())).unwrap();
        packed(&manifest, &postcard::to_allocvec(program).unwrap())
    };
    assert_eq!(refusal(&packed(&manifest, &program[..program.len() - 1]), &policy), "malformed-program");
    assert_eq!(refusal(&packed(&manifest, b""), &policy), "malformed-program");
    assert_eq!(
        refusal(&packed(&manifest, &[&program[..], &[0]].concat()), &policy),
        "trailing-program-bytes"
    );
    assert_eq!(refusal(&packed(b"{}", &program), &policy), "malformed-manifest");
    assert_eq!(refusal(&packed(b"", &program), &policy), "malformed-manifest");
    assert_eq!(refusal(&packed(&[b'['; 100_000], &program), &policy), "malformed-manifest");
    let spaced = [&manifest[..], b" "].concat();
    assert_eq!(refusal(&packed(&spaced, &program), &policy), "not-canonical");
    let renamed = String::from_utf8(manifest.clone()).unwrap().replace("tea_week", "tee_week");
    assert_eq!(refusal(&packed(renamed.as_bytes(), &program), &policy), "manifest-mismatch");
    // The length of the name in two bytes instead of one.
    let long = [&[program[0] | 0x80, 0x00][..], &program[1..]].concat();
    assert_eq!(refusal(&packed(&manifest, &long), &policy), "not-canonical");
    let mut invalid = testing::program();
    invalid.rules[0].function.0 = 77;
    assert_eq!(refusal(&with_program(&invalid), &policy), "unverified");
    let mut foreign = testing::program();
    foreign.language = 2;
    assert_eq!(refusal(&with_program(&foreign), &policy), "unknown-language");
}

#[test]
fn declared_counts_reserve_nothing() {
    let (manifest, program) = parts();
    // 2^60 in place of every byte: of a count it is refused, of a plain number it may pass.
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let mut refused = 0;
    for at in 0..program.len() {
        let bomb = [&program[..at], &huge[..], &program[at + 1..]].concat();
        refused += usize::from(refusal(&packed(&manifest, &bomb), &Policy::unsigned_allowed()) != "accepted");
    }
    assert!(refused * 10 > program.len() * 9, "{refused} of {}", program.len());
    let name = [&huge[..], &program[1..]].concat();
    assert_eq!(refusal(&packed(&manifest, &name), &Policy::unsigned_allowed()), "malformed-program");
}

#[test]
fn random_sections_never_panic() {
    let (manifest, program) = parts();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..20_000 {
        let mut changed = program.clone();
        for _ in 0..1 + random() % 4 {
            let at = random() % changed.len();
            changed[at] = random() as u8;
        }
        if changed != program {
            let _ = Pack::read(&packed(&manifest, &changed), &Policy::unsigned_allowed());
        }
    }
}
