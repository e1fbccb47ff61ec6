//! The language server as an editor meets it: a process, messages on its standard input and output.
//!
//! The binary is this one: asked for `lsp` it is `perq`, by the same function.

use libtest_mimic::{Arguments, Trial};
use perq_tests::{root, scratch};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("lsp") {
        return perq_cli::main();
    }
    let mut arguments = Arguments::from_args();
    // Each trial waits for a process of its own.
    arguments.test_threads = Some(2);
    let trial = |name: &str, run: fn()| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    let trials = vec![
        trial("a_session_from_a_broken_file_to_its_end", a_session),
        trial("the_tutorial_in_an_editor", tutorial),
        trial("messages_that_are_none_do_not_end_it", malformed),
        trial("requests_that_are_cancelled_are_refused", cancelled),
        trial("what_is_asked_out_of_order_is_refused", out_of_order),
        trial("columns_are_those_of_utf_16", utf_16),
        trial("a_programme_is_its_folder_with_what_is_not_saved", programmes),
        trial("files_that_are_no_text_are_said", no_text),
        trial("lints_are_said_with_their_repairs", lints),
        trial("the_examples_are_clean_in_an_editor", examples),
        trial("rules_say_what_they_give_on_samples", hints),
        trial("hints_are_never_of_another_text", hints_of_now),
        trial("a_large_programme_is_looked_at_while_nobody_types", large),
        trial("fast_typing_ends_with_what_is_there", typing),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A client.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    next: u64,
    /// What was said of each file last.
    said: Vec<Value>,
}

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    fn start() -> Client {
        let this = std::env::current_exe().expect("this test");
        let mut child = Command::new(this)
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("perq lsp starts");
        let output = child.stdout.take().expect("its output");
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut length = 0_usize;
                loop {
                    let mut line = String::new();
                    if output.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    if line == "\r\n" {
                        break;
                    }
                    if let Some(value) = line.strip_prefix("Content-Length: ") {
                        length = value.trim().parse().expect("a length");
                    }
                }
                let mut body = vec![0; length];
                if output.read_exact(&mut body).is_err() {
                    return;
                }
                let message: Value = serde_json::from_slice(&body).expect("JSON");
                assert_eq!(message["jsonrpc"], "2.0");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Client { child, input, messages, next: 0, said: Vec::new() }
    }

    fn initialized() -> Client {
        let mut client = Client::start();
        let result =
            client.ask("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} }));
        assert_eq!(result["result"]["capabilities"]["positionEncoding"], "utf-16");
        client.tell("initialized", json!({}));
        client
    }

    fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("still open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("it reads");
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.answer(&json!(id))
    }

    /// The answer to a request; what is said meanwhile is kept.
    fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("an answer");
            if message["method"] == "textDocument/publishDiagnostics" {
                self.said.push(message["params"].clone());
            } else if message["id"] == *id {
                return message;
            }
        }
    }

    /// The errors of a file, the next time something is said of it.
    fn wrong(&mut self, uri: &str) -> Vec<Value> {
        self.said_of(uri).into_iter().filter(|found| found["severity"] == 1).collect()
    }

    /// What is said of a file next, what lints have found with it.
    fn said_of(&mut self, uri: &str) -> Vec<Value> {
        loop {
            if let Some(at) = self.said.iter().position(|said| said["uri"] == uri) {
                let said = self.said.remove(at);
                return said["diagnostics"].as_array().expect("a list").clone();
            }
            let message = self.messages.recv_timeout(PATIENCE).expect("diagnostics");
            if message["method"] == "textDocument/publishDiagnostics" {
                self.said.push(message["params"].clone());
            }
        }
    }

    fn open(&mut self, uri: &str, text: &str) {
        self.tell(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "perq", "version": 1, "text": text } }),
        );
    }

    fn at(&mut self, method: &str, uri: &str, (line, character): (usize, usize)) -> Value {
        let params = json!({
            "textDocument": { "uri": uri },
            "position": { "line": line, "character": character },
            "context": { "includeDeclaration": true },
        });
        self.ask(method, params)["result"].clone()
    }

    fn end(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null)["result"], Value::Null);
        self.tell("exit", Value::Null);
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn names(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().map(|found| found["code"].as_str().unwrap_or("")).collect()
}

/// Line and column, from 0, of a text; for texts of one unit a character.
fn place(text: &str, part: &str) -> (usize, usize) {
    let offset = text.find(part).unwrap_or_else(|| panic!("{part}"));
    let before = &text[..offset];
    (before.matches('\n').count(), before.len() - before.rfind('\n').map_or(0, |at| at + 1))
}

