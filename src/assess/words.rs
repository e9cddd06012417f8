//! The words that several reports have in common.

use partywall_core::api::Mode;

use super::assessor::{Assessment, Violated, Warning};

/// `Pod tenants-x/web`.
pub(super) fn object(assessment: &Assessment) -> String {
    let Assessment { kind, namespace, name, .. } = assessment;
    let name = name.as_deref().unwrap_or("(no name)");
    let place = namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    printable(&format!("{kind} {place}{name}"))
}

/// Names the Exemptions that an object uses.
pub(super) fn exempted(assessment: &Assessment) -> Option<String> {
    let names: Vec<_> = assessment.exempted.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| printable(&format!("allowed in part by Exemption {}", names.join(", "))))
}

/// `rule pod-security, control privileged`, with the mode where the request is not denied.
pub(super) fn mode_and_rule(violated: &Violated) -> String {
    let Violated { violation, denies_pods, .. } = violated;
    let control = violation.control.map(|control| format!(", control {control}")).unwrap_or_default();
    let mode = match violation.mode {
        Mode::Deny => String::new(),
        Mode::Warn if *denies_pods => "warn, and its pods would be denied: ".to_owned(),
        mode @ (Mode::Warn | Mode::Audit | Mode::Off) => format!("{}: ", mode_name(mode)),
    };
    format!("{mode}rule {}{control}", violation.rule)
}

pub(super) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Deny => "deny",
        Mode::Warn => "warn",
        Mode::Audit => "audit",
        Mode::Off => "off",
    }
}

/// The text of a warning, with its field.
pub(super) fn warning(warning: &Warning) -> String {
    match &warning.field {
        Some(field) => format!("{field}: {}", warning.message),
        None => warning.message.clone(),
    }
}

/// Replaces control characters, with which a manifest could forge lines, colours and comments.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}
