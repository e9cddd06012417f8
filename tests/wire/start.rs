//! Starts of the program: ones that fail, as the operator sees them, and what one that serves consists of.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Starts the program; its exit code and what it wrote to stderr.
fn serve(format: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_partywall"))
        .args(["serve", "--policies", "/nonexistent", "--log-format", format])
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_fatal_error_is_a_line_of_the_log_for_collectors() {
    let (code, stderr) = serve("json");
    assert_eq!(code, Some(2));
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!((&last["level"], &last["message"]), (&"ERROR".into(), &"cannot serve".into()));
    assert!(last["error"].as_str().unwrap().contains("`/nonexistent` cannot be read"), "{last}");
}

#[test]
fn a_fatal_error_is_plain_text_for_people() {
    let (code, stderr) = serve("text");
    assert_eq!(code, Some(2));
    // Below the log's first line.
    let (_, error) = stderr.split_once('\n').unwrap();
    assert!(error.starts_with("error: the policies cannot be used:\n`/nonexistent` cannot"), "{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_reads_files_steps_back_behind_what_serves_connections() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_partywall"))
        .args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--log-format", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let serving = log.lines().any(|line| line.unwrap().contains(r#""message":"serving""#));
    let threads = threads(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(serving);
    // One that only starts may not have stepped back yet, but one has read the policies.
    let own = threads.iter().find(|(name, _)| name == "partywall").map(|(_, nice)| *nice).unwrap();
    assert!(threads.contains(&("tokio-rt-worker".to_owned(), (own + 10).min(19))), "{threads:?}");
}

/// The threads of a process, and how nice they are.
#[cfg(target_os = "linux")]
fn threads(process: u32) -> Vec<(String, i32)> {
    let folders = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let stats = folders.map(|folder| std::fs::read_to_string(folder.unwrap().path().join("stat")).unwrap());
    // `1 (name) state ...`, of which niceness is the nineteenth (proc_pid_stat(5)).
    let thread = |stat: String| {
        let (name, rest) = stat.split_once(" (").unwrap().1.rsplit_once(") ").unwrap();
        (name.to_owned(), rest.split_whitespace().nth(16).unwrap().parse().unwrap())
    };
    stats.map(thread).collect()
}
