//! The report as SARIF 2.1.0, which code scanning reads.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::io::{self, Write};

use partywall_core::api::Mode;
use partywall_core::rule_id::{Modes, RuleId};
use serde_json::{Map, Value, json};

use super::assessor::{Assessment, Violated, Warning};
use super::words::{exempted, mode_and_rule, mode_name, object};
use crate::manifests::{Fault, Location, Problem};
use crate::reference;

/// The folder in which the command runs, to which paths are relative.
const ROOT: &str = "%SRCROOT%";

/// Writes results as they come; notifications follow them.
pub(super) struct Sarif {
    modes: Modes,
    is_begun: bool,
    is_any_result: bool,
    notifications: Vec<Value>,
    is_successful: bool,
}

impl Sarif {
    /// Creates a report on rules that have these modes by default.
    pub(super) const fn new(modes: Modes) -> Self {
        Self { modes, is_begun: false, is_any_result: false, notifications: Vec::new(), is_successful: true }
    }

    pub(super) fn assessed(&mut self, assessment: &Assessment, out: &mut impl Write) -> io::Result<()> {
        self.begin(out)?;
        for violated in &assessment.violations {
            self.result(&result(assessment, violated), out)?;
        }
        for warning in &assessment.warnings {
            match &warning.field {
                Some(field) => self.result(&unknown_field(assessment, warning, field), out)?,
                None => {
                    let text = format!("{}: {}", object(assessment), warning.message);
                    let at = Some(warning.at);
                    let level = if warning.is_note { "note" } else { "warning" };
                    self.notifications.push(notification(level, &text, &assessment.file, at));
                }
            }
        }
        let at = Some(assessment.at);
        let note = |level, message: &str| {
            let text = format!("{}: {message}", object(assessment));
            notification(level, &text, &assessment.file, at)
        };
        if assessment.more > 0 {
            let message = format!("{} more violations are not listed", assessment.more);
            self.notifications.push(note("warning", &message));
        }
        self.notifications.extend(exempted(assessment).map(|exempted| note("note", &exempted)));
        Ok(())
    }

    pub(super) fn unassessed(&mut self, Problem { file, faults }: &Problem) {
        self.is_successful = false;
        let notifications =
            faults.iter().map(|Fault { at, message }| notification("error", message, file, *at));
        self.notifications.extend(notifications);
    }

    pub(super) fn finish(&mut self, exit_code: u8, out: &mut impl Write) -> io::Result<()> {
        self.begin(out)?;
        let invocation = json!({
            "executionSuccessful": self.is_successful,
            "exitCode": exit_code,
            "toolExecutionNotifications": self.notifications,
        });
        writeln!(out, "\n],\"invocations\":[{invocation}],\"columnKind\":\"unicodeCodePoints\"}}]}}")
    }

    /// Writes what stands before the results.
    fn begin(&mut self, out: &mut impl Write) -> io::Result<()> {
        if std::mem::replace(&mut self.is_begun, true) {
            return Ok(());
        }
        let rules = RuleId::ALL.into_iter().map(|rule| descriptor(rule, &self.modes));
        let rules = rules.chain([unknown_field_descriptor()]);
        let tool = json!({"driver": {
            "name": "partywall",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": rules.collect::<Vec<_>>(),
        }});
        let root = json!({ROOT: {"description": {"text": "The folder in which `partywall check` ran."}}});
        write!(
            out,
            "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[\
             {{\"tool\":{tool},\"originalUriBaseIds\":{root},\"results\":["
        )
    }

    fn result(&mut self, result: &Value, out: &mut impl Write) -> io::Result<()> {
        let comma = if std::mem::replace(&mut self.is_any_result, true) { "," } else { "" };
        write!(out, "{comma}\n{result}")
    }
}

fn descriptor(rule: RuleId, modes: &Modes) -> Value {
    let mode = modes.of(rule);
    let (help, address) = (reference::help(rule), reference::address(rule));
    let mut descriptor = json!({
        "id": rule.as_str(),
        "shortDescription": {"text": reference::sentence(rule.summary())},
        "fullDescription": {"text": rule.summary()},
        "helpUri": address,
        "help": {"text": format!("{help}\n\n{address}"), "markdown": format!("{help}\n\n[More]({address})")},
        "defaultConfiguration": {"enabled": mode != Mode::Off, "level": level(mode)},
        "properties": {"tags": ["kubernetes", "multi-tenancy", "security"]},
    });
    // The name of a single word would be the id, which the specification forbids.
    if let (Some(fields), true) = (descriptor.as_object_mut(), rule.as_str().contains('-')) {
        fields.insert("name".to_owned(), pascal_case(rule.as_str()).into());
    }
    descriptor
}