fn apply(text: &str, edits: &Value) -> String {
    let mut edits: Vec<&Value> = edits.as_array().expect("edits").iter().collect();
    let offset = |place: &Value| {
        let line = place["line"].as_u64().unwrap() as usize;
        let starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut units = place["character"].as_u64().unwrap() as usize;
        let start = starts[line];
        for (at, character) in text[start..].char_indices() {
            if units == 0 {
                return start + at;
            }
            units -= character.len_utf16();
        }
        text.len()
    };
    edits.sort_by_key(|edit| std::cmp::Reverse(offset(&edit["range"]["start"])));
    let mut out = text.to_owned();
    for edit in edits {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        out.replace_range(range, edit["newText"].as_str().unwrap());
    }
    out
}

const BROKEN: &str = r#"language 1
program shop { currency EUR zone "Europe/Berlin" rounding half_up }
account bonus "Bonus" { unit points decimals 0 round down per basket worth 100 points = 1 EUR }
param rate: percent = 5%
group base {
  kind earn
  displace none
  on purchase
  when member known
  rule a { then award rate of basket.payd as points }
  rule b { when
    then award 1 points }
}
"#;

fn a_session() {
    let mut client = Client::initialized();
    let uri = "untitled:Untitled-1";
    client.open(uri, BROKEN);
    let wrong = client.wrong(uri);
    assert!(names(&wrong).contains(&"unknown-field"), "{wrong:?}");
    // The broken rule hides nothing of its neighbour.
    assert_eq!(wrong.len(), 2, "{:?}", names(&wrong));
    let found = wrong.iter().find(|found| found["code"] == "unknown-field").unwrap();
    let (line, column) = place(BROKEN, "payd");
    assert_eq!(found["range"]["start"], json!({ "line": line, "character": column }));
    assert_eq!((&found["severity"], &found["source"]), (&json!(1), &json!("perq")));

    // The repair that it offers.
    let actions = client.ask(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": found["range"], "context": { "diagnostics": [] } }),
    );
    let action = &actions["result"][0];
    assert_eq!(action["kind"], "quickfix");
    let mended = apply(BROKEN, &action["edit"]["changes"][uri]);
    assert!(mended.contains("basket.paid"), "{mended}");

    // Typed, piece by piece: `when ` and then a condition.
    let (line, column) = place(BROKEN, "payd");
    let change = |version: i64, from: (usize, usize), to: (usize, usize), text: &str| {
        json!({
            "textDocument": { "uri": uri, "version": version },
            "contentChanges": [{
                "range": {
                    "start": { "line": from.0, "character": from.1 },
                    "end": { "line": to.0, "character": to.1 },
                },
                "text": text,
            }],
        })
    };
    client.tell("textDocument/didChange", change(2, (line, column), (line, column + 4), "paid"));
    let (line, column) = place(BROKEN, "when\n");
    client.tell("textDocument/didChange", change(3, (line, column + 4), (line, column + 4), " basket."));
    let items = client.at("textDocument/completion", uri, (line, column + 12))["items"].clone();
    let labels: Vec<&str> =
        items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["paid", "initial"]);
    let edit = items[0]["textEdit"].clone();
    assert_eq!(edit["range"]["start"], json!({ "line": line, "character": column + 12 }));
    client
        .tell("textDocument/didChange", change(4, (line, column + 12), (line, column + 12), "paid > 5 EUR"));
    let mut wrong = client.wrong(uri);
    // What was said between the changes does not count.
    while !wrong.is_empty() {
        wrong = client.wrong(uri);
    }
    let text = BROKEN.replace("payd", "paid").replace("when\n", "when basket.paid > 5 EUR\n");

    let hover = client.at("textDocument/hover", uri, place(&text, "rate of"));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("param rate"), "{hover}");
    let defined = client.at("textDocument/definition", uri, place(&text, "rate of"));
    let (line, column) = place(&text, "rate:");
    assert_eq!(defined[0]["range"]["start"], json!({ "line": line, "character": column }));
    assert_eq!(
        client.at("textDocument/references", uri, place(&text, "rate of")).as_array().unwrap().len(),
        2
    );
    assert_eq!(
        client.at("textDocument/documentHighlight", uri, place(&text, "rate of")).as_array().unwrap().len(),
        2
    );
    assert_eq!(client.at("textDocument/prepareRename", uri, place(&text, "rate of"))["placeholder"], "rate");

    let (line, character) = place(&text, "rate of");
    let position = json!({ "line": line, "character": character });
    let rename =
        |name: &str| json!({ "textDocument": { "uri": uri }, "position": position, "newName": name });
    let edit = client.ask("textDocument/rename", rename("share"))["result"].clone();
    let renamed = apply(&text, &edit["changes"][uri]);
    assert!(renamed.contains("param share was rate") && renamed.contains("award share of"), "{renamed}");
    let refused = client.ask("textDocument/rename", rename("when"));
    assert!(refused["error"]["message"].as_str().unwrap().contains("cannot be a name"), "{refused}");

    let formatted = client.ask(
        "textDocument/formatting",
        json!({ "textDocument": { "uri": uri }, "options": { "tabSize": 8, "insertSpaces": false } }),
    );
    let formatted = apply(&text, &formatted["result"]);
    assert_eq!(perq_grammar::format(&text).unwrap(), formatted);
    let of = json!({ "textDocument": { "uri": uri } });
    let symbols = client.ask("textDocument/documentSymbol", of.clone())["result"].clone();
    let names: Vec<&str> = symbols.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop", "bonus", "rate", "base"]);
    assert_eq!(symbols[3]["children"].as_array().unwrap().len(), 2);
    let folds = client.ask("textDocument/foldingRange", of.clone())["result"].clone();
    assert_eq!(folds.as_array().unwrap().len(), 1, "{folds}");
    let tokens = client.ask("textDocument/semanticTokens/full", of)["result"]["data"].clone();
    assert_eq!(tokens.as_array().unwrap().len() % 5, 0);
    assert!(tokens.as_array().unwrap().len() > 200);

    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    assert!(client.wrong(uri).is_empty());
    client.end();
}

