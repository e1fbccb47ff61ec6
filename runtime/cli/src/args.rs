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
    /// Prove what `ensure` says over all events, or show one that breaks it
    Prove(Prove),
    /// Lay rules out in the one standard way
    Fmt(Fmt),
    /// Run the `test` blocks of rules
    Test(Test),
    /// Change rules a little, again and again, and name the changes that no test notices
    Mutate(Mutate),
    /// Say which rules, rows of tables and arms of choices a year of events reaches, how often, and which never
    Coverage(Coverage),
    /// Compile rules to a pack, the one file that a host loads
    Build(Build),
    /// Make a pair of keys for signing packs
    Keygen(Keygen),
    /// Say what is in a pack
    Inspect(Inspect),
    /// Decide a file of events
    Run(Run),
    /// Ask and keep up a ledger: balances, statements, lots, liability, export, expiry, audit
    #[cfg(feature = "ledger")]
    Ledger(Ledger),
    /// Decide one event, and say why each rule gives what it gives
    Simulate(Simulate),
    /// Say how rules are found, what is asked of each, and what events make of that
    Plan(Plan),
    /// Replay events through two programmes, and say what the change does
    Diff(Diff),
    /// Answer sessions with ranked offers, and say why the others are not shown
    Offers(Box<Offers>),
    /// Choose which proposed contacts are made, under the programme's contact plans
    Optimize(Optimize),
    /// Tell in sentences what a rule says, or the whole story of a diagnostic
    Explain(Explain),
    /// Write terms and conditions for members, made of the rules
    Terms(Terms),
    /// Show when what is valid: a timeline, a picture, a file for programs of calendars
    Calendar(Calendar),
    /// Write a static site about a programme: its rules in sentences, sources, tests, terms
    Doc(Doc),
    /// Replay a real year of receipts through the main example
    Demo(Demo),
    /// Answer an editor: the language server, on standard input and output
    #[cfg(feature = "lsp")]
    Lsp,
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
            Command::Prove(_) => "prove",
            Command::Fmt(_) => "fmt",
            Command::Test(_) => "test",
            Command::Mutate(_) => "mutate",
            Command::Coverage(_) => "coverage",
            Command::Build(_) => "build",
            Command::Keygen(_) => "keygen",
            Command::Inspect(_) => "inspect",
            Command::Run(_) => "run",
            #[cfg(feature = "ledger")]
            Command::Ledger(_) => "ledger",
            Command::Simulate(_) => "simulate",
            Command::Plan(_) => "plan",
            Command::Diff(_) => "diff",
            Command::Offers(_) => "offers",
            Command::Optimize(_) => "optimize",
            Command::Explain(_) => "explain",
            Command::Terms(_) => "terms",
            Command::Doc(_) => "doc",
            Command::Calendar(_) => "calendar",
            Command::Demo(_) => "demo",
            #[cfg(feature = "lsp")]
            Command::Lsp => "lsp",
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

/// `perq prove`
#[derive(Debug, Arguments)]
pub struct Prove {
    /// Folders, each one programme, and files, each a programme of its own
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Answer these questions only [default: ensures, bounds and rules]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub only: Vec<Proofs>,

    /// Of the `ensure`s, only the one of this name
    #[arg(long, value_name = "NAME")]
    pub name: Vec<String>,

    /// Write each event that breaks an `ensure` into this folder, as NAME.json
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print each event that breaks an `ensure` as a `test` block, too
    #[arg(long)]
    pub tests: bool,

    /// What is not decided is a finding, too
    #[arg(long)]
    pub strict: bool,
}

/// What `perq prove` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Proofs {
    /// Whether every decision keeps what `ensure` says
    Ensures,
    /// Whether each level, payment and contact plan can be met
    Bounds,
    /// Whether each rule can have an effect
    Rules,
    /// Whether two rules of a group can meet
    Overlaps,
    /// Whether any two rules can meet, on one receipt and on one line
    Meetings,
    /// Whether splitting, merging or returning a receipt gains anything
    Gains,
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

    /// Name the rules that give nothing in any test, and the rows of tables and arms of choices that none reaches; they are
    /// findings
    #[arg(long, conflicts_with = "filter")]
    pub coverage: bool,

    /// Write what tests reach as a tracefile of lcov
    #[arg(long, value_name = "FILE", requires = "coverage")]
    pub lcov: Option<PathBuf>,
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

