//! `perq keygen`: a pair of keys, and how keys are read from files.
//!
//! A key is 64 hexadecimal digits in a file of its own.

use crate::args;
use crate::output::Output;
use crate::{Exit, Failure, Outcome};
use perq_runtime::pack::{PublicKey, SigningKey};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Runs it.
///
/// # Errors
/// Where the system gives no random bytes, or a file is there already.
pub fn run(options: &args::Keygen, output: &mut Output) -> Outcome {
    let mut secret = [0_u8; 32];
    let source = Path::new("/dev/urandom");
    std::fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut secret))
        .map_err(|error| Failure::file(source, &error))?;
    let public = SigningKey::from_bytes(&secret).public();
    let mut public_file = options.file.clone().into_os_string();
    public_file.push(".pub");
    let public_file = PathBuf::from(public_file);
    write(&options.file, &secret, true)?;
    write(&public_file, &public.to_bytes(), false)?;
    output
        .say(&format!("secret key {}; keep it away from hosts and repositories", options.file.display()))?;
    output.say(&format!("public key {}", public_file.display()))?;
    output.object(
        "keygen",
        json!({
            "secret": options.file.display().to_string(),
            "public": public_file.display().to_string(),
            "key": hexadecimal(&public.to_bytes()),
        }),
    );
    Ok(Exit::Clean)
}

/// Never writes over a file: a lost key cannot be had again.
fn write(path: &Path, bytes: &[u8], private: bool) -> Result<(), Failure> {
    let mut open = OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    }
    let _ = private;
    open.open(path)
        .and_then(|mut file| writeln!(file, "{}", hexadecimal(bytes)))
        .map_err(|error| Failure::file(path, &error))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let digits = text.trim().as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut out = [0_u8; 32];
    for (slot, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *slot = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// The secret key in a file.
///
/// # Errors
/// Where the file cannot be read or holds no key.
pub fn secret(path: &Path) -> Result<SigningKey, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let bytes = bytes(&text).ok_or_else(|| Failure::file(path, &"this is no key: 64 hexadecimal digits"))?;
    Ok(SigningKey::from_bytes(&bytes))
}

/// The public key that a text is, or that is in the file it names.
///
/// # Errors
/// Where there is no key.
pub fn public(text: &str) -> Result<PublicKey, Failure> {
    let found = match bytes(text) {
        Some(bytes) => Some(bytes),
        None => {
            let content = std::fs::read_to_string(text).map_err(|error| Failure::file(text, &error))?;
            self::bytes(&content)
        }
    };
    found.and_then(|bytes| PublicKey::from_bytes(&bytes)).ok_or_else(|| {
        Failure::new(format!("{text} is no public key: 64 hexadecimal digits, or a file with them"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_they_are_written() {
        let key = [7_u8; 32];
        assert_eq!(bytes(&format!("{}\n", hexadecimal(&key))), Some(key));
        for text in ["", "07", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