/// What the tutorial says of editors, from an empty folder on: the mistake is underlined before anything is saved, its repair
/// is offered, a name is explained, and what is taken back leaves nothing behind.
fn tutorial() {
    let page = fs::read_to_string(root().join("docs/tutorial.md")).unwrap();
    let (_, says) = page.split_once("An editor says the same while you type").expect("a paragraph");
    let (says, _) = says.split_once("\n\n").expect("its end");
    let quoted: Vec<&str> = says.split('`').skip(1).step_by(2).collect();
    let ["perq lsp", mistake, offered, "club", hint] = quoted.as_slice() else { panic!("{quoted:?}") };
    let folder = scratch("lsp-tutorial");
    let shop = folder.join("shop").display().to_string();
    let (exit, said, _) = perq_cli::run(["new", &shop], &b""[..]).unwrap();
    assert_eq!(exit, perq_cli::Exit::Clean, "{said}");
    let path = folder.join("shop/rules.rule");
    let right = fs::read_to_string(&path).unwrap();
    let wrong = right.replace("1% of basket.paid as points", mistake);
    assert_ne!(right, wrong);
    let mut client = Client::initialized();
    let uri = address(&path);
    client.open(&uri, &right);
    assert_eq!(client.wrong(&uri), Vec::<Value>::new());
    let whole = |version: u64, text: &str| json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [{ "text": text }] });
    client.tell("textDocument/didChange", whole(2, &wrong));
    let found = client.wrong(&uri);
    assert_eq!(names(&found), ["mismatched-units"], "{found:?}");
    let (line, column) = place(&wrong, mistake);
    let start = &found[0]["range"]["start"];
    assert_eq!(start["line"], line);
    assert!((column..column + mistake.len()).contains(&(start["character"].as_u64().unwrap() as usize)));
    let actions = client.ask(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": found[0]["range"], "context": { "diagnostics": [] } }),
    );
    let repair = actions["result"].as_array().unwrap().iter().find_map(|action| {
        let mended = apply(&wrong, action["edit"]["changes"].get(&uri)?);
        mended.contains(*offered).then_some(mended)
    });
    let repair = repair.unwrap_or_else(|| panic!("{offered} is not offered: {actions}"));
    client.tell("textDocument/didChange", whole(3, &repair));
    assert_eq!(client.wrong(&uri), Vec::<Value>::new());
    client.tell("textDocument/didChange", whole(4, &right));
    let hover = client.at("textDocument/hover", &uri, place(&right, "club"));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("account club"), "{hover}");
    let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = client.ask("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": all }));
    assert!(hint_lines(&hints).iter().any(|(_, said)| said == hint), "{hints}");
    client.end();
    let _ = fs::remove_dir_all(folder);
}

