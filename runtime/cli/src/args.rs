//! The arguments of every command, in one place, so that names and defaults agree between commands.

use clap::{Args as Arguments, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Loyalty rules and offers: checked, tested, explained and evaluated exactly.
#[derive(Debug, Parser)]
#[command(
    name = "perq",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 clean, 1 findings, 2 usage or input/output, 3 a mistake of perq itself."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// For people or for machines: `json` prints one versioned object, the others are for `check` and `lint`
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// Whether to colour; `auto` colours on a terminal unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text; may change between versions.
    #[default]
    Human,
    /// One versioned object on standard output; documented.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
    /// A Code Quality report of GitLab.
    Gitlab,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit's XML.
    Junit,
}

impl Format {
    /// Whether only findings can be written so.
    pub fn is_of_findings(self) -> bool {
        match self {
            Format::Human | Format::Json => false,
            Format::Github | Format::Gitlab | Format::Sarif | Format::Junit => true,
        }
    }
}

/// Whether to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// Not at all.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a programme: a small one that checks and tests clean
    New(New),
    /// Find what is wrong with rules, and how to mend it
    Check(Check),
    /// Find what rules may mean and their author probably does not
    Lint(Lint),
    /// Lay rules out in the one standard way
    Fmt(Fmt),
    /// Run the `test` blocks of rules
    Test(Test),
    /// Change rules a little, again and again, and name the changes that no test notices
    Mutate(Mutate),
    /// Compile rules to a pack, the one file that a host loads
    Build(Build),
    /// Make a pair of keys for signing packs
    Keygen(Keygen),
    /// Say what is in a pack
    Inspect(Inspect),
    /// Decide a file of events
    Run(Run),
    /// Decide one event, and say why each rule gives what it gives
    Simulate(Simulate),
    /// Answer sessions with ranked offers, and say why the others are not shown
    Offers(Offers),
    /// Tell the whole story of a diagnostic
    Explain(Explain),
    /// Replay a real year of receipts through the main example
    Demo(Demo),
    /// Print completions for a shell
    Completions(Completions),
}

impl Command {
    /// As it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Command::New(_) => "new",
            Command::Check(_) => "check",
            Command::Lint(_) => "lint",
            Command::Fmt(_) => "fmt",
            Command::Test(_) => "test",
            Command::Mutate(_) => "mutate",
            Command::Build(_) => "build",
            Command::Keygen(_) => "keygen",
            Command::Inspect(_) => "inspect",
            Command::Run(_) => "run",
            Command::Simulate(_) => "simulate",
            Command::Offers(_) => "offers",
            Command::Explain(_) => "explain",
            Command::Demo(_) => "demo",
            Command::Completions(_) => "completions",
        }
    }
}

/// `perq new`
#[derive(Debug, Arguments)]
pub struct New {
    /// The folder to make; its last part names the programme
    pub dir: PathBuf,
}

/// `perq check`
#[derive(Debug, Arguments)]
pub struct Check {
    /// Folders, each one programme, and files, each a programme of its own
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Which findings are said, and which of them fail.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// From which findings on a command ends with exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailLevel {
    /// Errors alone.
    #[default]
    Error,
    /// Warnings as well.
    Warning,
    /// None.
    Never,
}

/// Which findings are said, and which of them fail.
#[derive(Debug, Default, Arguments)]
pub struct Reporting {
    /// From which findings on the exit code is 1
    #[arg(long, value_enum, default_value_t = FailLevel::Error, value_name = "LEVEL")]
    pub fail_level: FailLevel,

    /// Say nothing of the findings in this file; errors of the language are always said
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Write the findings of today to the file of --baseline
    #[arg(long, requires = "baseline")]
    pub write_baseline: bool,

    /// Say only what is found in files that differ from a revision of git, or are new
    #[arg(long, value_name = "REV")]
    pub changed_since: Option<String>,

    /// Say only what is found in these files
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub only: Vec<PathBuf>,
}

/// `perq lint`
#[derive(Debug, Arguments)]
pub struct Lint {
    /// Folders, each one programme, and files, each a programme of its own
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Which findings are said, and which of them fail.
    #[command(flatten)]
    pub reporting: Reporting,

    /// Apply the repairs that change nothing but the text
    #[arg(long, conflicts_with = "diff")]
    pub fix: bool,

    /// Write nothing; show what --fix would change and exit with 1 where it would
    #[arg(long)]
    pub diff: bool,

    /// The day of today, such as 2026-12-01: without it nothing is in the past
    #[arg(long, value_name = "DATE")]
    pub today: Option<String>,

    /// Do not look for this lint, or for those of this group
    #[arg(long, value_name = "NAME")]
    pub allow: Vec<String>,

    /// Report it as a warning
    #[arg(long, value_name = "NAME")]
    pub warn: Vec<String>,

    /// Report it as an error
    #[arg(long, value_name = "NAME")]
    pub deny: Vec<String>,

    /// List all lints with their groups and levels
    #[arg(long)]
    pub list: bool,
}

/// `perq fmt`
#[derive(Debug, Arguments)]
pub struct Fmt {
    /// Folders and files; `-` reads standard input and writes standard output
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Write nothing; list the files that would change and exit with 1
    #[arg(long)]
    pub check: bool,

    /// Write nothing; show what would change and exit with 1
    #[arg(long)]
    pub diff: bool,
}

/// Which of the two evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Machine code, made when the rules are loaded.
    Native,
    /// The plain interpreter that defines what rules mean.
    Interpreter,
}

