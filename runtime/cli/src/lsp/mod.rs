//! The language server: messages in, answers out, one after the other.
//!
//! Knows the protocol and refuses to know the language: what a place of a text means says `perq_ide`. Each message is
//! handled where it comes in order; what is wrong is said when nothing waits, so that fast typing is checked once.

mod answers;
mod transport;
mod uri;
mod workspace;

use answers::Refusal;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufReader, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
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
    pub const FAILED: i64 = -32803;
}

/// Answers an editor until it ends the session; whether it ended in order.
///
/// # Errors
/// Where it does not read.
pub fn serve(input: Box<dyn Read + Send>, output: &mut dyn Write) -> std::io::Result<bool> {
    let (sender, receiver) = channel();
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
    let mut server = Server::default();
    let mut waiting: VecDeque<Incoming> = VecDeque::new();
    while !server.ended {
        if waiting.is_empty() {
            match receiver.try_recv() {
                Ok(incoming) => waiting.push_back(incoming),
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    server.idle();
                    flush(&mut server, output)?;
                    let Ok(incoming) = receiver.recv() else { break };
                    waiting.push_back(incoming);
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
            Incoming::End => self.ended = true,
        }
    }

    fn cancel(&mut self, message: &Value) {
        if let Some(id) = message.pointer("/params/id") {
            self.cancelled.insert(id.to_string());
        }
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
            }
            _ => {}
        }
    }

    /// Asks to be told when files change.
    fn watch(&mut self) {
        self.requests += 1;
        self.outgoing.push(json!({
            "jsonrpc": "2.0",
            "id": format!("perq-{}", self.requests),
            "method": "client/registerCapability",
            "params": { "registrations": [{
                "id": "files",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": [{ "globPattern": "**/*.rule" }, { "globPattern": "**/perq.toml" }] },
            }] },
        }));
    }

    /// Says what is wrong in the programmes that have changed.
    fn idle(&mut self) {
        self.cancelled.clear();
        while let Some(root) = self.stale.pop_first() {
            let workspace = &mut self.workspace;
            let found = catch_unwind(AssertUnwindSafe(|| answers::diagnostics(workspace, &root)));
            let Ok(found) = found else { continue };
            self.publish(&root, found);
        }
    }

    fn publish(&mut self, root: &Path, found: BTreeMap<PathBuf, Vec<Value>>) {
        let before = self.said.iter().filter(|(_, by_root)| by_root.contains_key(root));
        let mut changed: BTreeSet<PathBuf> = before.map(|(path, _)| path.clone()).collect();
        for path in &changed {
            if let Some(by_root) = self.said.get_mut(path) {
                by_root.remove(root);
            }
        }
        for (path, diagnostics) in found {
            changed.insert(path.clone());
            self.said.entry(path).or_default().insert(root.to_owned(), diagnostics);
        }
        for path in changed {
            let owner = self.workspace.root(&path);
            let by_root = self.said.get(&path);
            // What its own programme says goes before what those say that import it.
            let own = by_root.and_then(|by_root| by_root.get(&owner));
            let all = own.or_else(|| by_root.and_then(|by_root| by_root.values().next()));
            let diagnostics = all.cloned().unwrap_or_default();
            let mut params = Map::new();
            params.insert("uri".to_owned(), json!(self.workspace.address(&path)));
            if let Some(version) = self.workspace.document(&path).and_then(|document| document.version) {
                params.insert("version".to_owned(), json!(version));
            }
            params.insert("diagnostics".to_owned(), Value::Array(diagnostics));
            self.notify("textDocument/publishDiagnostics", Value::Object(params));
        }
        self.said.retain(|_, by_root| !by_root.is_empty());
    }
}