fn malformed() {
    let mut client = Client::initialized();
    let parse_error = |client: &mut Client| client.answer(&Value::Null)["error"]["code"].clone();
    client.raw(b"Content-Length: 5\r\n\r\n{\"a\":");
    assert_eq!(parse_error(&mut client), json!(-32700));
    client.raw(b"Content-Length: 2\r\n\r\n\xff\xfe");
    assert_eq!(parse_error(&mut client), json!(-32700));
    client.raw(b"What is this?\r\n\r\n");
    assert_eq!(parse_error(&mut client), json!(-32700));
    // Valid JSON that is no message.
    for body in [json!([]), json!(7), json!({}), json!({ "method": 5 }), Value::Null] {
        client.send(&body);
        assert_eq!(parse_error(&mut client), json!(-32600), "{body}");
    }
    client.send(&json!({ "id": 5 }));
    assert_eq!(client.answer(&json!(5))["error"]["code"], json!(-32600));
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    client.raw(format!("Content-Length: {}\r\n\r\n{deep}", deep.len()).as_bytes());
    assert_eq!(parse_error(&mut client), json!(-32700));
    // Requests whose parameters are missing or of other sorts.
    let methods = [
        "textDocument/completion",
        "textDocument/hover",
        "textDocument/rename",
        "textDocument/codeAction",
        "textDocument/semanticTokens/full",
    ];
    client.open("untitled:a", "language 1\n");
    for method in methods {
        for params in [
            Value::Null,
            json!([1]),
            json!({ "textDocument": 5 }),
            json!({ "textDocument": { "uri": "untitled:nothing" }, "position": {} }),
            json!({ "textDocument": { "uri": "untitled:a" }, "position": { "line": -1, "character": 1e300 } }),
            json!({ "textDocument": { "uri": "untitled:a" }, "position": { "line": 4_294_967_295_u64, "character": 4_294_967_295_u64 } }),
        ] {
            let answer = client.ask(method, params.clone());
            assert!(answer.get("result").is_some() || answer.get("error").is_some(), "{method} {params}");
        }
    }
    for params in [Value::Null, json!({ "textDocument": { "uri": "untitled:a" }, "contentChanges": 5 })] {
        client.tell("textDocument/didChange", params.clone());
        client.tell("textDocument/didOpen", params);
    }
    client.tell(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": "untitled:a" }, "contentChanges": [
            { "range": { "start": { "line": 9, "character": 9 }, "end": { "line": 0, "character": 3 } }, "text": "ж" },
            { "range": { "start": { "line": 0, "character": 900 }, "end": { "line": 800, "character": 3 } }, "text": "🍵" },
        ] }),
    );
    assert_eq!(client.ask("no/such", Value::Null)["error"]["code"], json!(-32601));
    client.tell("$/no/such", Value::Null);
    client.end();
}

fn cancelled() {
    let mut client = Client::initialized();
    // Both come in one piece, so that the request waits when it is cancelled.
    let message = |value: Value| {
        let body = value.to_string();
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let open = json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument": {
        "uri": "untitled:a", "languageId": "perq", "version": 1, "text": BROKEN.repeat(50),
    } } });
    let ask = |id: &str, line: u32| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": {
            "textDocument": { "uri": "untitled:a" }, "position": { "line": line, "character": 3 },
        } })
    };
    let cancel = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": "b" } });
    let all: String =
        [open, ask("a", 1), ask("b", 1), ask("c", 1), cancel].into_iter().map(message).collect();
    client.raw(all.as_bytes());
    assert!(client.answer(&json!("a")).get("error").is_none());
    assert_eq!(client.answer(&json!("b"))["error"]["code"], json!(-32800));
    assert!(client.answer(&json!("c")).get("error").is_none());
    // What was answered long ago can be cancelled, too, without harm to a later one of the same name.
    client.tell("$/cancelRequest", json!({ "id": "c" }));
    client.tell("$/cancelRequest", json!({}));
    client.end();
}

fn out_of_order() {
    let mut client = Client::start();
    assert_eq!(client.ask("textDocument/hover", json!({}))["error"]["code"], json!(-32002));
    client.open("untitled:a", "rule");
    client.ask("initialize", json!({ "capabilities": {} }));
    client.ask("shutdown", Value::Null);
    assert_eq!(client.ask("textDocument/hover", json!({}))["error"]["code"], json!(-32600));
    assert!(client.said.is_empty());
    client.tell("exit", Value::Null);
    assert_eq!(client.child.wait().unwrap().code(), Some(0));
    // An editor that goes without a word.
    let mut client = Client::initialized();
    client.input = None;
    assert_eq!(client.child.wait().unwrap().code(), Some(1));
}