/// `perq test`
#[derive(Debug, Arguments)]
pub struct Test {
    /// Folders, each one programme, and files, each a programme of its own
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Run on this engine only; without it on both, and they must agree
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// Run only the tests whose name holds this text
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,

    /// Name the rules that give nothing in any test; they are findings
    #[arg(long, conflicts_with = "filter")]
    pub coverage: bool,
}

/// `perq mutate`
#[derive(Debug, Arguments)]
pub struct Mutate {
    /// Folders, each one programme, and files, each a programme of its own
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Change only what stands in these files
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub only: Vec<PathBuf>,

    /// On how many threads the tests run [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,
}

/// `perq build`
#[derive(Debug, Arguments)]
pub struct Build {
    /// A programme's folder, or one file
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// Where the pack goes
    #[arg(short, long, value_name = "FILE.perq", required_unless_present = "print")]
    pub output: Option<PathBuf>,

    /// Print the program that the pack holds
    #[arg(long)]
    pub print: bool,

    /// Sign with the secret key in this file
    #[arg(long, value_name = "KEYFILE")]
    pub sign: Option<PathBuf>,

    /// The pack's serial number: a host refuses to go back to a smaller one
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub serial: u64,
}

/// `perq keygen`
#[derive(Debug, Arguments)]
pub struct Keygen {
    /// Where the secret key goes; the public key goes beside it, with `.pub`
    pub file: PathBuf,
}

/// `perq inspect`
#[derive(Debug, Arguments)]
pub struct Inspect {
    /// The pack
    pub file: PathBuf,

    /// The public key that must have signed it, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY")]
    pub key: Option<String>,

    /// Print the program as well
    #[arg(long)]
    pub print: bool,
}

/// Tables in place of those that `perq.toml` names.
#[derive(Debug, Default, Arguments)]
pub struct Tables {
    /// CSV of products: `sku` and the fields of a product [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub products: Vec<PathBuf>,

    /// CSV of the assortment tree: `child`, `parent` [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub categories: Vec<PathBuf>,

    /// CSV of members: `member` and the fields of a member [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub members: Vec<PathBuf>,

    /// CSV of lists of products: `list`, `sku` [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub lists: Vec<PathBuf>,
}

/// `perq run`
#[derive(Debug, Arguments)]
pub struct Run {
    /// A pack, a programme's folder, or one rule file
    pub program: PathBuf,

    /// Events, one JSON object a line; plain or gzip; `-` is standard input [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub events: Vec<PathBuf>,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// Where decisions go, one JSON object a line [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Where refused records go, one JSON object a line with the reason
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,

    /// Which engine decides [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// How many threads decide; the output does not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,

    /// Exit with 1 when a record is refused or a rule fails, and refuse fields that the program does not know
    #[arg(long)]
    pub strict: bool,

    /// The public key that must have signed the pack, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY")]
    pub key: Option<String>,
}

/// `perq simulate`
#[derive(Debug, Arguments)]
pub struct Simulate {
    /// A pack, a programme's folder, or one rule file
    pub program: PathBuf,

    /// The event, in YAML or JSON; `-` is standard input
    pub event: PathBuf,

    /// Tell of this rule only
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,

    /// Earlier events, replayed first: one JSON object a line, plain or gzip [default: nothing happened before]
    #[arg(long, value_name = "FILE")]
    pub history: Vec<PathBuf>,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// The instant of the event, in place of its own: `2026-12-01`, `2026-12-01T10:15`
    #[arg(long, value_name = "WHEN")]
    pub at: Option<String>,

    /// A parameter's value, in place of that of the rules and of perq.toml: `rate=7.5%`
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,

    /// Which engine decides; the interpreter explains [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// The public key that must have signed the pack, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY")]
    pub key: Option<String>,
}

/// `perq offers`
#[derive(Debug, Arguments)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Offers {
    /// Something else than to answer sessions
    #[command(subcommand)]
    pub action: Option<OffersAction>,

    /// A pack, a programme's folder, or one rule file
    #[arg(required = true)]
    pub program: Option<PathBuf>,

    /// Sessions and reactions in their order, one JSON object a line, and whatever else happens between them; plain or
    /// gzip; `-` is standard input
    #[arg(long, value_name = "FILE", required = true)]
    pub sessions: Vec<PathBuf>,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// Where the answers to sessions go, one JSON object a line [default: standard output, for people]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Where the decisions of all events go, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,

    /// Which engine decides [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// The public key that must have signed the pack, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY")]
    pub key: Option<String>,
}

/// What else `perq offers` does.
#[derive(Debug, Subcommand)]
pub enum OffersAction {
    /// Give all offers of a business goal another priority, in the rules' own text
    SetPriority(SetPriority),
}

/// `perq offers set-priority`
#[derive(Debug, Arguments)]
pub struct SetPriority {
    /// A programme's folder, or one rule file
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// The goal, of `enum Goal`
    #[arg(long, value_name = "GOAL")]
    pub goal: String,

    /// The level, of `enum Priority`
    #[arg(long, value_name = "LEVEL")]
    pub to: String,

    /// Write nothing; say what would change and exit with 1
    #[arg(long)]
    pub check: bool,
}

/// `perq explain`
#[derive(Debug, Arguments)]
pub struct Explain {
    /// The diagnostic's name, such as `mismatched-units`; without it, the list of all names
    pub name: Option<String>,
}

/// `perq demo`
#[derive(Debug, Arguments)]
pub struct Demo {
    /// The folder of the example [default: rules-examples/online-retail of the source tree]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Which engine decides [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,
}

/// `perq completions`
#[derive(Debug, Arguments)]
pub struct Completions {
    /// For which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