/// `perq coverage`
#[derive(Debug, Arguments)]
pub struct Coverage {
    /// A programme's folder, or one rule file
    #[arg(default_value = ".")]
    pub program: PathBuf,

    /// Events: one JSON object a line or .csv, plain or gzip; .parquet; .arrow; `-` is standard input, of JSON lines [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub over: Vec<PathBuf>,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// Write it as a tracefile of lcov
    #[arg(long, value_name = "FILE")]
    pub lcov: Option<PathBuf>,

    /// Exit with 1 where a rule gives nothing or a row is not reached
    #[arg(long)]
    pub exit_code: bool,
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

/// Of what `perq run` tells a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryOf {
    /// Each rule: with how many events it gave something, what it lost to others and to limits, and how often it failed
    Rules,
}

/// `perq run`
#[derive(Debug, Arguments)]
pub struct Run {
    /// A pack, a programme's folder, or one rule file
    pub program: PathBuf,

    /// Events: one JSON object a line or .csv, plain or gzip; .parquet; .arrow; `-` is standard input, of JSON lines [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub events: Vec<PathBuf>,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// Where decisions go, one JSON object a line, or as a table in a file .parquet or .arrow [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Where refused records go, one JSON object a line with the reason
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,

    /// Tell at the end, on standard error, which rules gave something how often, and which never
    #[arg(long, value_enum, value_name = "OF")]
    #[cfg_attr(feature = "ledger", arg(conflicts_with = "ledger"))]
    pub summary: Option<SummaryOf>,

    /// Which engine decides [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// Keep what is decided, once for each event: a file, or postgres://…; made where it is not there
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "PLACE")]
    pub ledger: Option<String>,

    /// Who sends the events: ids of one source are its own [default: a source without a name]
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "NAME", requires = "ledger", default_value = "", hide_default_value = true)]
    pub source: String,

    /// Say what would be decided as the ledger stands, and keep nothing
    #[cfg(feature = "ledger")]
    #[arg(long, requires = "ledger")]
    pub quote: bool,

    /// Hold until an instant what each event would take: points, and its part of limits and budgets; keep nothing else
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "INSTANT", requires = "ledger", conflicts_with = "quote")]
    pub hold: Option<String>,

    /// Refuse new events that are older than an instant, with `Z` or an offset
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "INSTANT", requires = "ledger")]
    pub oldest: Option<String>,

    /// Which pack or rules decide what happened before an instant, and what comes back of it; may be given again
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "INSTANT=PROGRAM", requires = "ledger")]
    pub before: Vec<String>,

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

/// `perq ledger`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct Ledger {
    /// What to do.
    #[command(subcommand)]
    pub deed: LedgerDeed,
}

/// What a ledger is asked, or to do.
#[cfg(feature = "ledger")]
#[derive(Debug, Subcommand)]
pub enum LedgerDeed {
    /// What a member can spend of each account
    Balance(LedgerMember),
    /// All that is kept of a member: balances, levels, badges, fields, codes
    Member(LedgerMember),
    /// What moved a member's points, with the balance after each
    Statement(LedgerMember),
    /// A member's lots
    Lots(LedgerLots),
    /// What is owed to all members, and where the rest went
    Liability(LedgerAt),
    /// Every entry as CSV or Parquet, in the order in which it was booked
    Export(LedgerExport),
    /// Work everything out anew from what was committed, and say what does not agree
    Verify(LedgerPlace),
    /// Book what has ended by an instant as breakage; the same run is done once
    Expire(LedgerExpire),
    /// Do all that is due by an instant: reviews of levels, the batch run, reservations and points that end
    Run(LedgerRun),
    /// Hold a member's points for a payment
    Reserve(LedgerReserve),
    /// End a reservation: its points are redeemed
    Commit(LedgerRelease),
    /// End a reservation: its points go back to their lots
    Cancel(LedgerRelease),
    /// Correct a member's points by hand, with a reason and an author
    Adjust(LedgerAdjust),
    /// Accrue to, or write off from, every member of a list, with a reason and an author
    AdjustAll(LedgerAdjustAll),
}

/// A ledger.
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerPlace {
    /// A file, or postgres://…
    pub ledger: String,
}