fn utf_16() {
    let mut client = Client::initialized();
    let text = "language 1\nprogram p { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
        segment ж \"🍵🍵 Чай\" = member known and membre.joined known # 🍵\n\
        segment x = ж\n";
    client.open("untitled:a", text);
    let wrong = client.wrong("untitled:a");
    assert_eq!(names(&wrong), ["unknown-name"], "{wrong:?}");
    // `segment ж "` is 11 units, each cup 2, ` Чай"` 5, ` = member known and ` 20.
    let start = 11 + 4 + 5 + 20;
    assert_eq!(wrong[0]["range"]["start"], json!({ "line": 2, "character": start }), "{wrong:?}");
    assert_eq!(wrong[0]["range"]["end"], json!({ "line": 2, "character": start + 6 }));
    let found = client.at("textDocument/references", "untitled:a", (3, 12));
    let starts: Vec<&Value> =
        found.as_array().unwrap().iter().map(|found| &found["range"]["start"]).collect();
    assert_eq!(starts, [&json!({ "line": 2, "character": 8 }), &json!({ "line": 3, "character": 12 })]);
    // A change behind the cups.
    client.tell(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": "untitled:a", "version": 2 }, "contentChanges": [{
            "range": { "start": { "line": 2, "character": start }, "end": { "line": 2, "character": start + 6 } },
            "text": "member",
        }] }),
    );
    assert!(client.wrong("untitled:a").is_empty());
    client.end();
}

