//! `perq new`: a small whole programme to begin with.

use crate::args;
use crate::config;
use crate::excerpt::plain;
use crate::output::Output;
use crate::{Exit, Failure, Outcome};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;

const RULES: &str = include_str!("new/first.rule");
const TESTS: &str = include_str!("new/tests.rule");
const CONFIG: &str = include_str!("new/perq.toml");
const README: &str = include_str!("new/README.md");
/// The name in the templates that the folder's name replaces.
const PLACEHOLDER: &str = "corner_shop";

/// Runs it.
///
/// # Errors
/// Where a file is there already or cannot be written.
pub fn run(options: &args::New, output: &mut Output) -> Outcome {
    let name = name(&options.dir);
    let files = [("rules.rule", RULES), ("tests.rule", TESTS), (config::FILE, CONFIG), ("README.md", README)];
    for (file, _) in files {
        let path = options.dir.join(file);
        if path.symlink_metadata().is_ok() {
            return Err(Failure::file(&path, &"this is there already; perq new writes over nothing"));
        }
    }
    std::fs::create_dir_all(&options.dir).map_err(|error| Failure::file(&options.dir, &error))?;
    for (file, text) in files {
        let path = options.dir.join(file);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut out| out.write_all(text.replace(PLACEHOLDER, &name).as_bytes()))
            .map_err(|error| Failure::file(&path, &error))?;
        output.say(&format!("wrote {}", plain(&path.display().to_string())))?;
    }
    let dir = plain(&options.dir.display().to_string());
    output.say(&format!("\nNext: perq test {dir}"))?;
    let files: Vec<&str> = files.iter().map(|(file, _)| *file).collect();
    output.object(
        "new",
        json!({ "dir": options.dir.display().to_string(), "programme": name, "files": files }),
    );
    Ok(Exit::Clean)
}

/// The folder's name as a name of the language.
fn name(dir: &std::path::Path) -> String {
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let last = whole.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut out: String =
        last.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    if out.starts_with(|first: char| !first.is_ascii_alphabetic()) {
        out.insert_str(0, "programme_");
    }
    let out = out.trim_end_matches('_');
    if out.is_empty() { PLACEHOLDER.to_owned() } else { out.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::name;
    use std::path::Path;

    #[test]
    fn folders_name_programmes() {
        for (dir, expected) in
            [("a/My Shop", "my_shop"), ("2026", "programme_2026"), ("чай", "programme"), ("x.y/", "x_y")]
        {
            assert_eq!(name(Path::new(dir)), expected, "{dir}");
        }
    }
}
