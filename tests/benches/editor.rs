//! From a keystroke to what is wrong: a change of one character in files of several sizes, as the language server takes it,
//! message in and messages out; and in one file of a folder with 10 000 rules in 1 001 files.
//!
//! `cargo bench -p perq-tests --bench editor` prints the table.

use perq_cli::lsp::{Server, serve};
use perq_tests::{many, scratch};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, PipeReader, Read, Write, pipe};
use std::time::{Duration, Instant};

/// A programme in one file of at least so many lines.
fn text(lines: usize) -> String {
    let mut rules = 10;
    loop {
        let files = many::programme(rules);
        let parts = files.iter().enumerate().map(|(at, file)| {
            if at == 0 { file.text.clone() } else { file.text.replacen("language 1\n", "", 1) }
        });
        let text: String = parts.collect();
        if text.lines().count() >= lines {
            return text;
        }
        rules += 10;
    }
}

fn main() {
    println!("keystroke to diagnostics (milliseconds, best, median and worst of 60)\n");
    println!(
        "{:>8} {:>10} {:>12} {:>12} {:>12} {:>14} {:>14}",
        "lines", "bytes", "diagnostics", "median", "worst", "completion", "rename"
    );
    for lines in [200, 2_000, 10_000] {
        let text = text(lines);
        let mut server = Server::default();
        server.handle(json!({ "id": 1, "method": "initialize", "params": {} }));
        let uri = "untitled:a";
        server.handle(json!({ "method": "textDocument/didOpen", "params": { "textDocument": {
            "uri": uri, "version": 1, "languageId": "perq", "text": text,
        } } }));
        assert_eq!(wrong(&server.rest()), 0, "the text is clean");
        let line = text.lines().position(|line| line.contains("award")).unwrap_or(0);
        let end = text.lines().nth(line).map_or(0, str::len);
        let mut times = Vec::new();
        for turn in 0..60 {
            // A sign that makes the rule wrong, and its removal.
            let (from, to, typed) = if turn % 2 == 0 { (end, end, "+") } else { (end, end + 1, "") };
            let message = json!({ "method": "textDocument/didChange", "params": {
                "textDocument": { "uri": uri, "version": turn + 2 },
                "contentChanges": [{ "range": {
                    "start": { "line": line, "character": from }, "end": { "line": line, "character": to },
                }, "text": typed }],
            } })
            .to_string();
            let start = Instant::now();
            let message: Value = serde_json::from_str(&message).unwrap_or_default();
            server.handle(message);
            let said = server.rest();
            let written: usize = said.iter().map(|message| message.to_string().len()).sum();
            times.push(start.elapsed());
            assert!(written > 0);
            assert_eq!(wrong(&said) > 0, turn % 2 == 0, "turn {turn}: {said:?}");
        }
        times.sort();
        let mut ask = |method: &str, extra: &str| {
            let mut params = json!({
                "textDocument": { "uri": uri },
                "position": { "line": line, "character": 5 },
            });
            if !extra.is_empty() {
                params["newName"] = json!(extra);
                params["position"] = json!({ "line": 2, "character": 9 });
            }
            let mut least = Duration::MAX;
            for _ in 0..5 {
                let start = Instant::now();
                let answer = server.handle(json!({ "id": 2, "method": method, "params": params }));
                least = least.min(start.elapsed());
                assert!(answer.iter().any(|answer| answer.get("result").is_some()), "{answer:?}");
            }
            least
        };
        let completion = ask("textDocument/completion", "");
        let rename = ask("textDocument/rename", "stars");
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{:>8} {:>10} {:>12.1} {:>12.1} {:>12.1} {:>14.1} {:>14.1}",
            text.lines().count(),
            text.len(),
            ms(times[0]),
            ms(times[times.len() / 2]),
            ms(times[times.len() - 1]),
            ms(completion),
            ms(rename),
        );
    }
    in_a_folder();
}