/// A ledger at an instant.
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerAt {
    /// A file, or postgres://…
    pub ledger: String,

    /// The instant, with `Z` or an offset: `2026-04-01T00:00:00+02:00`
    #[arg(long, value_name = "INSTANT")]
    pub at: String,
}

/// A member of a ledger.
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerMember {
    /// A file, or postgres://…
    pub ledger: String,

    /// The member's id
    pub member: String,

    /// As things stand at this instant, with `Z` or an offset [default: the last event's; of a statement, all that is booked]
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
}

/// Lots of a member.
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerLots {
    /// A file, or postgres://…
    pub ledger: String,

    /// The member's id
    pub member: String,

    /// Also those of which nothing is left
    #[arg(long)]
    pub all: bool,
}

/// `perq ledger export`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerExport {
    /// A file, or postgres://…
    pub ledger: String,

    /// Where they go: a table where it ends in `.parquet` or `.arrow`, else CSV [default: CSV on standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `perq ledger expire`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerExpire {
    /// A file, or postgres://…
    pub ledger: String,

    /// The instant, with `Z` or an offset: what has ended then is booked
    #[arg(long, value_name = "INSTANT")]
    pub at: String,

    /// What the run is known by [default: the instant]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,

    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub author: String,
}

/// `perq ledger run`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerRun {
    /// A file, or postgres://…
    pub ledger: String,

    /// The instant, with `Z` or an offset: what is due by then is done
    #[arg(long, value_name = "INSTANT")]
    pub until: String,

    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub author: String,

    /// The pack, or the rules, whose levels are reviewed and whose batch run is made [default: none is]
    #[arg(long, value_name = "PROGRAM")]
    pub program: Option<PathBuf>,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// Whose events the batch run decides [default: a source without a name]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub source: String,

    /// Which pack or rules decide what happened before an instant; may be given again
    #[arg(long, value_name = "INSTANT=PROGRAM", requires = "program")]
    pub before: Vec<String>,

    /// Which engine decides [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// The public key that must have signed the packs, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY", requires = "program")]
    pub key: Option<String>,
}

/// `perq ledger reserve`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerReserve {
    /// A file, or postgres://…
    pub ledger: String,

    /// The member's id
    pub member: String,

    /// The account
    #[arg(long, value_name = "NAME")]
    pub account: String,

    /// How much
    #[arg(long, value_name = "AMOUNT")]
    pub amount: String,

    /// What it is known by: the same one is made once
    #[arg(long, value_name = "ID")]
    pub id: String,

    /// The instant at which it is made, with `Z` or an offset
    #[arg(long, value_name = "INSTANT")]
    pub at: String,

    /// The instant from which it is void
    #[arg(long, value_name = "INSTANT")]
    pub until: String,

    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub author: String,
}

/// `perq ledger commit`, `perq ledger cancel`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerRelease {
    /// A file, or postgres://…
    pub ledger: String,

    /// The member's id
    pub member: String,

    /// What the reservation is known by
    #[arg(long, value_name = "ID")]
    pub id: String,

    /// The instant at which it ends, with `Z` or an offset
    #[arg(long, value_name = "INSTANT")]
    pub at: String,

    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub author: String,
}

/// What a correction by hand says.
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct Adjustment {
    /// The account
    #[arg(long, value_name = "NAME")]
    pub account: String,

    /// How much, with a minus where it is less: `250`, `-3.50`
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub amount: String,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub author: String,

    /// What it is known by: the same one is done once
    #[arg(long, value_name = "ID")]
    pub id: String,

    /// The instant at which it counts, with `Z` or an offset
    #[arg(long, value_name = "INSTANT")]
    pub at: String,

    /// The instant at which what is added ends [default: never]
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<String>,

    /// Also add to members of whom nothing is known yet
    #[arg(long)]
    pub new_members: bool,
}

/// `perq ledger adjust`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerAdjust {
    /// A file, or postgres://…
    pub ledger: String,

    /// The member's id
    pub member: String,

    /// What and why.
    #[command(flatten)]
    pub adjustment: Adjustment,
}

/// `perq ledger adjust-all`
#[cfg(feature = "ledger")]
#[derive(Debug, Arguments)]
pub struct LedgerAdjustAll {
    /// A file, or postgres://…
    pub ledger: String,

    /// The members' ids, one a line
    pub members: PathBuf,

    /// What and why.
    #[command(flatten)]
    pub adjustment: Adjustment,
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

