//! The language server: messages in, answers out, one after the other.
//!
//! Knows the protocol and refuses to know the language: what a place of a text means says `perq_ide`. Each message is
//! handled where it comes in order; what is wrong is said when nothing waits, so that fast typing is checked once.

mod answers;
mod samples;
mod transport;
mod uri;
mod workspace;

use answers::Refusal;
use samples::Said;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufReader, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;
use transport::Incoming;
use workspace::{Document, Workspace, path_of};

/// Codes of refusals, as the protocol has them.
mod code {
    pub const PARSE: i64 = -32700;
    pub const INVALID_REQUEST: i64 = -32600;
    pub const UNKNOWN_METHOD: i64 = -32601;
    pub const INTERNAL: i64 = -32603;
    pub const NOT_INITIALIZED: i64 = -32002;
    pub const CANCELLED: i64 = -32800;
    pub const MODIFIED: i64 = -32801;
    pub const FAILED: i64 = -32803;
}

/// How long nobody types before a large programme is looked at as a whole.
const PAUSE: Duration = Duration::from_millis(150);

/// Answers an editor until it ends the session; whether it ended in order.
///
/// # Errors
/// Where it does not read.
pub fn serve(input: Box<dyn Read + Send>, output: &mut dyn Write) -> std::io::Result<bool> {
    let (sender, receiver) = channel();
    let mut server = Server { worker: Some(sender.clone()), ..Server::default() };
    // The thread ends with the stream, or with the process.
    std::thread::spawn(move || {
        let mut input = BufReader::new(input);
        loop {
            let incoming = transport::read(&mut input);
            let ended = matches!(incoming, Incoming::End);
            if sender.send(incoming).is_err() || ended {
                break;
            }
        }
    });
    let mut waiting: VecDeque<Incoming> = VecDeque::new();
    while !server.ended {
        if waiting.is_empty() {
            match receiver.try_recv() {
                Ok(incoming) => waiting.push_back(incoming),
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    server.idle();
                    flush(&mut server, output)?;
                    let next = match server.later.is_empty() {
                        true => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                        false => receiver.recv_timeout(PAUSE),
                    };
                    match next {
                        Ok(incoming) => waiting.push_back(incoming),
                        Err(RecvTimeoutError::Disconnected) => break,
                        Err(RecvTimeoutError::Timeout) => {
                            server.look();
                            flush(&mut server, output)?;
                        }
                    }
                }
            }
        }
        take_all(&receiver, &mut waiting, &mut server);
        if let Some(incoming) = waiting.pop_front() {
            server.receive(incoming);
            flush(&mut server, output)?;
        }
    }
    server.idle();
    flush(&mut server, output)?;
    Ok(server.shut_down)
}

/// What has come meanwhile; what is cancelled is known before it is worked on.
fn take_all(receiver: &Receiver<Incoming>, waiting: &mut VecDeque<Incoming>, server: &mut Server) {
    while let Ok(incoming) = receiver.try_recv() {
        waiting.push_back(incoming);
    }
    for incoming in waiting.iter() {
        if let Incoming::Message(message) = incoming
            && method(message) == "$/cancelRequest"
        {
            server.cancel(message);
        }
    }
}

fn flush(server: &mut Server, output: &mut dyn Write) -> std::io::Result<()> {
    for message in std::mem::take(&mut server.outgoing) {
        transport::write(output, &message)?;
    }
    Ok(())
}

fn method(message: &Value) -> &str {
    message.get("method").and_then(Value::as_str).unwrap_or("")
}

/// A session.
#[derive(Debug, Default)]
pub struct Server {
    workspace: Workspace,
    outgoing: Vec<Value>,
    initialized: bool,
    shut_down: bool,
    ended: bool,
    /// The editor can tell when files change.
    watches: bool,
    /// Requests that are not wanted any more, as their ids are written.
    cancelled: BTreeSet<String>,
    /// Programmes whose diagnostics are to be said.
    stale: BTreeSet<PathBuf>,
    /// What was said: by file, by programme.
    said: BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<Value>>>,
    requests: u64,
    /// The editor can be asked to ask for hints again.
    refreshes: bool,
    /// Requests for hints that wait until they are worked out: id, file, first and last line.
    hints_asked: Vec<Asked>,
    /// Hints that are worked out: by programme, of the texts of which number.
    hints: BTreeMap<PathBuf, (u64, Vec<Said>)>,
    /// Work beside the session is under way.
    working: bool,
    /// The file that was changed last.
    changed: Option<PathBuf>,
    /// Large programmes that are to be looked at as a whole.
    later: BTreeSet<PathBuf>,
    /// One of them is looked at beside the session.
    looking: bool,
    /// Where it says that it is done; without it work is done in its place.
    worker: Option<Sender<Incoming>>,
}

