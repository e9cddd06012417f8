//! `docs/MESSAGES.md`: what messages mean and what to do, from the messages to the fixtures and to broken files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use partywall_core::rule_id::RuleId;

use crate::reference::{self, Field};
use crate::{keep, links, rules};

/// What stands above the tables: where a message is seen.
const HEAD: &str = "\
# Messages

Find the message here, or what you see instead of one. Words in `backquotes` are examples. `partywall check FILE`
shows all messages to an object before it is sent, and `partywall explain PATH` says what a field means.

Generated from the messages to the fixtures: `UPDATE_DOCS=1 cargo test --test docs`.

## What you see

| symptom | cause | cure |
|---|---|---|
| `admission webhook \"…\" denied the request: tenant …` | the object violates a rule. Each line names the \
    field, and the rule at its end | [what the line says](#denied-by-a-rule) |
| `Warning: tenant …` on a Deployment, Job or other template | the template is stored, but its pods will be \
    denied for the same reason | correct the template, as for a denial |
| a Deployment has no pods, and its ReplicaSet the event `FailedCreate` | its pods are denied; the event has \
    the message | correct the template |
| a pod stays `Pending` with `FailedScheduling` | it is confined to its tenant's pools, and no node there has \
    room or meets its demands | `kubectl describe pod` says which demand; add nodes, or change the demand |
| `failed calling webhook \"…partywall.dev\"` | partywall does not answer | [When partywall stops the \
    cluster](BREAK-GLASS.md) |
| `Warning: partywall did not judge this request` | partywall had too much to do, or could not decide; the \
    request was one that goes on anyway | nothing; if it lasts, look at partywall's log |
| `error: FILE:LINE:COLUMN: …` from `partywall check` | the file cannot be read | [what the line \
    says](#files-that-cannot-be-read) |
| the server logs that policies are refused, and keeps the last good ones | the files have mistakes | [what the \
    line says](#mistakes-in-policies) |
";

/// The messages to all fixtures that are denied; `tests/core/fixtures.rs` tests them.
const MESSAGES: &str = "tests/core/snapshots/core__fixtures__messages.snap";

/// Files that cannot be read: the cause, and the file.
const UNREADABLE: [(&str, &str); 11] = [
    ("two objects without `---` between them", "kind: Pod\nspec: {}\nkind: Pod\n"),
    ("a key is repeated", "metadata:\n  name: a\n  name: b\n"),
    ("the text is a template", "kind: Pod\nspec: {{ .Values.spec }}\n"),
    ("a quote is not closed", "a: \"open\nb: 1\n"),
    ("a tab", "a:\n\tb: 1\n"),
    ("a bracket is not closed", "a: [1, 2\nb: 3\n"),
    ("a text with a colon in it", "a: b: c\n"),
    ("an anchor of another document", "---\nb: *x\n"),
    ("a list of objects", "[{\"kind\": \"Pod\"}]\n"),
    ("no manifest", "just words\n"),
    ("no kind", "apiVersion: v1\nmetadata: {name: a}\n"),
];

/// Policies with mistakes: the cause, the kind and the spec.
const MISTAKEN: [(&str, &str, &str); 7] = [
    ("a field is misspelt", "Tenant", "{namespaces: [team], domain: [team.example.com]}"),
    ("a tenant owns no namespace", "Tenant", "{namespaces: []}"),
    ("a pattern where an exact name belongs", "Tenant", "{namespaces: [\"team-*\"]}"),
    ("a domain that is none", "Tenant", "{namespaces: [team], domains: [\"*\"]}"),
    ("a rule that does not exist", "Tenant", "{namespaces: [team], rules: {toleration: deny}}"),
    ("a word in capital letters", "Tenant", "{namespaces: [team], rules: {tolerations: Deny}}"),
    ("a number where a text belongs", "NodePool", "{nodeSelector: {pool: 7}}"),
];

/// A denial: the field, what is wrong, and what to do.
struct Denial<'m> {
    fixture: &'m str,
    field: &'m str,
    problem: &'m str,
    cure: &'m str,
}

/// The denials by a rule, without those that differ only in names.
fn denials<'m>(rule: RuleId, messages: &'m str) -> Vec<Denial<'m>> {
    let (start, end) = (format!("{rule}/deny/"), format!(" (rule {rule})"));
    let mut fixture = "";
    let mut seen = BTreeSet::new();
    let mut denials = Vec::new();
    for line in messages.lines() {
        let Some(message) = line.strip_prefix("  ") else {
            fixture = line.strip_prefix(&start).unwrap_or_default();
            continue;
        };
        let Some(message) = message.strip_suffix(&end).filter(|_| !fixture.is_empty()) else { continue };
        let Some((field, text)) = message
            .splitn(3, ": ")
            .skip(1)
            .collect::<Vec<_>>()
            .try_into()
            .ok()
            .map(|[a, b]: [&str; 2]| (a, b))
        else {
            continue;
        };
        let (problem, cure) = divide(text);
        if seen.insert(without_names(problem)) {
            denials.push(Denial { fixture, field, problem, cure });
        }
    }
    denials
}