fn address(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn programmes() {
    let folder = scratch("lsp-programmes");
    fs::write(folder.join("perq.toml"), "[parameters]\nset = \"3%\"\n").unwrap();
    let head = "language 1\nprogram p { currency EUR zone \"Europe/Berlin\" rounding half_up }\nparam set: percent = 2%\n";
    fs::write(folder.join("a.rule"), head).unwrap();
    fs::create_dir(folder.join("below")).unwrap();
    let user = "language 1\nsegment s = rate > 3% and member known\n";
    let below = folder.join("below/b.rule");
    fs::write(&below, user).unwrap();
    let (a, b) = (address(&folder.join("a.rule")), address(&below));
    let mut client = Client::initialized();
    client.open(&b, user);
    assert_eq!(names(&client.wrong(&b)), ["unknown-name"]);
    // What is not saved counts.
    client.open(&a, &format!("{head}param rate: percent = 5%\n"));
    assert!(client.wrong(&b).is_empty());
    // From one file to the other.
    let defined = client.at("textDocument/definition", &b, (1, 13));
    assert_eq!(defined[0]["uri"], a.as_str());
    let position = json!({ "line": 1, "character": 13 });
    let edit = client.ask(
        "textDocument/rename",
        json!({
            "textDocument": { "uri": b }, "position": position, "newName": "share",
        }),
    );
    assert_eq!(edit["result"]["changes"].as_object().unwrap().len(), 2, "{edit}");
    // A name that perq.toml sets.
    let refused = client.ask(
        "textDocument/rename",
        json!({
            "textDocument": { "uri": a }, "position": { "line": 2, "character": 7 }, "newName": "other",
        }),
    );
    assert!(refused["error"]["message"].as_str().unwrap().contains("perq.toml"), "{refused}");
    // Closed without being saved: what is on the disk counts again.
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": a } }));
    assert_eq!(names(&client.wrong(&b)), ["unknown-name"]);
    // Another tool writes the file.
    fs::write(folder.join("a.rule"), format!("{head}param rate: percent = 5%\n")).unwrap();
    client.tell("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    assert!(client.wrong(&b).is_empty());
    client.end();
    let _ = fs::remove_dir_all(folder);
}

fn no_text() {
    let folder = scratch("lsp-no-text");
    fs::write(folder.join("perq.toml"), "").unwrap();
    fs::write(folder.join("bad.rule"), b"language 1\n\xff\xfe").unwrap();
    let good = folder.join("good.rule");
    let text = "language 1\nprogram p { currency EUR zone \"Europe/Berlin\" rounding half_up }\n";
    fs::write(&good, text).unwrap();
    let mut client = Client::initialized();
    client.open(&address(&good), text);
    let wrong = client.wrong(&address(&folder.join("bad.rule")));
    assert_eq!(names(&wrong), ["invalid-utf8"]);
    fs::write(folder.join("perq.toml"), "[nothing]\n").unwrap();
    client.tell("textDocument/didSave", json!({ "textDocument": { "uri": address(&good) } }));
    let wrong = client.wrong(&address(&folder.join("perq.toml")));
    assert_eq!(wrong.len(), 1);
    client.end();
    let _ = fs::remove_dir_all(folder);
}

fn lints() {
    let folder = scratch("lsp-lints");
    fs::write(folder.join("perq.toml"), "[lint]\nunused-param = \"deny\"\n").unwrap();
    let path = folder.join("a.rule");
    let text = "language 1\nprogram p { currency EUR zone \"Europe/Berlin\" rounding half_up }\n\
        param idle: percent = 5%\nsegment s \"S\" = member known and not not member.joined known\n";
    fs::write(&path, text).unwrap();
    let mut client = Client::initialized();
    let uri = address(&path);
    client.open(&uri, text);
    let said = client.said_of(&uri);
    assert!(names(&said).contains(&"double-negation") && names(&said).contains(&"unused-param"), "{said:?}");
    let severity = |name: &str| said.iter().find(|found| found["code"] == name).unwrap()["severity"].clone();
    // By perq.toml, and as it is without.
    assert_eq!((severity("unused-param"), severity("double-negation")), (json!(1), json!(2)));
    let found = said.iter().find(|found| found["code"] == "double-negation").unwrap();
    let actions = client.ask(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": found["range"], "context": { "diagnostics": [] } }),
    );
    let mended = apply(text, &actions["result"][0]["edit"]["changes"][uri.as_str()]);
    assert!(mended.contains("member known and member.joined known"), "{mended}");
    client.end();
    let _ = fs::remove_dir_all(folder);
}

const HINTED: &str = r#"language 1
program p { currency EUR zone "Europe/Berlin" rounding half_up }
account club { unit points decimals 0 round down per basket worth 100 points = 1 EUR }
param rate: percent = 10%
group prices "Prices" { kind line_discount displace best for member per line on_price original on purchase }
rule tea "Tea" in group prices {
  then discount rate on lines where line in sku "TEA"
}
group base "Base" { kind earn displace none on purchase when member known }
rule spend "Spend" in group base { then award 100% of basket.paid as points }
rule large "Large" in group base { when basket.paid >= 100 EUR then award 5 points }
"#;

fn hint_lines(answer: &Value) -> Vec<(u64, String)> {
    let hints = answer["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
    hints
        .iter()
        .map(|hint| (hint["position"]["line"].as_u64().unwrap(), hint["label"].as_str().unwrap().to_owned()))
        .collect()
}

fn hints() {
    let folder = scratch("lsp-hints");
    fs::write(folder.join("perq.toml"), "[events]\nsamples = \"samples.ndjson\"\n").unwrap();
    let receipt = |id: u32, member: &str, sku: &str, price: &str| {
        format!(
            "{{\"id\":\"{id}\",\"kind\":\"purchase\",\"at\":\"2026-03-0{id}T10:00:00\"{member},\
             \"lines\":[{{\"sku\":\"{sku}\",\"pieces\":2,\"price\":\"{price}\"}}]}}\n"
        )
    };
    let known = ",\"member\":\"m1\"";
    let samples = [
        receipt(1, known, "TEA", "4.00"),
        receipt(2, known, "MUG", "10.00"),
        receipt(3, "", "TEA", "1.50"),
        receipt(4, "", "TEA", "1,50"),
    ];
    fs::write(folder.join("samples.ndjson"), samples.concat()).unwrap();
    let path = folder.join("a.rule");
    fs::write(&path, HINTED).unwrap();
    let mut client = Client::initialized();
    let uri = address(&path);
    client.open(&uri, HINTED);
    assert_eq!(client.wrong(&uri), Vec::<Value>::new());
    let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let ask = |range: &Value| json!({ "textDocument": { "uri": uri }, "range": range });
    let answer = client.ask("textDocument/inlayHint", ask(&all));
    // 10 % of 8.00 and of 3.00; what is left of the two receipts with a member is 7.20 and 20.00, a hundred points a euro.
    let expected = [
        (5, "gives on 2 of 3 samples: -1.10 EUR".to_owned()),
        (9, "gives on 2 of 3 samples: 2 720 points".to_owned()),
        (10, "gives nothing on 3 samples".to_owned()),
    ];
    assert_eq!(hint_lines(&answer), expected);
    // Behind the rule's first line, with the receipts by name.
    let line = HINTED.lines().nth(5).unwrap();
    assert_eq!(answer["result"][0]["position"]["character"], line.chars().count());
    assert_eq!(answer["result"][0]["tooltip"]["value"], "- 1\n- 3\n\n1 cannot be read");
    let some = json!({ "start": { "line": 8, "character": 0 }, "end": { "line": 9, "character": 0 } });
    assert_eq!(hint_lines(&client.ask("textDocument/inlayHint", ask(&some))), expected[1..2]);

    // Without samples the tests are what is known.
    fs::write(folder.join("perq.toml"), "").unwrap();
    let tests = "test \"tea\" {\n  given purchase at 2026-03-02 10:15 { line { sku = \"TEA\", pieces = 1 pcs, price = 1.00 EUR } }\n  \
        expect discount 0.10 EUR\n}\n";
    client.tell("textDocument/didSave", json!({ "textDocument": { "uri": uri } }));
    let end = HINTED.lines().count();
    client.tell(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{
            "range": { "start": { "line": end, "character": 0 }, "end": { "line": end, "character": 0 } },
            "text": tests,
        }] }),
    );
    let answer = client.ask("textDocument/inlayHint", ask(&all));
    let expected = [
        (5, "gives in 1 test".to_owned()),
        (9, "gives nothing in any test".to_owned()),
        (10, "gives nothing in any test".to_owned()),
    ];
    assert_eq!(hint_lines(&answer), expected);
    client.end();
    let _ = fs::remove_dir_all(folder);
}