/// A request for hints.
#[derive(Debug)]
struct Asked {
    id: Value,
    path: PathBuf,
    params: Value,
    revision: u64,
}

impl Server {
    /// A message as it comes; for tests and benchmarks.
    pub fn handle(&mut self, message: Value) -> Vec<Value> {
        self.receive(Incoming::Message(message));
        std::mem::take(&mut self.outgoing)
    }

    /// Nothing waits: what is wrong is said; for tests and benchmarks.
    pub fn rest(&mut self) -> Vec<Value> {
        self.idle();
        std::mem::take(&mut self.outgoing)
    }

    fn receive(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Message(message) => self.message(&message),
            Incoming::Malformed(why) => self.refuse(&Value::Null, code::PARSE, &why),
            Incoming::Worked(root, revision, said) => {
                self.working = false;
                self.hints.insert(root, (revision, said));
                self.answer_hints();
            }
            Incoming::Looked(root, revision, analysis) => {
                self.looking = false;
                if analysis.is_some_and(|analysis| self.workspace.take(&root, revision, *analysis)) {
                    self.say(&root);
                } else {
                    self.later.insert(root);
                }
            }
            Incoming::End => self.ended = true,
        }
    }

    fn cancel(&mut self, message: &Value) {
        let Some(id) = message.pointer("/params/id") else { return };
        self.cancelled.insert(id.to_string());
        let before = self.hints_asked.len();
        self.hints_asked.retain(|asked| asked.id != *id);
        if self.hints_asked.len() < before {
            self.cancelled.remove(&id.to_string());
            self.refuse(id, code::CANCELLED, "cancelled");
        }
    }

    /// Answers the requests for hints that can be answered, and refuses those of texts that are others by now.
    fn answer_hints(&mut self) {
        let newest = self.workspace.revision();
        for asked in std::mem::take(&mut self.hints_asked) {
            if asked.revision != newest {
                self.refuse(&asked.id, code::MODIFIED, "the text is another by now");
                continue;
            }
            let root = self.workspace.root(&asked.path);
            match self.hints.get(&root) {
                Some((revision, said)) if *revision == newest => {
                    let hints = answers::hints(&self.workspace, &asked.path, &asked.params, said);
                    self.answer(&asked.id, hints);
                }
                Some(_) | None => self.hints_asked.push(asked),
            }
        }
    }

    /// Begins to look at a large programme as a whole, where none is looked at.
    fn look(&mut self) {
        if self.looking {
            return;
        }
        let Some(root) = self.later.pop_first() else { return };
        if self.workspace.known(&root).is_some() {
            return self.say(&root);
        }
        let (Some(whole), Some(worker)) = (self.workspace.whole(&root), self.worker.clone()) else {
            return self.say(&root);
        };
        self.looking = true;
        std::thread::spawn(move || {
            // A mistake of ours is not the end of the session.
            let analysis = catch_unwind(AssertUnwindSafe(|| whole.done())).unwrap_or_default();
            let looked = Incoming::Looked(root, whole.revision(), analysis.map(Box::new));
            // Whoever asked may have ended.
            let _ = worker.send(looked);
        });
    }

    /// Says what is wrong in the file that was changed last, where its errors are not those that are said already. Lints
    /// and what holds rules against each other come when the programme is looked at as a whole.
    fn preview(&mut self, root: &Path) {
        let Some(path) = self.changed.clone().filter(|path| self.workspace.root(path) == root) else {
            return;
        };
        let workspace = &self.workspace;
        let found = catch_unwind(AssertUnwindSafe(|| answers::preview(workspace, root, &path)));
        let Ok(Some(found)) = found else { return };
        let errors = |said: &[Value]| -> Vec<Value> {
            said.iter().filter(|said| said["severity"] == 1).cloned().collect()
        };
        let said = self.said.get(&path).and_then(|by_root| by_root.get(root));
        if said.is_some_and(|said| errors(said) == errors(&found)) {
            return;
        }
        self.said.entry(path.clone()).or_default().insert(root.to_owned(), found);
        self.tell(&path);
    }

    /// Begins to work out the hints that somebody waits for.
    fn work(&mut self) {
        self.answer_hints();
        if self.working {
            return;
        }
        let Some(asked) = self.hints_asked.first() else { return };
        let root = self.workspace.root(&asked.path);
        let work = self.workspace.work(&root);
        let revision = work.revision;
        let done = move || {
            // A mistake of ours is no hint, and not the end of the session.
            catch_unwind(AssertUnwindSafe(|| work.done())).unwrap_or_default()
        };
        let Some(worker) = self.worker.clone() else {
            self.hints.insert(root, (revision, done()));
            return self.answer_hints();
        };
        self.working = true;
        std::thread::spawn(move || {
            let said = done();
            // Whoever asked may have ended.
            let _ = worker.send(Incoming::Worked(root, revision, said));
        });
    }

    fn refuse(&mut self, id: &Value, code: i64, message: &str) {
        self.outgoing.push(json!({
            "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message },
        }));
    }

    fn message(&mut self, message: &Value) {
        let method = method(message);
        let params = message.get("params").unwrap_or(&Value::Null);
        match message.get("id") {
            // An answer to a question of ours.
            Some(_)
                if method.is_empty()
                    && (message.get("result").is_some() || message.get("error").is_some()) => {}
            Some(id) if method.is_empty() => {
                self.refuse(id, code::INVALID_REQUEST, "a request without a method")
            }
            Some(id) => self.request(id, method, params),
            None if method.is_empty() => {
                self.refuse(&Value::Null, code::INVALID_REQUEST, "neither a request nor a notification");
            }
            None => self.notification(method, params),
        }
    }

    fn request(&mut self, id: &Value, method: &str, params: &Value) {
        if self.cancelled.remove(&id.to_string()) {
            return self.refuse(id, code::CANCELLED, "cancelled");
        }
        if self.shut_down {
            return self.refuse(id, code::INVALID_REQUEST, "the server is shut down");
        }
        if method == "initialize" {
            let watches = params.pointer("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration");
            self.watches = watches.and_then(Value::as_bool).unwrap_or(false);
            let refreshes = params.pointer("/capabilities/workspace/inlayHint/refreshSupport");
            self.refreshes = refreshes.and_then(Value::as_bool).unwrap_or(false);
            self.initialized = true;
            return self.answer(id, answers::capabilities());
        }
        if !self.initialized {
            return self.refuse(id, code::NOT_INITIALIZED, "the first request is `initialize`");
        }
        if method == "shutdown" {
            self.shut_down = true;
            return self.answer(id, Value::Null);
        }
        if method == "textDocument/inlayHint" {
            let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).unwrap_or("");
            let revision = self.workspace.revision();
            let (id, params) = (id.clone(), params.clone());
            self.hints_asked.push(Asked { id, path: path_of(uri), params, revision });
            return;
        }
        let workspace = &mut self.workspace;
        // A mistake of ours in one answer is not the end of the session.
        let answer = catch_unwind(AssertUnwindSafe(|| answers::answer(workspace, method, params)));
        match answer {
            Ok(Ok(result)) => self.answer(id, result),
            Ok(Err(Refusal::Unknown)) => {
                let text = format!("there is no answer to `{}`", crate::excerpt::plain(method));
                self.refuse(id, code::UNKNOWN_METHOD, &text);
            }
            Ok(Err(Refusal::Said(text))) => self.refuse(id, code::FAILED, &text),
            Err(_) => self.refuse(id, code::INTERNAL, "perq made a mistake of its own"),
        }
    }

    fn answer(&mut self, id: &Value, result: Value) {
        self.outgoing.push(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.outgoing.push(json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn notification(&mut self, method: &str, params: &Value) {
        if method == "exit" {
            self.ended = true;
            return;
        }
        if !self.initialized || self.shut_down {
            return;
        }
        let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str);
        let path = text("/textDocument/uri").map(path_of);
        match (method, path) {
            ("initialized", _) if self.watches => self.watch(),
            ("textDocument/didOpen", Some(path)) => {
                let document = Document {
                    uri: text("/textDocument/uri").unwrap_or("").to_owned(),
                    version: params.pointer("/textDocument/version").and_then(Value::as_i64),
                    text: text("/textDocument/text").unwrap_or("").to_owned(),
                };
                self.changed = Some(path.clone());
                let stale = self.workspace.change(path, document);
                self.stale.extend(stale);
            }
            ("textDocument/didChange", Some(path)) => {
                let Some(document) = self.workspace.document(&path) else { return };
                let mut document = document.clone();
                document.version = params.pointer("/textDocument/version").and_then(Value::as_i64);
                let changes = params.get("contentChanges").and_then(Value::as_array);
                for change in changes.into_iter().flatten() {
                    answers::apply(&mut document.text, change);
                }
                self.changed = Some(path.clone());
                let stale = self.workspace.change(path, document);
                self.stale.extend(stale);
            }
            ("textDocument/didClose", Some(path)) => {
                let stale = self.workspace.close(&path);
                self.stale.extend(stale);
            }
            ("textDocument/didSave" | "workspace/didChangeWatchedFiles", _) => {
                let stale = self.workspace.reload();
                self.stale.extend(stale);
                if self.refreshes {
                    // Samples may be others, too, and the editor cannot know.
                    self.ask("workspace/inlayHint/refresh", Value::Null);
                }
            }
            _ => {}
        }
    }

    /// Asks the editor something whose answer does not matter.
    fn ask(&mut self, method: &str, params: Value) {
        self.requests += 1;
        let id = format!("perq-{}", self.requests);
        self.outgoing.push(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    /// Asks to be told when files change.
    fn watch(&mut self) {
        let registration = json!({
            "id": "files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": [{ "globPattern": "**/*.rule" }, { "globPattern": "**/perq.toml" }] },
        });
        self.ask("client/registerCapability", json!({ "registrations": [registration] }));
    }

    /// Says what is wrong in the programmes that have changed.
    fn idle(&mut self) {
        self.cancelled.clear();
        while let Some(root) = self.stale.pop_first() {
            if self.worker.is_some()
                && self.workspace.known(&root).is_none()
                && self.workspace.is_large(&root)
            {
                self.preview(&root);
                self.later.insert(root);
            } else {
                self.later.remove(&root);
                self.say(&root);
            }
        }
        self.work();
    }

    /// Says what is wrong in a programme.
    fn say(&mut self, root: &Path) {
        let workspace = &mut self.workspace;
        let found = catch_unwind(AssertUnwindSafe(|| answers::diagnostics(workspace, root)));
        if let Ok(found) = found {
            self.publish(root, found);
        }
    }

    /// Takes what was found in a programme, and says it of the files of which it is something else than before.
    fn publish(&mut self, root: &Path, found: BTreeMap<PathBuf, Vec<Value>>) {
        let before: Vec<PathBuf> = self
            .said
            .iter()
            .filter(|(_, by_root)| by_root.contains_key(root))
            .map(|(path, _)| path.clone())
            .collect();
        let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
        for path in before {
            if !found.contains_key(&path) {
                if let Some(by_root) = self.said.get_mut(&path) {
                    by_root.remove(root);
                }
                changed.insert(path);
            }
        }
        for (path, diagnostics) in found {
            let by_root = self.said.entry(path.clone()).or_default();
            // What is open is said whenever it is looked at: an editor waits for it, and knows versions.
            let same = by_root.get(root) == Some(&diagnostics);
            if !same || self.workspace.document(&path).is_some() {
                changed.insert(path);
            }
            if !same {
                by_root.insert(root.to_owned(), diagnostics);
            }
        }
        for path in changed {
            self.tell(&path);
        }
        self.said.retain(|_, by_root| !by_root.is_empty());
    }

    /// Tells the editor what is said of a file.
    fn tell(&mut self, path: &Path) {
        let owner = self.workspace.root(path);
        let by_root = self.said.get(path);
        // What its own programme says goes before what those say that import it.
        let own = by_root.and_then(|by_root| by_root.get(&owner));
        let all = own.or_else(|| by_root.and_then(|by_root| by_root.values().next()));
        let diagnostics = all.cloned().unwrap_or_default();
        let mut params = Map::new();
        params.insert("uri".to_owned(), json!(self.workspace.address(path)));
        if let Some(version) = self.workspace.document(path).and_then(|document| document.version) {
            params.insert("version".to_owned(), json!(version));
        }
        params.insert("diagnostics".to_owned(), Value::Array(diagnostics));
        self.notify("textDocument/publishDiagnostics", Value::Object(params));
    }
}