/// The text without what stands in backquotes.
fn without_names(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The field without indices, and without the name of an annotation.
fn general(field: &str) -> String {
    let mut general = String::new();
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((inside, after)) = after.split_once(']') else { break };
        let inside = if inside.bytes().all(|byte| byte.is_ascii_digit()) { "" } else { inside };
        write!(general, "{before}[{inside}]").unwrap();
        rest = after;
    }
    general + rest
}

/// The reason in the name of a fixture: `f1-load-balancer` is `load balancer`.
fn reason(fixture: &str) -> String {
    let is_row = |word: &&str| {
        let (letter, digits) = word.split_at(1);
        letter.bytes().all(|byte| byte.is_ascii_lowercase())
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    fixture.split('-').skip_while(is_row).collect::<Vec<_>>().join(" ")
}

/// Links to the fields of Tenants and Settings that a cure names.
fn settings(cure: &str, fields: &[Field]) -> String {
    let mut found = BTreeSet::new();
    for (words, object) in [("tenant's `", "Tenant"), ("Settings (`", "Settings")] {
        for rest in cure.split(words).skip(1) {
            let name = rest.split('`').next().unwrap();
            let path = format!("{object}.spec.{name}");
            found.extend(fields.iter().filter(|field| field.path == path).map(|field| field.path.clone()));
        }
    }
    let link = |path: &String| format!("[{path}](../policies/REFERENCE.md#{})", links::slug(path));
    found.iter().map(link).collect::<Vec<_>>().join(", ")
}

/// The text of a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// What `partywall check` says of a text.
fn told(text: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_partywall"))
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let line = stderr.lines().find_map(|line| line.strip_prefix("error: -:"));
    line.unwrap_or_else(|| panic!("no error: {stderr}\n{text}")).to_owned()
}

/// The message without its place, as what is wrong and what to do.
fn problem_and_cure(message: &str) -> (String, String) {
    let text = message.splitn(3, [':', ' ']).nth(2).unwrap().trim_start();
    let (problem, cure) = divide(text);
    (cell(problem), cell(cure))
}

/// Divides a message into what is wrong and what to do, at the first `; ` that is not part of a value in backquotes.
fn divide(text: &str) -> (&str, &str) {
    let ends = text.match_indices("; ").map(|(end, _)| (&text[..end], &text[end + 2..]));
    let mut ends = ends.filter(|(problem, _)| problem.matches('`').count() % 2 == 0);
    ends.next().unwrap_or((text, "write what it says"))
}

fn page() -> String {
    let fields = reference::fields();
    let messages = rules::read(MESSAGES);
    let mut page = HEAD.to_owned();
    page.push_str("\n## Denied by a rule\n");
    for rule in RuleId::ALL {
        let denials = denials(rule, &messages);
        assert!(!denials.is_empty(), "{MESSAGES} has no message of {rule}");
        write!(
            page,
            "\n### {rule}\n\n{} [More](rules/{rule}.md)\n\n\
             | the message says | cause | cure | setting |\n|---|---|---|---|\n",
            rule.summary()
        )
        .unwrap();
        for Denial { fixture, field, problem, cure } in denials {
            writeln!(
                page,
                "| `{}`: {} | [{}](../tests/fixtures/rules/{rule}/deny/{fixture}.yaml) | {} | {} |",
                cell(&general(field)),
                cell(problem),
                reason(fixture),
                cell(cure),
                settings(&format!("{problem}; {cure}"), &fields),
            )
            .unwrap();
        }
    }
    page.push_str("\n## Files that cannot be read\n\n| the message says | cause | cure |\n|---|---|---|\n");
    for (cause, text) in UNREADABLE {
        let (problem, cure) = problem_and_cure(&told(text));
        writeln!(page, "| {problem} | {cause} | {cure} |").unwrap();
    }
    page.push_str(
        "\n## Mistakes in policies\n\nA mistake names the file, the line, the object and the field.\n\n\
         | the message says | cause | cure |\n|---|---|---|\n",
    );
    for (cause, kind, spec) in MISTAKEN {
        let text = format!(
            "apiVersion: partywall.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"
        );
        let (problem, cure) = problem_and_cure(&told(&text));
        writeln!(page, "| {problem} | {cause} | {cure} |").unwrap();
    }
    page
}

#[test]
fn the_page_of_messages_has_those_that_there_are() {
    keep("docs/MESSAGES.md", &page());
}
