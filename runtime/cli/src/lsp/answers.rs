//! Requests in the protocol's terms, answered from what `perq_ide` says.

use super::samples::Said;
use super::workspace::{Workspace, path_of};
use perq_compiler::pipeline::Compilation;
use perq_grammar::diagnostic::{Diagnostic, Edit, FileId, Place, Severity};
use perq_ide::{Analysis, Colours, CompletionKind, Kind, LEGEND, Lines, Outline, Position};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// There is no such request.
    Unknown,
    /// A sentence for the user.
    Said(String),
}

type Answer = Result<Value, Refusal>;

/// What the server can do.
pub fn capabilities() -> Value {
    json!({
        "capabilities": {
            "positionEncoding": "utf-16",
            "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
            "completionProvider": { "triggerCharacters": ["."] },
            "hoverProvider": true,
            "definitionProvider": true,
            "referencesProvider": true,
            "documentHighlightProvider": true,
            "renameProvider": { "prepareProvider": true },
            "documentFormattingProvider": true,
            "documentSymbolProvider": true,
            "foldingRangeProvider": true,
            "inlayHintProvider": true,
            "codeActionProvider": { "codeActionKinds": ["quickfix"] },
            "semanticTokensProvider": {
                "legend": {
                    "tokenTypes": LEGEND,
                    "tokenModifiers": ["declaration", "documentation", "defaultLibrary"],
                },
                "full": true,
            },
        },
        "serverInfo": { "name": "perq", "version": env!("CARGO_PKG_VERSION") },
    })
}

/// The answer to a request.
///
/// # Errors
/// Where there is no such request, or its answer is a refusal.
pub fn answer(workspace: &mut Workspace, method: &str, params: &Value) -> Answer {
    let known = [
        "textDocument/completion",
        "textDocument/hover",
        "textDocument/definition",
        "textDocument/references",
        "textDocument/documentHighlight",
        "textDocument/prepareRename",
        "textDocument/rename",
        "textDocument/formatting",
        "textDocument/documentSymbol",
        "textDocument/foldingRange",
        "textDocument/codeAction",
        "textDocument/semanticTokens/full",
    ];
    if !known.contains(&method) {
        return Err(Refusal::Unknown);
    }
    let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).unwrap_or("");
    let path = path_of(uri);
    let root = workspace.root(&path);
    let name = crate::programme::shown(&path);
    if method == "textDocument/rename" {
        return rename(workspace, &root, &name, params);
    }
    let of_all_files = ["textDocument/references", "textDocument/prepareRename"];
    if of_all_files.contains(&method) {
        workspace.analysis(&root);
    } else {
        workspace.near(&root, &path);
    }
    let workspace: &Workspace = workspace;
    let Some(analysis) = workspace.known_near(&root, &path) else { return Ok(Value::Null) };
    let Some(file) = analysis.file(&name) else { return Ok(Value::Null) };
    let offset = params.get("position").map(|at| analysis.offset(file, position(at)));
    let value = match (method, offset) {
        ("textDocument/completion", Some(offset)) => completion(analysis, file, offset),
        ("textDocument/hover", Some(offset)) => match analysis.hover(file, offset) {
            Some(hover) => json!({
                "contents": { "kind": "markdown", "value": hover.text },
                "range": range(analysis, hover.place),
            }),
            None => Value::Null,
        },
        ("textDocument/definition", Some(offset)) => {
            locations(workspace, analysis, &analysis.definitions(file, offset))
        }
        ("textDocument/references", Some(offset)) => {
            let declarations = params.pointer("/context/includeDeclaration").and_then(Value::as_bool);
            let places = analysis.references(file, offset, declarations.unwrap_or(true));
            locations(workspace, analysis, &places)
        }
        ("textDocument/documentHighlight", Some(offset)) => {
            let places = analysis.references(file, offset, true).into_iter();
            let own = places.filter(|place| place.file == file);
            own.map(|place| json!({ "range": range(analysis, place) })).collect()
        }
        ("textDocument/prepareRename", Some(offset)) => match analysis.can_rename(file, offset) {
            Ok((place, name)) => json!({ "range": range(analysis, place), "placeholder": name }),
            Err(why) => return Err(Refusal::Said(why)),
        },
        ("textDocument/formatting", _) => match analysis.formatted(file) {
            Some(edit) => json!([text_edit(analysis, &edit)]),
            None => json!([]),
        },
        ("textDocument/documentSymbol", _) => {
            let outline = analysis.outline(file);
            outline.iter().map(|entry| symbol(analysis, file, entry)).collect()
        }
        ("textDocument/foldingRange", _) => {
            let folds = analysis.folds(file).into_iter().map(|fold| {
                let kind = if fold.comment { "comment" } else { "region" };
                json!({ "startLine": fold.from, "endLine": fold.to, "kind": kind })
            });
            folds.collect()
        }
        ("textDocument/semanticTokens/full", _) => json!({ "data": tokens(&analysis.colours(file)) }),
        ("textDocument/codeAction", _) => {
            let at = |end: &str| {
                let place = params.pointer(&format!("/range/{end}"));
                place.map_or(0, |place| analysis.offset(file, position(place)))
            };
            actions(workspace, analysis, file, at("start"), at("end"))
        }
        _ => return Err(Refusal::Said("the request names no place".to_owned())),
    };
    Ok(value)
}