    /// Earlier events, replayed first: one JSON object a line or .csv, plain or gzip; .parquet; .arrow [default: nothing happened before]
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

/// `perq plan`
#[derive(Debug, Arguments)]
pub struct Plan {
    /// A pack, a programme's folder, or one rule file
    pub program: PathBuf,

    /// Measure over these events, in any form that `perq run` takes; without a file, those that perq.toml names
    #[arg(long, value_name = "FILE", num_args = 0..)]
    pub over: Option<Vec<PathBuf>>,

    /// Tell of this rule only
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,

    /// Entries of each field of lines that are told
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub most: usize,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// The public key that must have signed the pack, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY")]
    pub key: Option<String>,
}

/// `perq diff`
#[derive(Debug, Arguments)]
pub struct Diff {
    /// The programme before and the one after: packs, folders or rule files; with --old-rev only the one after
    #[arg(value_name = "OLD NEW", num_args = 1..=2, required = true)]
    pub paths: Vec<PathBuf>,

    /// The programme before is the folder as it was in this revision of git
    #[arg(long, value_name = "REV")]
    pub old_rev: Option<String>,

    /// Events: one JSON object a line or .csv, plain or gzip; .parquet; .arrow; `-` is standard input, of JSON lines [default: as perq.toml says]
    #[arg(long, value_name = "FILE")]
    pub over: Vec<PathBuf>,

    /// Tables in place of those that perq.toml names, for both sides.
    #[command(flatten)]
    pub tables: Tables,

    /// Write the report as a page of its own, with plots
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,

    /// How many of the receipts that changed most are kept
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub most: usize,

    /// Exit with 1 where any event is decided otherwise
    #[arg(long)]
    pub exit_code: bool,

    /// Which engine decides [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// The public key that must have signed packs, as a file or in hexadecimal
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
    #[arg(long, value_name = "FILE", required_unless_present = "at")]
    pub sessions: Vec<PathBuf>,

    /// Ask about one session at this instant, after all that the files tell, such as 2026-06-01T10:00
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,

    /// Who is there in the session that is asked about [default: nobody who is known]
    #[arg(long, value_name = "MEMBER", requires = "at")]
    pub member: Option<String>,

    /// Its channel, such as web
    #[arg(long, value_name = "CHANNEL", requires = "at")]
    pub channel: Option<String>,

    /// Decide by what this ledger knows: sessions and reactions of files are kept in it, once each, and what is only asked
    /// about with --at is not; a file, or postgres://…
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "PLACE")]
    pub ledger: Option<String>,

    /// Who sends the sessions: ids of one source are its own [default: a source without a name]
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "NAME", requires = "ledger", default_value = "", hide_default_value = true)]
    pub source: String,

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
    /// Hold what was learned of offers against a part of a log that nothing was learned from
    Calibrate(Calibrate),
    /// Play a population whose likes are known, and say what is missed while they are learned
    Regret(Regret),
}

/// A programme with offers, and what decides for it.
#[derive(Debug, Arguments)]
pub struct Played {
    /// A pack, a programme's folder, or one rule file
    pub program: PathBuf,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// Which engine decides [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// The public key that must have signed the pack, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY")]
    pub key: Option<String>,
}

/// `perq offers calibrate`
#[derive(Debug, Arguments)]
pub struct Calibrate {
    /// What is played.
    #[command(flatten)]
    pub played: Played,

    /// Sessions and reactions in their order, one JSON object a line; plain or gzip; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub log: PathBuf,

    /// Of the showings that have ended, so many at the end of the log are held out
    #[arg(long, value_name = "PERCENT", default_value = "20%")]
    pub holdout: String,

    /// Where a picture of forecasts and outcomes goes, as SVG
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `perq offers regret`
#[derive(Debug, Arguments)]
pub struct Regret {
    /// What is played.
    #[command(flatten)]
    pub played: Played,

    /// Groups of members and what they accept, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub population: PathBuf,

    /// Sessions of a run
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(40..=10_000_000))]
    pub sessions: u32,

    /// Runs, with the seeds from 1 on
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub seeds: u16,

    /// The day on which the first session takes place
    #[arg(long, value_name = "DATE", default_value = "2026-01-01")]
    pub start: String,

    /// Seconds between two sessions
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub gap: u32,

    /// Where the sessions and reactions of the first run go, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Where a picture of what is missed goes, as SVG
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
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

