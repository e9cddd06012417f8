//! The report as one JSON object a line, whose fields are stable.

use std::io::{self, Write};

use json_patch::Patch;
use partywall_core::api::Mode;
use partywall_core::verdict::Violation;
use serde::Serialize;
use serde_json::Value;

use super::assessor::{Assessment, Violated, Warning};

pub(super) fn line(assessment: &Assessment, show_stamped: bool, out: &mut impl Write) -> io::Result<()> {
    let line = Line {
        source: &assessment.source,
        file: &assessment.file,
        line: assessment.at.line,
        column: assessment.at.column,
        kind: &assessment.kind,
        namespace: assessment.namespace.as_deref(),
        name: assessment.name.as_deref(),
        tenant: assessment.tenant.as_deref(),
        allowed: assessment.allowed,
        pods_allowed: assessment.pods_allowed,
        patch: &assessment.patch,
        violations: assessment.violations.iter().map(LineViolation::of).collect(),
        warnings: assessment.warnings.iter().map(LineWarning::of).collect(),
        more: assessment.more,
        exempted: &assessment.exempted,
        stamped: show_stamped.then_some(&assessment.stamped),
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'j> {
    source: &'j str,
    file: &'j str,
    /// The place of the object in its file.
    line: u64,
    column: u64,
    kind: &'j str,
    namespace: Option<&'j str>,
    name: Option<&'j str>,
    tenant: Option<&'j str>,
    allowed: bool,
    /// Whether the pods of a template would be allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pods_allowed: Option<bool>,
    patch: &'j Patch,
    violations: Vec<LineViolation<'j>>,
    /// What concerns no rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<LineWarning<'j>>,
    /// How many more violations there are.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
    /// The Exemptions without which there would be more.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    exempted: &'j [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    stamped: Option<&'j Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct LineWarning<'j> {
    line: u64,
    column: u64,
    /// The field that doesn't exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'j str>,
    message: &'j str,
}

impl<'j> LineWarning<'j> {
    fn of(Warning { at, field, message, .. }: &'j Warning) -> Self {
        Self { line: at.line, column: at.column, field: field.as_deref(), message }
    }
}

#[derive(Serialize)]
struct LineViolation<'j> {
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<&'static str>,
    mode: Mode,
    line: u64,
    column: u64,
    field: &'j str,
    message: &'j str,
}

impl<'j> LineViolation<'j> {
    fn of(violated: &'j Violated) -> Self {
        let Violated { violation, at, .. } = violated;
        let Violation { rule, control, mode, field, message, .. } = violation;
        Self {
            rule: rule.as_str(),
            control: *control,
            mode: *mode,
            line: at.line,
            column: at.column,
            field,
            message,
        }
    }
}