fn position(value: &Value) -> Position {
    let number = |name: &str| {
        let number = value.get(name).and_then(Value::as_u64).unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    Position { line: number("line"), column: number("character") }
}

fn place_of(position: Position) -> Value {
    json!({ "line": position.line, "character": position.column })
}

fn range(analysis: &Analysis, place: Place) -> Value {
    let (start, end) = analysis.range(place);
    json!({ "start": place_of(start), "end": place_of(end) })
}

/// A change of a text: of a range, or all of it.
pub fn apply(text: &mut String, change: &Value) {
    let new = change.get("text").and_then(Value::as_str).unwrap_or("");
    let Some(range) = change.get("range").filter(|range| !range.is_null()) else {
        *text = new.to_owned();
        return;
    };
    let lines = Lines::of(text);
    let at = |end: &str| range.get(end).map_or(0, |place| lines.offset(text, position(place)));
    let (start, end) = (at("start"), at("end"));
    let (start, end) = (start.min(end), start.max(end));
    if text.is_char_boundary(start) && text.is_char_boundary(end) {
        text.replace_range(start..end, new);
    }
}

fn address(workspace: &Workspace, path: &str) -> String {
    workspace.address(Path::new(path))
}

fn locations(workspace: &Workspace, analysis: &Analysis, places: &[Place]) -> Value {
    let found = places.iter().filter_map(|place| {
        let path = analysis.path(place.file)?;
        Some(json!({ "uri": address(workspace, path), "range": range(analysis, *place) }))
    });
    found.collect()
}

fn text_edit(analysis: &Analysis, edit: &Edit) -> Value {
    json!({ "range": range(analysis, edit.place), "newText": edit.text })
}

/// Changes of several files.
fn workspace_edit(workspace: &Workspace, analysis: &Analysis, edits: &[Edit]) -> Value {
    let mut changes: Map<String, Value> = Map::new();
    for edit in edits {
        let Some(path) = analysis.path(edit.place.file) else { continue };
        let entry = changes.entry(address(workspace, path)).or_insert_with(|| json!([]));
        if let Value::Array(edits) = entry {
            edits.push(text_edit(analysis, edit));
        }
    }
    json!({ "changes": changes })
}

fn rename(workspace: &mut Workspace, root: &Path, path: &str, params: &Value) -> Answer {
    let name = params.get("newName").and_then(Value::as_str).unwrap_or("");
    // The answer needs what is known and where imports are: what is known first.
    workspace.analysis(root);
    let set_elsewhere =
        workspace.programme(root).map(|programme| programme.parameters.clone()).unwrap_or_default();
    let workspace: &Workspace = workspace;
    let Some(analysis) = workspace.known(root) else { return Ok(Value::Null) };
    let Some(file) = analysis.file(path) else { return Ok(Value::Null) };
    let offset = params.get("position").map_or(0, |at| analysis.offset(file, position(at)));
    if let Some((Kind::Param, old)) = analysis.named_at(file, offset)
        && set_elsewhere.iter().any(|set| set == old)
    {
        return Err(Refusal::Said(format!("`perq.toml` sets `{old}`; change it there and here together")));
    }
    let edits = analysis.rename(file, offset, name, &workspace.overlay()).map_err(Refusal::Said)?;
    Ok(workspace_edit(workspace, analysis, &edits))
}

fn completion(analysis: &Analysis, file: FileId, offset: usize) -> Value {
    let text = analysis.text(file);
    let items = analysis.completions(file, text, offset).into_iter().map(|found| {
        let mut item = Map::new();
        item.insert("label".to_owned(), json!(found.text));
        item.insert("kind".to_owned(), json!(completion_kind(found.kind)));
        if !found.detail.is_empty() {
            item.insert("detail".to_owned(), json!(found.detail));
        }
        if !found.docs.is_empty() {
            item.insert("documentation".to_owned(), json!(found.docs));
        }
        item.insert("sortText".to_owned(), json!(format!("{}{}", found.rank, found.text)));
        let place = Place { file, span: found.replaces };
        item.insert("textEdit".to_owned(), json!({ "range": range(analysis, place), "newText": found.text }));
        Value::Object(item)
    });
    json!({ "isIncomplete": false, "items": items.collect::<Vec<_>>() })
}

/// The protocol's numbers.
fn completion_kind(kind: CompletionKind) -> u8 {
    match kind {
        CompletionKind::Keyword => 14,
        CompletionKind::Function => 3,
        CompletionKind::Subject => 6,
        CompletionKind::Unit => 11,
        CompletionKind::Type => 25,
        CompletionKind::Choice => 12,
        CompletionKind::Declared(kind) => match kind {
            Kind::Field => 5,
            Kind::Let | Kind::Loop | Kind::Parameter | Kind::Blank | Kind::Bundle | Kind::Part => 6,
            Kind::Define | Kind::Table | Kind::Segment | Kind::Counter => 3,
            Kind::Enum | Kind::Tiers => 13,
            Kind::Value | Kind::Level => 20,
            Kind::Param => 21,
            Kind::Unit | Kind::Account => 11,
            Kind::Event => 23,
            Kind::Record | Kind::Reference => 22,
            Kind::Alias => 9,
            Kind::Program
            | Kind::Group
            | Kind::Rule
            | Kind::Template
            | Kind::Coupon
            | Kind::Certificate
            | Kind::Badge
            | Kind::Redemption
            | Kind::Test
            | Kind::Offer
            | Kind::Arbitration
            | Kind::Ensure
            | Kind::Contacts => 7,
        },
    }
}

fn symbol(analysis: &Analysis, file: FileId, outline: &Outline) -> Value {
    let kind: u8 = match outline.kind {
        Kind::Program => 4,
        Kind::Group => 3,
        Kind::Rule | Kind::Coupon | Kind::Redemption => 24,
        Kind::Template | Kind::Record | Kind::Event => 23,
        Kind::Test => 6,
        Kind::Param | Kind::Unit => 14,
        Kind::Define | Kind::Table | Kind::Segment | Kind::Counter => 12,
        Kind::Enum | Kind::Tiers => 10,
        Kind::Value | Kind::Level => 22,
        Kind::Field => 8,
        Kind::Account
        | Kind::Reference
        | Kind::Certificate
        | Kind::Badge
        | Kind::Offer
        | Kind::Arbitration
        | Kind::Ensure
        | Kind::Contacts => 5,
        Kind::Alias => 2,
        Kind::Blank | Kind::Let | Kind::Parameter | Kind::Loop | Kind::Bundle | Kind::Part => 13,
    };
    let children: Vec<Value> = outline.children.iter().map(|entry| symbol(analysis, file, entry)).collect();
    // A symbol without a name is refused by editors.
    let name = if outline.name.is_empty() { outline.kind.word() } else { &outline.name };
    json!({
        "name": name,
        "detail": outline.detail,
        "kind": kind,
        "range": range(analysis, Place { file, span: outline.full }),
        "selectionRange": range(analysis, Place { file, span: outline.place }),
        "children": children,
    })
}

/// Five numbers for each piece, relative to the piece before.
fn tokens(colours: &[Colours]) -> Vec<u32> {
    let mut out = Vec::with_capacity(colours.len() * 5);
    let mut last = Position::default();
    for piece in colours {
        let line = piece.start.line.saturating_sub(last.line);
        let column =
            if line == 0 { piece.start.column.saturating_sub(last.column) } else { piece.start.column };
        let modifiers = u32::from(piece.declaration)
            | (u32::from(piece.documentation) << 1)
            | (u32::from(piece.standard) << 2);
        out.extend([line, column, piece.length, piece.colour as u32, modifiers]);
        last = piece.start;
    }
    out
}

fn actions(workspace: &Workspace, analysis: &Analysis, file: FileId, from: usize, to: usize) -> Value {
    let diagnostics = analysis.diagnostics();
    let (range, uri) = shown_by(workspace, analysis);
    let shown = Shown { range: &range, uri: &uri };
    let found = analysis.actions(diagnostics, file, from, to).into_iter().map(|action| {
        let diagnostic = diagnostics.get(action.diagnostic);
        let said: Vec<Value> = diagnostic.map(|found| said(&shown, found)).into_iter().collect();
        json!({
            "title": action.title,
            "kind": "quickfix",
            "isPreferred": action.preferred,
            "diagnostics": said,
            "edit": workspace_edit(workspace, analysis, std::slice::from_ref(&action.edit)),
        })
    });
    found.collect()
}

/// What is to be said behind the first lines of the rules of a file, within the lines that are asked for.
pub fn hints(workspace: &Workspace, path: &Path, params: &Value, said: &[Said]) -> Value {
    // Hints are asked for what is open.
    let Some(document) = workspace.document(path) else { return json!([]) };
    let name = crate::programme::shown(path);
    let text = document.text.as_str();
    let lines = Lines::of(text);
    let line = |end: &str, otherwise: u32| {
        params.pointer(&format!("/range/{end}")).map_or(otherwise, |at| position(at).line)
    };
    let asked = line("start", 0)..=line("end", u32::MAX);
    let hints = said.iter().filter(|said| said.path == name).filter_map(|said| {
        let rest = text.get(said.at..)?;
        let end = said.at + rest.find(['\n', '\r']).unwrap_or(rest.len());
        let at = lines.position(text, end);
        let mut hint = json!({ "position": place_of(at), "label": said.label, "paddingLeft": true });
        if !said.more.is_empty() {
            hint["tooltip"] = json!({ "kind": "markdown", "value": said.more });
        }
        asked.contains(&at.line).then_some(hint)
    });
    hints.collect()
}

/// How places are told in the protocol.
struct Shown<'s> {
    range: &'s dyn Fn(Place) -> Value,
    /// Nothing for standard declarations, which cannot be opened.
    uri: &'s dyn Fn(FileId) -> Option<String>,
}