/// `perq optimize`
#[derive(Debug, Arguments)]
pub struct Optimize {
    /// A pack, a programme's folder, or one rule file
    pub program: PathBuf,

    /// Proposed contacts: `.csv` with a row for each, else one JSON object a line; plain or gzip
    #[arg(long, value_name = "FILE", required = true)]
    pub contacts: Vec<PathBuf>,

    /// Contacts that were made, in the same forms
    #[arg(long, value_name = "FILE")]
    pub history: Vec<PathBuf>,

    /// The ledger whose contacts were made, too: a file, or `postgresql://…`
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "LEDGER")]
    pub ledger: Option<String>,

    /// Tables in place of those that perq.toml names.
    #[command(flatten)]
    pub tables: Tables,

    /// Where the chosen contacts go: `.csv`, else one JSON object a line
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Where the others go, each with what dropped it, in the same forms
    #[arg(long, value_name = "FILE")]
    pub dropped: Option<PathBuf>,

    /// Prices of an earlier plan to begin with, where the file is there; those of this plan are written to it
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,

    /// Ask for one contact after another, in their order, whether it may be made now; nothing is chosen
    #[arg(long, conflicts_with_all = ["output", "dropped", "prices", "seed"])]
    pub one_by_one: bool,

    /// From what samples are drawn
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// How many threads choose; the plan does not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,

    /// Which engine works out what the plans ask of contacts [default: native, where it is built]
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,

    /// The public key that must have signed the pack, as a file or in hexadecimal
    #[arg(long, value_name = "PUBKEY")]
    pub key: Option<String>,
}

/// `perq explain`
#[derive(Debug, Arguments)]
pub struct Explain {
    /// What a programme declares, such as a rule, or a diagnostic, such as `mismatched-units`; without it, the list of
    /// all diagnostics
    pub name: Option<String>,

    /// The programme that declares it: its folder, or one file
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// The language of the sentences
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    pub lang: Tongue,

    /// What it is, where several things have the name: `rule`, `group`, `diagnostic`
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
}

/// `perq terms`
#[derive(Debug, Arguments)]
pub struct Terms {
    /// A programme's folder, or one file
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// The language of the document
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    pub lang: Tongue,

    /// A page of HTML rather than Markdown
    #[arg(long)]
    pub html: bool,

    /// Where the document goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `perq calendar`
#[derive(Debug, Arguments)]
pub struct Calendar {
    /// A programme's folder, or one file
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// The first day, such as 2026-01-01
    #[arg(long, value_name = "DATE")]
    pub from: String,

    /// The last day
    #[arg(long, value_name = "DATE")]
    pub to: String,

    /// The language of titles and words
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    pub lang: Tongue,

    /// Write a picture to this file
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,

    /// Write events for programs of calendars to this file
    #[arg(long, value_name = "FILE.ics")]
    pub ical: Option<PathBuf>,
}

/// `perq doc`
#[derive(Debug, Arguments)]
pub struct Doc {
    /// A programme's folder, or one file
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// The folder of the pages; made where it is not there
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,

    /// The language of the pages
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    pub lang: Tongue,

    /// The first day of the calendar; without it there is none
    #[arg(long, value_name = "DATE", requires = "to")]
    pub from: Option<String>,

    /// The last day of the calendar
    #[arg(long, value_name = "DATE", requires = "from")]
    pub to: Option<String>,
}

/// A language of readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Tongue {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
    /// Italian.
    It,
}

impl Tongue {
    /// As prose has it.
    pub fn language(self) -> perq_prose::Language {
        match self {
            Tongue::En => perq_prose::Language::English,
            Tongue::Ru => perq_prose::Language::Russian,
            Tongue::It => perq_prose::Language::Italian,
        }
    }
}

/// `perq demo`
#[derive(Debug, Arguments)]
pub struct Demo {
    /// The folder of the example [default: rules-examples/online-retail of the source tree]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Keep the year in this ledger: a file, or postgres://… [default: a file that is taken away again]
    #[cfg(feature = "ledger")]
    #[arg(long, value_name = "PLACE")]
    pub ledger: Option<String>,

    /// Leave out the ledger
    #[cfg(feature = "ledger")]
    #[arg(long, conflicts_with = "ledger")]
    pub no_ledger: bool,

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
