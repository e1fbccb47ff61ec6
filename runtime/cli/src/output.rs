//! Where a command writes: text for people as it comes, or one object for machines at the end.
//!
//! Knows the terminal (colour, width, whether anyone looks) and refuses to know any command.

use crate::args::{Color, Format};
use crate::excerpt::plain_lines;
use crate::render::Style;
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The version of the JSON objects; it grows when a field changes its meaning or goes.
pub const JSON_VERSION: u32 = 1;

/// Columns where the terminal does not say.
const WIDTH: usize = 100;

/// Where a command writes.
pub struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    input: Option<Vec<u8>>,
    format: Format,
    style: Style,
    interactive: bool,
    object: Option<Value>,
}

/// What a captured command printed.
#[derive(Clone, Default)]
pub struct Printed {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

impl Printed {
    /// Standard output and standard error.
    pub fn take(&self) -> (String, String) {
        let text = |bytes: &Mutex<Vec<u8>>| {
            let bytes = std::mem::take(&mut *bytes.lock().unwrap_or_else(PoisonError::into_inner));
            String::from_utf8_lossy(&bytes).into_owned()
        };
        (text(&self.out), text(&self.err))
    }
}

/// A shared vector that can be written to.
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    /// The process's own streams.
    pub fn of_process(format: Format, color: Color) -> Output {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
                io::stdout().is_terminal() && !refused && !dumb
            }
        };
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
        Output {
            out: Box::new(BufWriter::with_capacity(1 << 16, io::stdout())),
            err: Box::new(io::stderr()),
            input: None,
            format,
            style: Style { color, width: columns.unwrap_or(WIDTH).clamp(60, 160) },
            interactive: io::stderr().is_terminal() && format == Format::Human,
            object: None,
        }
    }

    /// Into memory.
    pub fn captured(format: Format, input: Vec<u8>) -> (Output, Printed) {
        let printed = Printed::default();
        let output = Output {
            out: Box::new(Shared(Arc::clone(&printed.out))),
            err: Box::new(Shared(Arc::clone(&printed.err))),
            input: Some(input),
            format,
            style: Style { color: false, width: WIDTH },
            interactive: false,
            object: None,
        };
        (output, printed)
    }

    /// Whether a machine reads the output.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// The form of the output.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Colour and width.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Whether somebody watches standard error.
    pub fn interactive(&self) -> bool {
        self.interactive
    }

    /// Text for people on standard output; nothing where a machine reads.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        match self.format {
            Format::Human => writeln!(self.out, "{text}"),
            Format::Json | Format::Github | Format::Gitlab | Format::Sarif | Format::Junit => Ok(()),
        }
    }

    /// Bytes on standard output as they are, whoever reads.
    pub fn raw(&mut self) -> &mut (dyn Write + Send) {
        &mut self.out
    }

    /// A remark beside the output, on standard error; nothing where a machine reads.
    pub fn note(&mut self, text: &str) {
        if self.format == Format::Human {
            // Nobody can be told that standard error is closed.
            let _ = writeln!(self.err, "{text}");
        }
    }

    /// What the machine gets at the end; `fields` must be an object.
    pub fn object(&mut self, command: &str, fields: Value) {
        let mut all = Map::new();
        all.insert("version".to_owned(), json!(JSON_VERSION));
        all.insert("command".to_owned(), json!(command));
        if let Value::Object(fields) = fields {
            all.extend(fields);
        }
        self.object = Some(Value::Object(all));
    }

    /// Says why the command could not do its work.
    pub fn failure(&mut self, command: &str, text: &str) {
        match self.format {
            Format::Human | Format::Github | Format::Gitlab | Format::Sarif | Format::Junit => {
                let _ = self.out.flush();
                let _ = writeln!(self.err, "error: {}", plain_lines(text));
            }
            Format::Json => {
                self.object(command, json!({ "error": text }));
                let _ = self.finish();
            }
        }
    }

    /// All of standard input.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read_input(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        match self.input.take() {
            Some(input) => Ok(input),
            None => {
                let mut bytes = Vec::new();
                io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// Standard input as a stream.
    pub fn input_stream(&mut self) -> Box<dyn Read + Send> {
        match self.input.take() {
            Some(input) => Box::new(io::Cursor::new(input)),
            None => Box::new(io::stdin()),
        }
    }

    /// Prints the machine's object, if there is one, and empties the buffers.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(object) = self.object.take()
            && self.format == Format::Json
        {
            serde_json::to_writer_pretty(&mut self.out, &object)?;
            writeln!(self.out)?;
        }
        self.out.flush()
    }
}