/// Places of an analysis.
fn shown_by<'s>(
    workspace: &'s Workspace,
    analysis: &'s Analysis,
) -> (impl Fn(Place) -> Value + 's, impl Fn(FileId) -> Option<String> + 's) {
    let of = |place: Place| range(analysis, place);
    let uri = |file: FileId| Some(address(workspace, analysis.path(file)?));
    (of, uri)
}

/// A diagnostic in the protocol's form.
fn said(shown: &Shown<'_>, diagnostic: &Diagnostic) -> Value {
    let mut message = diagnostic.message.clone();
    if !diagnostic.label.is_empty() {
        message.push_str(&format!("\n{}", diagnostic.label));
    }
    for repair in &diagnostic.repairs {
        message.push_str(&format!("\nhelp: {}", repair.text));
    }
    let severity = match diagnostic.severity {
        Severity::Error => 1,
        Severity::Warning => 2,
    };
    let related = diagnostic.labels.iter().filter_map(|label| {
        let uri = (shown.uri)(label.place.file)?;
        let location = json!({ "uri": uri, "range": (shown.range)(label.place) });
        Some(json!({ "location": location, "message": label.text }))
    });
    json!({
        "range": (shown.range)(diagnostic.place),
        "severity": severity,
        "code": diagnostic.name,
        "source": "perq",
        "message": message,
        "relatedInformation": related.collect::<Vec<_>>(),
    })
}

