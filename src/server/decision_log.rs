//! The log lines about a verdict: who asked for what, and the rule, but never what is in the object.

use std::borrow::Cow;
use std::time::Duration;

use partywall_core::api::Mode;
use partywall_core::review::Asked;
use partywall_core::rule_id::RuleId;
use partywall_core::verdict::{Denial, Placement, Total, Verdict};
use partywall_core::{Answer, Entry};
use tracing::{debug, info, warn};

use crate::telemetry::{LogThrottle, mode_name};

/// Limits the log lines about decisions.
#[derive(Debug)]
pub(super) struct DecisionThrottles {
    /// Limits the lines of violations and denials: any tenant can cause many.
    pub(super) violations: LogThrottle,
    /// Limits the lines of decisions that exhaust their budget, which no flood of violations may hide.
    pub(super) exhausted: LogThrottle,
}

impl DecisionThrottles {
    /// Lets through so many lines of violations in a second.
    pub(super) fn new(violations: u32) -> Self {
        Self {
            violations: LogThrottle::new(violations, Duration::from_secs(1)),
            exhausted: LogThrottle::one_in_ten_seconds(),
        }
    }
}

/// The longest text of a request that a line repeats; names of objects have at most 253 letters.
const LONGEST: usize = 253;

/// Writes an event about a request; fields without a value are left out.
macro_rules! line {
    ($level:ident, $about:expr, $message:expr $(, $field:ident = $value:expr)* $(,)?) => {{
        let About { uid, endpoint, user, operation, kind, subresource, namespace, name } = $about;
        $level!(
            uid, endpoint, user = user.as_deref(), operation = operation.as_deref(), kind = kind.as_deref(),
            subresource = subresource.as_deref(), namespace = namespace.as_deref(), name = name.as_deref(),
            $($field = $value,)* "{}", $message
        )
    }};
}

/// The request that a line is about.
struct About<'l> {
    uid: &'l str,
    endpoint: &'static str,
    user: Option<Cow<'l, str>>,
    operation: Option<Cow<'l, str>>,
    kind: Option<Cow<'l, str>>,
    subresource: Option<Cow<'l, str>>,
    namespace: Option<Cow<'l, str>>,
    name: Option<Cow<'l, str>>,
}

impl<'l> About<'l> {
    fn of(entry: Entry, uid: &'l str, asked: &'l Asked<'_>) -> Self {
        let Asked { user, operation, group: _, kind, subresource, namespace, name } = asked;
        Self {
            uid,
            endpoint: entry.path(),
            user: cut(user),
            operation: cut(operation),
            kind: cut(kind),
            subresource: cut(subresource),
            namespace: cut(namespace),
            name: cut(name),
        }
    }
}

/// Returns a text for a line, or `None` if it is empty.
fn cut(text: &str) -> Option<Cow<'_, str>> {
    match text.char_indices().nth(LONGEST) {
        None => (!text.is_empty()).then_some(Cow::Borrowed(text)),
        Some((end, _)) => text.get(..end).map(|start| Cow::Owned(format!("{start}…"))),
    }
}

/// Logs what a verdict says: a line for each rule that is violated, in whatever mode, and one if it is undecidable.
///
/// The throttle counts each line, so that the log has a limited number of them in a second.
pub(super) fn log(entry: Entry, Answer { uid, asked, verdict }: &Answer<'_>, throttles: &DecisionThrottles) {
    let about = || About::of(entry, uid, asked);
    if verdict.is_exhausted {
        if let Some(left_out) = throttles.exhausted.event() {
            let (allowed, left_out) = (verdict.is_allowed(), (left_out > 0).then_some(left_out));
            let message = "a decision took more work than any object should; this is a bug, please report it";
            line!(warn, &about(), message, allowed = allowed, left_out = left_out);
        }
        return;
    }
    let next = || throttles.violations.event().map(|left_out| (left_out > 0).then_some(left_out));
    if let Some(Denial::Undecidable(why, explanation)) = &verdict.denial {
        if let Some(left_out) = next() {
            let (code, why) = (why.code(), &*explanation.loggable);
            let message = "denied, because it cannot be decided";
            line!(info, &about(), message, code = code, why = why, left_out = left_out);
        }
        return;
    }
    match &verdict.unjudged {
        // The API server would go on without an answer: when partywall has too much to do, these are many.
        Some(_) if entry.goes_on_without_answer() => line!(debug, &about(), "allowed without being judged"),
        Some(unjudged) => {
            if let Some(left_out) = next() {
                let (why, message) = (&*unjudged.loggable, "recorded, because it cannot be decided");
                line!(info, &about(), message, why = why, left_out = left_out);
            }
        }
        None => {}
    }
    if let Some(Placement { pools, mode }) = &verdict.placement
        && let Some(left_out) = next()
    {
        let (tenant, mode, rule) =
            (verdict.tenant.as_deref(), mode_name(*mode), RuleId::NodePlacement.as_str());
        let message = "not stamped, but it would be";
        line!(
            info,
            &about(),
            message,
            tenant = tenant,
            rule = rule,
            mode = mode,
            pool = pools,
            left_out = left_out
        );
    }
    for total in &verdict.totals {
        let Some(left_out) = next() else { break };
        violation(&about(), verdict, total, left_out);
    }
    if !verdict.exempted.is_empty() {
        let exemptions = verdict.exempted.join(",");
        line!(debug, &about(), "allowed by exemption", exemptions = exemptions);
    }
}

fn violation(about: &About<'_>, verdict: &Verdict, total: &Total, left_out: Option<u64>) {
    let Total { rule, mode, violations } = *total;
    let message = match mode {
        Mode::Deny => "denied",
        Mode::Warn => "warned",
        Mode::Audit | Mode::Off => "recorded",
    };
    line!(
        info,
        about,
        message,
        tenant = verdict.tenant.as_deref(),
        rule = rule.as_str(),
        mode = mode_name(mode),
        violations = violations,
        left_out = left_out,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k16_a_long_text_is_cut_at_a_letter_and_an_empty_one_is_left_out() {
        assert_eq!(cut(""), None);
        assert_eq!(cut("web").as_deref(), Some("web"));
        assert_eq!(cut(&"ä".repeat(253)).as_deref(), Some(&*"ä".repeat(253)));
        assert_eq!(cut(&"ä".repeat(9_000)).as_deref(), Some(&*format!("{}…", "ä".repeat(253))));
    }
}