/// One file of a large folder is typed in, faster than the whole is looked at.
fn in_a_folder() {
    let folder = scratch("bench-editor");
    std::fs::write(folder.join("perq.toml"), "").expect("a file");
    let files = many::programme(10_000);
    for file in &files {
        std::fs::write(folder.join(&file.path), &file.text).expect("a file");
    }
    let (file, count) = (&files[500], files.len());
    let (server_in, mut to_server) = pipe().expect("a pipe");
    let (from_server, mut server_out) = pipe().expect("a pipe");
    let running = std::thread::spawn(move || serve(Box::new(server_in), &mut server_out));
    let mut from_server = BufReader::new(from_server);
    let mut send = |message: Value| {
        let body = message.to_string();
        write!(to_server, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    };
    let uri = format!("file://{}", folder.join(&file.path).display());
    send(json!({ "id": 1, "method": "initialize", "params": {} }));
    send(json!({ "method": "textDocument/didOpen", "params": { "textDocument": {
        "uri": uri, "version": 1, "languageId": "perq", "text": file.text,
    } } }));
    while !says_of(&next(&mut from_server), &uri, 1) {}
    let line = file.text.lines().position(|line| line.contains("then ")).unwrap_or(0);
    let end = file.text.lines().nth(line).map_or(0, str::len);
    let mut times = Vec::new();
    for turn in 0..60_u64 {
        let (from, to, typed) = if turn % 2 == 0 { (end, end, "+") } else { (end, end + 1, "") };
        let start = Instant::now();
        send(json!({ "method": "textDocument/didChange", "params": {
            "textDocument": { "uri": uri, "version": turn + 2 },
            "contentChanges": [{ "range": {
                "start": { "line": line, "character": from }, "end": { "line": line, "character": to },
            }, "text": typed }],
        } }));
        while !says_of(&next(&mut from_server), &uri, turn + 2) {}
        times.push(start.elapsed());
    }
    // A character, and at once what could stand there: nothing of the programme is known by then.
    let mut completions = Vec::new();
    for turn in 0..20_u64 {
        let start = Instant::now();
        send(json!({ "method": "textDocument/didChange", "params": {
            "textDocument": { "uri": uri, "version": turn + 100 },
            "contentChanges": [{ "range": {
                "start": { "line": line, "character": end }, "end": { "line": line, "character": end },
            }, "text": " " }],
        } }));
        send(json!({ "id": turn + 10, "method": "textDocument/completion", "params": {
            "textDocument": { "uri": uri }, "position": { "line": line, "character": 5 },
        } }));
        while next(&mut from_server)["id"] != turn + 10 {}
        completions.push(start.elapsed());
    }
    completions.sort();
    send(json!({ "id": 2, "method": "shutdown" }));
    send(json!({ "method": "exit" }));
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let [best, median, worst] = [times[0], times[times.len() / 2], times[times.len() - 1]].map(ms);
    println!("\n10 000 rules in {count} files, typed in one: {best:.1}, {median:.1}, {worst:.1}");
    let [best, median, worst] =
        [completions[0], completions[completions.len() / 2], completions[completions.len() - 1]].map(ms);
    println!("and asked at once what could stand there: {best:.1}, {median:.1}, {worst:.1}");
    // What it still says fills the pipe otherwise.
    std::thread::spawn(move || std::io::copy(&mut from_server, &mut std::io::sink()));
    let _ = running.join();
    let _ = std::fs::remove_dir_all(folder);
}

fn next(input: &mut BufReader<PipeReader>) -> Value {
    let mut length = 0;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).expect("a header");
        match line.trim().strip_prefix("Content-Length: ") {
            Some(bytes) => length = bytes.parse().expect("a length"),
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).expect("a message");
    serde_json::from_slice(&body).expect("JSON")
}

fn says_of(message: &Value, uri: &str, version: u64) -> bool {
    message["method"] == "textDocument/publishDiagnostics"
        && message["params"]["uri"] == uri
        && message["params"]["version"] == version
}

/// How many errors were said.
fn wrong(said: &[Value]) -> usize {
    let all = said.iter().filter_map(|message| message.pointer("/params/diagnostics")?.as_array());
    all.flatten().filter(|found| found["severity"] == 1).count()
}