/// Hints are asked for and the text is changed before they can be there, again and again: each answer is a refusal, or what
/// the rules of the newest text give.
fn hints_of_now() {
    let folder = scratch("lsp-hints-of-now");
    fs::write(folder.join("perq.toml"), "[events]\nsamples = \"samples.ndjson\"\n").unwrap();
    let receipt = "{\"id\":\"1\",\"kind\":\"purchase\",\"at\":\"2026-03-01T10:00:00\",\
        \"lines\":[{\"sku\":\"TEA\",\"pieces\":1,\"price\":\"100.00\"}]}\n";
    fs::write(folder.join("samples.ndjson"), receipt).unwrap();
    let path = folder.join("a.rule");
    fs::write(&path, HINTED).unwrap();
    let mut client = Client::initialized();
    let uri = address(&path);
    client.open(&uri, HINTED);
    let (line, column) = place(HINTED, "10%");
    let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let mut asked: Vec<(u64, u64)> = Vec::new();
    for rate in 10..40_u64 {
        client.tell(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": rate }, "contentChanges": [{
                "range": {
                    "start": { "line": line, "character": column }, "end": { "line": line, "character": column + 2 },
                },
                "text": rate.to_string(),
            }] }),
        );
        client.next += 1;
        let id = client.next;
        client.send(&json!({
            "jsonrpc": "2.0", "id": id, "method": "textDocument/inlayHint",
            "params": { "textDocument": { "uri": uri }, "range": all },
        }));
        asked.push((id, rate));
        if rate % 7 == 0 {
            // Long enough for some of them to be there.
            std::thread::sleep(Duration::from_millis(30));
        }
    }
    let mut answered = 0;
    let last = asked.last().copied();
    for (id, rate) in asked {
        let answer = loop {
            let message = client.messages.recv_timeout(PATIENCE).expect("an answer");
            if message["id"] == id {
                break message;
            }
        };
        if answer.get("error").is_some() {
            assert_eq!(answer["error"]["code"], -32801, "{answer}");
            assert_ne!(last, Some((id, rate)), "the newest text is answered");
            continue;
        }
        let expected = format!("gives on 1 of 1 sample: -{rate}.00 EUR");
        assert_eq!(hint_lines(&answer)[0], (5, expected));
        answered += 1;
    }
    assert!(answered > 0);
    // One that is not wanted any more.
    client.next += 1;
    let id = client.next;
    client.tell(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": uri, "version": 99 }, "contentChanges": [{ "text": HINTED }] }),
    );
    client.send(&json!({
        "jsonrpc": "2.0", "id": id, "method": "textDocument/inlayHint",
        "params": { "textDocument": { "uri": uri }, "range": all },
    }));
    client.tell("$/cancelRequest", json!({ "id": id }));
    let answer = client.answer(&json!(id));
    assert!(answer["error"]["code"] == -32800 || answer.get("result").is_some(), "{answer}");
    client.end();
    let _ = fs::remove_dir_all(folder);
}