/// What is wrong in one file of a programme, before anything is said of the others.
pub fn preview(workspace: &Workspace, root: &Path, path: &Path) -> Option<Vec<Value>> {
    let programme = workspace.programme(root)?;
    if programme.refused.is_some() || !workspace.no_texts(root).is_empty() {
        return None;
    }
    let Compilation { sources, diagnostics, .. } = workspace.look_at(root, path)?;
    let lines: RefCell<BTreeMap<FileId, Lines>> = RefCell::default();
    let range = |place: Place| {
        let text = sources.get(place.file).map_or("", |source| source.text.as_str());
        let mut lines = lines.borrow_mut();
        let lines = lines.entry(place.file).or_insert_with(|| Lines::of(text));
        let at = |offset: u32| place_of(lines.position(text, offset as usize));
        json!({ "start": at(place.span.start), "end": at(place.span.end) })
    };
    let uri = |file: FileId| {
        let source = sources.get(file).filter(|source| source.file.0 < u32::MAX / 2);
        source.map(|source| address(workspace, &source.path))
    };
    let shown = Shown { range: &range, uri: &uri };
    Some(diagnostics.iter().map(|found| said(&shown, found)).collect())
}

/// What is wrong in a programme, by file; a file without anything wrong has an empty list.
pub fn diagnostics(workspace: &mut Workspace, root: &Path) -> BTreeMap<PathBuf, Vec<Value>> {
    let mut out: BTreeMap<PathBuf, Vec<Value>> = BTreeMap::new();
    let no_texts = workspace.no_texts(root);
    let refused = workspace.programme(root).and_then(|programme| programme.refused.clone());
    let start = json!({ "line": 0, "character": 0 });
    let at_start = |message: &str, code: &str| {
        json!({
            "range": { "start": start, "end": start },
            "severity": 1,
            "code": code,
            "source": "perq",
            "message": message,
        })
    };
    if let Some(refused) = refused {
        // As for the other commands: what belongs together is not known without it.
        out.insert(root.join(crate::config::FILE), vec![at_start(&refused, "configuration")]);
        return out;
    }
    if !no_texts.is_empty() {
        // Without one of its files everything that names its declarations would be wrong: only this is said.
        for (path, diagnostic) in no_texts {
            out.insert(path, vec![at_start(&diagnostic.message, diagnostic.name)]);
        }
        return out;
    }
    workspace.analysis(root);
    let workspace: &Workspace = workspace;
    let Some(analysis) = workspace.known(root) else { return out };
    let (range, uri) = shown_by(workspace, analysis);
    let shown = Shown { range: &range, uri: &uri };
    for (_, path) in analysis.files() {
        out.entry(PathBuf::from(path)).or_default();
    }
    for diagnostic in analysis.diagnostics() {
        // What has no place in a file of the programme is said in its first one.
        let path = analysis.path(diagnostic.place.file).or_else(|| analysis.path(FileId(0)));
        if let Some(path) = path {
            out.entry(PathBuf::from(path)).or_default().push(said(&shown, diagnostic));
        }
    }
    out
}