fn result(assessment: &Assessment, violated: &Violated) -> Value {
    let violation = &violated.violation;
    let object = object(assessment);
    let level = if violated.denies_pods { level(Mode::Deny) } else { level(violation.mode) };
    let message =
        format!("{object}: {}: {} ({}).", violation.field, violation.message, mode_and_rule(violated));
    let mut properties = Map::new();
    for (name, value) in [
        ("mode", Some(mode_name(violation.mode))),
        ("field", Some(violation.field.as_str())),
        ("control", violation.control),
        ("tenant", assessment.tenant.as_deref()),
    ] {
        properties.extend(value.map(|value| (name.to_owned(), Value::from(value))));
    }
    json!({
        "ruleId": violation.rule.as_str(),
        "ruleIndex": violation.rule as usize,
        "level": level,
        "message": {"text": message},
        "locations": [place(assessment, violated.at)],
        // The same when lines move.
        "partialFingerprints": {"objectAndField/v1": format!(
            "{} {} {object} {}", violation.rule, violation.control.unwrap_or_default(), violation.field,
        )},
        "properties": properties,
    })
}

/// The id of warnings about fields that don't exist, beside those of the rules.
const UNKNOWN_FIELD: &str = "unknown-field";

fn unknown_field_descriptor() -> Value {
    let text = "Kubernetes has no such field, so nothing that it says has any effect.";
    json!({
        "id": UNKNOWN_FIELD,
        "name": pascal_case(UNKNOWN_FIELD),
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": format!("{text} Most such fields are misspelt: write the name that the message says.")},
        "helpUri": "https://kubernetes.io/docs/reference/kubernetes-api/",
        "defaultConfiguration": {"level": "warning"},
    })
}

fn unknown_field(assessment: &Assessment, warning: &Warning, field: &str) -> Value {
    let object = object(assessment);
    json!({
        "ruleId": UNKNOWN_FIELD,
        "ruleIndex": RuleId::COUNT,
        "level": "warning",
        "message": {"text": format!("{object}: {field}: {}.", warning.message.trim_end_matches(['.', '?']))},
        "locations": [place(assessment, warning.at)],
        "partialFingerprints": {"objectAndField/v1": format!("{UNKNOWN_FIELD} {object} {field}")},
    })
}

fn place(assessment: &Assessment, at: Location) -> Value {
    json!({
        "physicalLocation": physical(&assessment.file, Some(at)),
        "logicalLocations": [{
            "name": assessment.name.as_deref().unwrap_or("(no name)"),
            "fullyQualifiedName": object(assessment),
            "kind": "resource",
        }],
    })
}

fn notification(level: &str, message: &str, file: &str, at: Option<Location>) -> Value {
    json!({
        "level": level,
        "message": {"text": format!("{}.", message.trim_end_matches('.'))},
        "locations": [{"physicalLocation": physical(file, at)}],
    })
}

const fn level(mode: Mode) -> &'static str {
    match mode {
        Mode::Deny => "error",
        Mode::Warn => "warning",
        Mode::Audit => "note",
        Mode::Off => "none",
    }
}

fn physical(file: &str, at: Option<Location>) -> Value {
    let artifact = artifact(file);
    match at {
        Some(Location { line, column }) => {
            json!({"artifactLocation": artifact, "region": {"startLine": line, "startColumn": column}})
        }
        None => json!({"artifactLocation": artifact}),
    }
}

fn artifact(file: &str) -> Value {
    match file {
        // A URI that is no file's.
        "-" => json!({"uri": "stdin"}),
        _ if file.starts_with('/') => json!({"uri": format!("file://{}", encoded(file))}),
        _ => json!({"uri": encoded(file.trim_start_matches("./")), "uriBaseId": ROOT}),
    }
}

/// Encodes a path for a URI.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `NodePlacement`.
fn pascal_case(id: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    };
    id.split('-').map(capital).collect()
}