/// A programme of 2 500 rules in 251 files: what is wrong in the file that is typed in is said at once, what that does to the
/// others a moment later; and in the end what is said is what a session says that begins with these texts.
fn large() {
    let folder = scratch("lsp-large");
    fs::write(folder.join("perq.toml"), "[lint]\nstyle = \"allow\"\n").unwrap();
    let files = perq_tests::many::programme(2_500);
    assert!(files.iter().map(|file| file.text.len()).sum::<usize>() > 250_000);
    for file in &files {
        fs::write(folder.join(&file.path), &file.text).unwrap();
    }
    let mut client = Client::initialized();
    let shared = address(&folder.join("programme.rule"));
    let (of_rules, text) = (address(&folder.join("rules-00007.rule")), files[8].text.clone());
    assert_eq!(files[8].path, "rules-00007.rule");
    client.open(&of_rules, &text);
    assert_eq!(client.wrong(&of_rules), Vec::<Value>::new());
    let (line, column) = place(&text, "award");
    let mut version = 1;
    let mut change =
        |client: &mut Client, uri: &str, (line, column): (usize, usize), length: usize, new: &str| {
            version += 1;
            client.tell(
                "textDocument/didChange",
                json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [{
                "range": {
                    "start": { "line": line, "character": column },
                    "end": { "line": line, "character": column + length },
                },
                "text": new,
            }] }),
            );
            version
        };
    for _ in 0..5 {
        let typed = change(&mut client, &of_rules, (line, column), 0, "x");
        let said = loop {
            let message = client.messages.recv_timeout(PATIENCE).expect("diagnostics");
            let of_now =
                message["params"]["uri"] == of_rules.as_str() && message["params"]["version"] == typed;
            if of_now && message["params"]["diagnostics"][0]["severity"] == 1 {
                break message["params"]["diagnostics"].clone();
            }
        };
        let errors = said.as_array().unwrap().iter().filter(|found| found["severity"] == 1).count();
        assert!(errors >= 1, "{said}");
        // What is asked at once is answered of this file alone, with what the others declare.
        let (above, start) = place(&text, "in group ");
        let hover = client.at("textDocument/hover", &of_rules, (above, start + "in group ".len()));
        assert!(hover["contents"]["value"].as_str().is_some_and(|told| told.contains("group p")), "{hover}");
        let typed = change(&mut client, &of_rules, (line, column), 1, "");
        loop {
            let message = client.messages.recv_timeout(PATIENCE).expect("diagnostics");
            let of_now =
                message["params"]["uri"] == of_rules.as_str() && message["params"]["version"] == typed;
            let all = message["params"]["diagnostics"].as_array().cloned().unwrap_or_default();
            if of_now && all.iter().all(|found| found["severity"] != 1) {
                break;
            }
        }
    }
    // A level that rules of other files ask for is another word now.
    client.open(&shared, &files[0].text);
    let gold = place(&files[0].text, "gold");
    change(&mut client, &shared, gold, 4, "bold");
    let asking: BTreeSet<String> = files
        .iter()
        .filter(|file| file.text.contains("member.tier = gold"))
        .map(|file| address(&folder.join(&file.path)))
        .collect();
    let mut wrong: BTreeSet<String> = BTreeSet::new();
    while wrong != asking {
        let message = client.messages.recv_timeout(PATIENCE).expect("diagnostics");
        let all = message["params"]["diagnostics"].as_array().cloned().unwrap_or_default();
        if !all.is_empty() && all.iter().all(|found| found["code"] == "unknown-value") {
            wrong.insert(message["params"]["uri"].as_str().unwrap().to_owned());
        }
        assert!(wrong.is_subset(&asking), "{message}");
    }
    // Nothing of that is left when it is taken back.
    change(&mut client, &shared, gold, 4, "gold");
    while !wrong.is_empty() {
        let message = client.messages.recv_timeout(PATIENCE).expect("diagnostics");
        if message["params"]["diagnostics"]
            .as_array()
            .is_some_and(|all| all.iter().all(|one| one["severity"] == 2))
        {
            wrong.remove(message["params"]["uri"].as_str().unwrap());
        }
    }
    client.end();
    let _ = fs::remove_dir_all(folder);
}

fn examples() {
    let mut client = Client::initialized();
    for file in perq_tests::tracked()
        .into_iter()
        .filter(|path| path.starts_with("rules-examples/") && path.ends_with(".rule"))
    {
        let path: PathBuf = root().join(&file);
        let text = fs::read_to_string(&path).unwrap();
        let uri = address(&path);
        client.open(&uri, &text);
        let said = client.said_of(&uri);
        assert!(said.is_empty(), "{file}: {said:?}");
        client.said.clear();
        let tokens =
            client.ask("textDocument/semanticTokens/full", json!({ "textDocument": { "uri": uri } }));
        assert!(!tokens["result"]["data"].as_array().unwrap().is_empty(), "{file}");
    }
    client.end();
}

fn typing() {
    let mut client = Client::initialized();
    let uri = "untitled:a";
    client.open(uri, "");
    // Character by character, as fast as the stream takes it; each state but the last is broken in another way.
    let mut line = 0;
    let mut column = 0;
    for (version, character) in BROKEN.replace("payd", "paid").replace("when\n", "").chars().enumerate() {
        let place = json!({ "line": line, "character": column });
        client.tell(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": version + 2 }, "contentChanges": [
                { "range": { "start": place, "end": place }, "text": character.to_string() },
            ] }),
        );
        if character == '\n' {
            line += 1;
            column = 0;
        } else {
            column += character.len_utf16();
        }
    }
    let symbols = client.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }));
    assert_eq!(symbols["result"].as_array().unwrap().len(), 4);
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    let last = client.ask("textDocument/hover", json!({ "textDocument": { "uri": uri } }));
    assert!(last.get("error").is_none());
    client.end();
}
