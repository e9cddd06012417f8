//! A start that fails, as the operator sees it.

use std::process::Command;

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
    assert!(stderr.starts_with("error: the policies cannot be used:\n`/nonexistent` cannot"), "{stderr}");
}
