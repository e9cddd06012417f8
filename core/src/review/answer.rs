//! Encodes the AdmissionReview that answers a request.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::api::Mode;
use crate::rule_id::RuleId;
use crate::verdict::{Denial, Line, Placement, Total, Verdict, Violation};

/// Limits the bytes of the message; the causes list all reported violations.
const MESSAGE: usize = 1024;
/// Limits the number of warnings; the API server passes on 4,096 characters of warnings per request.
const WARNINGS: usize = 10;
/// Limits the length of a warning; the API server may cut longer ones.
const WARNING: usize = 256;

/// Begins every answer, up to its uid.
const START: &[u8] = br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"#;

/// Returns the answer to the request with this uid, as JSON.
///
/// The function writes the constant parts and the base64 as they are, since serde would search every byte for
/// characters to escape. It encodes all other values with serde.
pub fn encode(uid: &str, verdict: &Verdict) -> Vec<u8> {
    let patch = verdict.patch.as_ref().map_or(&[][..], |patch| patch.as_json());
    let mut body = Vec::with_capacity(256 + patch.len() * 4 / 3);
    body.extend_from_slice(START);
    push(&mut body, uid);
    body.extend_from_slice(if verdict.is_allowed() { br#","allowed":true"# } else { br#","allowed":false"# });
    if let Some(denial) = &verdict.denial {
        body.extend_from_slice(br#","status":"#);
        push(&mut body, &status(denial, verdict));
    }
    if verdict.patch.is_some() {
        body.extend_from_slice(br#","patchType":"JSONPatch","patch":""#);
        push_base64(&mut body, patch);
        body.push(b'"');
    }
    let warnings = warnings(verdict);
    if !warnings.is_empty() {
        body.extend_from_slice(br#","warnings":"#);
        push(&mut body, &warnings);
    }
    if let Some(annotations) = annotations(verdict) {
        body.extend_from_slice(br#","auditAnnotations":"#);
        push(&mut body, &annotations);
    }
    body.extend_from_slice(b"}}");
    body
}

fn push<T: Serialize + ?Sized>(body: &mut Vec<u8>, value: &T) {
    // INVARIANT: writing strings, numbers and lists into memory cannot fail.
    let written = serde_json::to_writer(body, value);
    debug_assert!(written.is_ok());
}

fn push_base64(body: &mut Vec<u8>, bytes: &[u8]) {
    let start = body.len();
    body.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // INVARIANT: base64 takes exactly the reserved length.
    let written = STANDARD.encode_slice(bytes, body.get_mut(start..).unwrap_or_default());
    debug_assert_eq!(written.ok(), Some(body.len() - start));
}

#[derive(Serialize)]
struct Status<'v> {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'v>>,
}

#[derive(Serialize)]
struct Details<'v> {
    causes: Vec<Cause<'v>>,
}

#[derive(Serialize)]
struct Cause<'v> {
    reason: &'static str,
    field: &'v str,
    message: &'v str,
}

/// Holds the audit annotations.
///
/// The keys have no prefix: the API server adds the webhook's name to them.
#[derive(Serialize)]
struct Annotations {
    #[serde(skip_serializing_if = "String::is_empty")]
    violations: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    exempted: String,
    /// The pools that the pod would go to.
    #[serde(skip_serializing_if = "String::is_empty")]
    placement: String,
    /// Why the request was not judged.
    #[serde(skip_serializing_if = "String::is_empty")]
    unjudged: String,
}

fn status<'v>(denial: &Denial, verdict: &'v Verdict) -> Status<'v> {
    match denial {
        Denial::Undecidable(why, explanation) => Status {
            status: "Failure",
            code: why.code(),
            reason: why.reason(),
            message: explanation.message.clone(),
            details: None,
        },
        Denial::Forbidden => {
            let denying = || verdict.violations.iter().filter(|violation| violation.mode == Mode::Deny);
            let causes = denying()
                .map(|v| Cause { reason: v.rule.as_str(), field: &v.field, message: &v.message })
                .collect();
            Status {
                status: "Failure",
                code: 403,
                reason: "Forbidden",
                message: message(verdict),
                details: Some(Details { causes }),
            }
        }
    }
}

/// Returns a message with one violation or control per line, up to the limit, and the number of the others.
fn message(verdict: &Verdict) -> String {
    let mut message = String::new();
    let mut shown = 0;
    for of_line in verdict.lines(Mode::Deny) {
        let Violation { rule, field, .. } = of_line.first;
        let line = format!("{}: {field}: {} (rule {rule})", verdict.whose, of_line.message());
        if !message.is_empty() && message.len() + line.len() > MESSAGE {
            break;
        }
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(&line);
        shown += of_line.violations();
    }
    let left_out = total(verdict, Mode::Deny).saturating_sub(shown);
    if left_out > 0 {
        // INVARIANT: writing to a String cannot fail.
        let _ = write!(message, "\nand {left_out} more");
    }
    message
}

/// Returns the warnings.
///
/// The API server drops a warning that contains a control character, and cuts all warnings if they are too long.
fn warnings(verdict: &Verdict) -> Vec<String> {
    let mut warnings: Vec<String> =
        verdict.warnings.iter().take(WARNINGS).map(|warning| cut(warning, "")).collect();
    if let Some(unjudged) = verdict.unjudged.as_ref().filter(|unjudged| unjudged.warns) {
        warnings.push(cut(&format!("partywall did not judge this request: {}", unjudged.message), ""));
    }
    if let Some(Placement { pools, .. }) = verdict.placement.as_ref().filter(|of| of.mode == Mode::Warn) {
        let end = format!(" (rule {})", RuleId::NodePlacement);
        warnings.push(cut(
            &format!("{}: would go to pool `{pools}`, but nothing is stamped yet", verdict.whose),
            &end,
        ));
    }
    let others = warnings.len();
    let lines: Vec<Line<'_>> = verdict.lines(Mode::Warn).collect();
    let all = total(verdict, Mode::Warn);
    let shown = |lines: &[Line<'_>]| lines.iter().map(Line::violations).sum::<usize>();
    // Where not all fit, the last warning says how many are left out.
    let most = WARNINGS.saturating_sub(others);
    let fits = lines.len() <= most && shown(&lines) == all;
    let listed =
        lines.get(..lines.len().min(if fits { most } else { most.saturating_sub(1) })).unwrap_or_default();
    warnings.extend(listed.iter().map(|line| {
        let Violation { rule, field, .. } = line.first;
        // A cut warning still names its rule.
        cut(&format!("{}: {field}: {}", verdict.whose, line.message()), &format!(" (rule {rule})"))
    }));
    if !fits {
        warnings.truncate(WARNINGS - 1);
        warnings.push(format!("{}: and {} more", verdict.whose, all.saturating_sub(shown(listed))));
    }
    warnings
}

/// Returns the number of violations in this mode.
fn total(verdict: &Verdict, mode: Mode) -> usize {
    verdict.totals.iter().filter(|total| total.mode == mode).map(|total| total.violations).sum()
}

/// Cuts a text to the length of a warning with its `end`, and removes control characters.
fn cut(text: &str, end: &str) -> String {
    let most = WARNING.saturating_sub(end.chars().count());
    let mut visible = text.chars().filter(|c| !c.is_control());
    let mut cut: String = visible.by_ref().take(most).collect();
    if visible.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut + end
}

fn annotations(verdict: &Verdict) -> Option<Annotations> {
    let Verdict { totals, exempted, placement, unjudged, .. } = verdict;
    if totals.is_empty() && exempted.is_empty() && placement.is_none() && unjudged.is_none() {
        return None;
    }
    let named = |total: &Total| format!("{}={:?}", total.rule, total.mode).to_lowercase();
    let violations = totals.iter().map(named).collect::<Vec<_>>().join(",");
    Some(Annotations {
        violations,
        exempted: exempted.join(","),
        placement: placement.as_ref().map(|placement| placement.pools.clone()).unwrap_or_default(),
        unjudged: unjudged.as_ref().map(|unjudged| cut(&unjudged.loggable, "")).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(mode: Mode, field: &str) -> Violation {
        let message = "tolerates every taint of every node; name a key".to_owned();
        Violation {
            rule: RuleId::Tolerations,
            control: None,
            part: None,
            mode,
            field: field.to_owned(),
            message,
        }
    }

    fn totals(mode: Mode, violations: usize) -> Vec<Total> {
        vec![Total { rule: RuleId::Tolerations, mode, violations }]
    }

    fn answer(verdict: &Verdict) -> serde_json::Value {
        serde_json::from_slice(&encode("u-1", verdict)).unwrap()
    }

    #[test]
    fn k1_uid_version_and_kind_are_echoed_and_k2_there_is_no_patch_without_its_type() {
        assert_eq!(
            answer(&Verdict::allow()),
            serde_json::json!({
                "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                "response": {"uid": "u-1", "allowed": true},
            })
        );
    }

    #[test]
    fn k12_a_denial_says_403_forbidden_and_one_violation_a_line() {
        let verdict = Verdict {
            denial: Some(Denial::Forbidden),
            violations: vec![
                violation(Mode::Deny, "spec.tolerations[0]"),
                violation(Mode::Deny, "spec.tolerations[1]"),
            ],
            totals: totals(Mode::Deny, 2),
            whose: "tenant `tenants-x`".to_owned(),
            ..Verdict::default()
        };
        let status = &answer(&verdict)["response"]["status"];
        assert_eq!(status["code"], 403);
        assert_eq!(status["reason"], "Forbidden");
        assert_eq!(
            status["message"],
            "tenant `tenants-x`: spec.tolerations[0]: tolerates every taint of every node; name a key \
             (rule tolerations)\n\
             tenant `tenants-x`: spec.tolerations[1]: tolerates every taint of every node; name a key \
             (rule tolerations)"
        );
        assert_eq!(status["details"]["causes"][1]["field"], "spec.tolerations[1]");
    }

    #[test]
    fn k12_a_long_message_is_cut_at_a_line_and_says_how_many_are_left_out() {
        let violations = vec![violation(Mode::Deny, "spec.tolerations[0]"); 50];
        let totals = totals(Mode::Deny, 57);
        let verdict = Verdict { denial: Some(Denial::Forbidden), violations, totals, ..Verdict::default() };
        let answer = answer(&verdict);
        let message = answer["response"]["status"]["message"].as_str().unwrap();
        let lines = message.lines().count() - 1;
        assert!(message.len() < MESSAGE + 32);
        assert!(message.ends_with(&format!("and {} more", 50 + 7 - lines)), "{message}");
        assert_eq!(answer["response"]["status"]["details"]["causes"].as_array().unwrap().len(), 50);
    }

    #[test]
    fn k13_warnings_are_few_short_and_without_control_characters() {
        let long = format!("spec.a\n{}", "b".repeat(500));
        let violations = vec![violation(Mode::Warn, &long); 30];
        let answer = answer(&Verdict { violations, totals: totals(Mode::Warn, 30), ..Verdict::default() });
        let warnings = answer["response"]["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), WARNINGS);
        for warning in warnings {
            let warning = warning.as_str().unwrap();
            assert!(warning.chars().count() <= WARNING && !warning.contains(char::is_control));
        }
        assert_eq!(warnings[9], ": and 21 more");
        assert_eq!(answer["response"]["allowed"], true);
    }

    #[test]
    fn k14_audit_annotations_have_short_keys_and_name_what_was_exempt() {
        let verdict = Verdict {
            violations: vec![violation(Mode::Audit, "a"), violation(Mode::Audit, "b")],
            totals: totals(Mode::Audit, 2),
            exempted: vec!["log-agent".into()],
            ..Verdict::default()
        };
        let answer = answer(&verdict);
        assert_eq!(
            answer["response"]["auditAnnotations"],
            serde_json::json!({"violations": "tolerations=audit", "exempted": "log-agent"})
        );
        assert!(answer["response"].get("warnings").is_none());
    }
}
