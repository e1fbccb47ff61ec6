//! A programme's folder as it was in a revision of git: its rules and its `perq.toml`, written to a folder of their own
//! that goes with the value. Asks the `git` program, and refuses to know how git keeps what it keeps.

use crate::{Failure, config};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of an earlier time.
#[derive(Debug)]
pub struct Revision {
    folder: PathBuf,
}

impl Revision {
    /// Takes the folder out of the revision.
    ///
    /// # Errors
    /// Where there is no git, no such revision, or no rules in it.
    pub fn of(folder: &Path, revision: &str) -> Result<Revision, Failure> {
        if !folder.is_dir() {
            let shown = folder.display();
            return Err(Failure::new(format!(
                "--old-rev wants the folder of a programme, and {shown} is none"
            )));
        }
        let commit = format!("{revision}^{{commit}}");
        let commit = git(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .map_err(|error| match error {
                // What git says of a name that it does not know is nothing.
                Failure::Said(text) if text.ends_with(": ") => Failure::new(format!(
                    "{} is in no repository of git, or has no revision `{revision}`",
                    folder.display()
                )),
                Failure::Said(_) | Failure::Mistake(_) | Failure::Gone => error,
            })?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        let listed = git(folder, &["ls-tree", "-r", "-z", "--name-only", &commit])?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let is_of_programme = |path: &&str| {
            let path = Path::new(path);
            path.extension().is_some_and(|extension| extension == "rule")
                || path.file_name().is_some_and(|name| name == config::FILE)
        };
        let wanted: Vec<&str> = listed.split('\0').filter(is_of_programme).collect();
        if wanted.is_empty() {
            let folder = folder.display();
            return Err(Failure::new(format!("in revision `{revision}` there is no .rule file in {folder}")));
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let own = std::env::temp_dir().join(format!("perq-diff-{}-{number}", std::process::id()));
        std::fs::create_dir(&own).map_err(|error| Failure::file(&own, &error))?;
        let taken = Revision { folder: own };
        for path in wanted {
            let text = git(folder, &["cat-file", "blob", &format!("{commit}:./{path}")])?;
            let to = taken.folder.join(path);
            let above = to.parent().unwrap_or(&taken.folder);
            std::fs::create_dir_all(above).map_err(|error| Failure::file(above, &error))?;
            std::fs::write(&to, text).map_err(|error| Failure::file(&to, &error))?;
        }
        Ok(taken)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Revision {
    fn drop(&mut self) {
        // What is left in the folder of temporary files goes with it.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a command of git prints.
fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output =
        Command::new("git").arg("-C").arg(folder).args(arguments).stdin(Stdio::null()).output().map_err(
            |error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    Failure::new("--old-rev needs the program `git`, and there is none on the path")
                }
                _ => Failure::new(format!("git cannot be run: {error}")),
            },
        )?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("git: {}", said.trim())))
}
