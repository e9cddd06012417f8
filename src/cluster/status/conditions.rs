//! Returns the status that an object is to have.

use partywall_core::api::{Condition, FoundNamespaces, TenantStatus};
use partywall_core::labels::TENANT;
use partywall_core::tenancy::{Form, ObjectName, Reason};

use super::text::list;
use super::told::ToldObject;
use crate::cluster::facts::Registered;

/// The types of conditions, of which exactly one is true.
pub(super) const READY: &str = "Ready";
const RECONCILING: &str = "Reconciling";
const STALLED: &str = "Stalled";

/// The reasons beside those of [`Reason`].
const AS_WRITTEN: &str = "AsWritten";
const PAUSED: &str = "RegistrationPaused";
const PENDING: &str = "RegistrationPending";
const UNLABELLED: &str = "LabelsMissing";

/// Returns the status of an object; `time` is the present time in RFC 3339.
///
/// The time of a condition that has not changed is kept.
pub(super) fn status(
    name: &ObjectName,
    told: &ToldObject,
    registered: &Registered,
    before: Option<&TenantStatus>,
    time: &str,
) -> TenantStatus {
    let is_tenant = name.kind == "Tenant";
    let Verdict { kind, reason, message } = verdict(name, told, registered);
    let condition = |of: &'static str| {
        let is_true = of == kind;
        // `Ready` always says why.
        let message = if is_true || of == READY { message.clone() } else { String::new() };
        let status = if is_true { "True" } else { "False" };
        let old = before.and_then(|before| before.conditions.iter().find(|condition| condition.kind == of));
        let since = old.filter(|old| old.status == status).map(|old| old.last_transition_time.as_str());
        Condition {
            kind: of.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message,
            last_transition_time: since.filter(|since| !since.is_empty()).unwrap_or(time).to_owned(),
            observed_generation: Some(told.generation),
        }
    };
    TenantStatus {
        observed_generation: Some(told.generation),
        conditions: [READY, RECONCILING, STALLED].map(condition).to_vec(),
        namespaces: told.namespaces.clone().filter(|_| is_tenant),
        registered: is_tenant.then_some(registered.is_current),
        // The audit writes it, by a field manager of its own.
        audit: None,
    }
}

/// The condition that is true, and why.
struct Verdict {
    kind: &'static str,
    reason: &'static str,
    message: String,
}

fn verdict(name: &ObjectName, told: &ToldObject, registered: &Registered) -> Verdict {
    let state = &told.state;
    // They are sorted by their reasons, of which what is wrong in itself is the first.
    if let Some(first) = state.findings.first() {
        let kind = if first.reason == Reason::Invalid { STALLED } else { RECONCILING };
        let findings = list(state.findings.iter().map(|finding| &finding.mistake));
        let holds = match (state.form, name.kind) {
            (Form::Written, _) => "the rest holds as it is written",
            (Form::LastGood, _) => "until this is mended, its last good form holds",
            (Form::Nothing, "Tenant") => "nothing of it holds, and everything in its namespaces is denied",
            (Form::Nothing, _) => "nothing of it holds",
        };
        return Verdict { kind, reason: first.reason.as_str(), message: format!("{findings}; {holds}") };
    }
    let waits = |reason, message: String| Verdict { kind: RECONCILING, reason, message };
    if is_registered(name) && !registered.is_current {
        return if registered.is_paused {
            let message = "somebody paused the registration by an annotation of a webhook configuration, and the API \
                           server does not ask about everything that this needs";
            waits(PAUSED, message.to_owned())
        } else {
            waits(PENDING, "the webhook configurations do not hold yet what this needs".to_owned())
        };
    }
    if let Some(FoundNamespaces { found, labelled, .. }) = &told.namespaces
        && labelled < found
    {
        let lack = found - labelled;
        return waits(
            UNLABELLED,
            format!("{lack} of its {found} namespaces that exist lack the label {TENANT}"),
        );
    }
    let message = if state.warnings.is_empty() {
        "it holds as it is written".to_owned()
    } else {
        format!("it holds as it is written; note: {}", list(state.warnings.iter()))
    };
    Verdict { kind: READY, reason: AS_WRITTEN, message }
}

/// Returns whether the webhook configurations depend on objects of the kind.
fn is_registered(name: &ObjectName) -> bool {
    matches!(name.kind, "NodePool" | "Tenant" | "Settings")
}

/// Returns whether an operator must do something about this object, and so must know of it beside its status.
pub(super) fn is_to_be_told(reason: &str) -> bool {
    Reason::ALL.iter().any(|known| known.as_str() == reason)
}

#[cfg(test)]
mod tests {
    use partywall_core::api::{Mistake, Source};
    use partywall_core::tenancy::{Finding, State};
    use proptest::prelude::*;

    use super::*;

    const NOW: &str = "2026-12-01T00:00:00Z";

    fn tenant() -> ObjectName {
        ObjectName { kind: "Tenant", name: "a".to_owned() }
    }

    fn current() -> Registered {
        Registered { is_known: true, is_current: true, is_armed: true, ..Registered::default() }
    }

    fn mistake(message: &str) -> Mistake {
        Mistake {
            source: Source::file("tenants.partywall.dev/a"),
            object: "Tenant `a`".to_owned(),
            place: None,
            path: "spec.class".to_owned(),
            value: String::new(),
            message: message.to_owned(),
        }
    }

    fn told(reasons: &[Reason], form: Form) -> ToldObject {
        let findings = reasons.iter().map(|&reason| Finding { reason, mistake: mistake("no") }).collect();
        let state = State { form, findings, warnings: Vec::new() };
        ToldObject { generation: 3, state, ..ToldObject::default() }
    }

    fn namespaces(claimed: i64, found: i64, labelled: i64) -> ToldObject {
        let namespaces = Some(FoundNamespaces { claimed, found, labelled });
        ToldObject { namespaces, ..told(&[], Form::Written) }
    }

    /// Returns the conditions that are true, and the reason and message of `Ready`.
    fn read(name: &ObjectName, told: &ToldObject, registered: &Registered) -> (String, String, String) {
        let status = status(name, told, registered, None, NOW);
        let is_true = status.conditions.iter().filter(|condition| condition.status == "True");
        let kinds: Vec<_> = is_true.map(|condition| condition.kind.as_str()).collect();
        let ready = &status.conditions[0];
        (kinds.join(" "), ready.reason.clone(), ready.message.clone())
    }

    /// Returns what kstatus makes of an object with this status and generation.
    fn kstatus(status: &TenantStatus, generation: i64) -> &'static str {
        let is = |kind: &str, value: &str| {
            status.conditions.iter().any(|condition| condition.kind == kind && condition.status == value)
        };
        if status.observed_generation.is_some_and(|observed| observed != generation)
            || is("Reconciling", "True")
        {
            "InProgress"
        } else if is("Stalled", "True") {
            "Failed"
        } else if is("Ready", "False") || is("Ready", "Unknown") {
            "InProgress"
        } else {
            "Current"
        }
    }

    #[test]
    fn an_object_that_holds_as_it_is_written_is_ready() {
        let written = told(&[], Form::Written);
        let expected = ("Ready".to_owned(), "AsWritten".to_owned(), "it holds as it is written".to_owned());
        assert_eq!(read(&tenant(), &written, &current()), expected);
        let status = status(&tenant(), &written, &current(), None, NOW);
        assert_eq!(status.observed_generation, Some(3));
        assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(3)));
        assert_eq!(status.registered, Some(true));
        assert_eq!((kstatus(&status, 3), kstatus(&status, 4)), ("Current", "InProgress"));
    }

    #[test]
    fn warnings_are_told_by_an_object_that_is_ready() {
        let mut warned = told(&[], Form::Written);
        warned.state.warnings.push(mistake("nobody binds for it"));
        let (kinds, _, message) = read(&tenant(), &warned, &current());
        assert_eq!(kinds, "Ready");
        assert_eq!(message, "it holds as it is written; note: spec.class: nobody binds for it");
    }

    #[test]
    fn only_what_its_author_must_change_fails_for_tools_that_wait() {
        for reason in Reason::ALL {
            let status = status(&tenant(), &told(&[reason], Form::Written), &current(), None, NOW);
            let expected = if reason == Reason::Invalid { "Failed" } else { "InProgress" };
            assert_eq!(kstatus(&status, 3), expected, "{reason:?}");
            assert_eq!(status.conditions[0].reason, reason.as_str());
            assert!(is_to_be_told(reason.as_str()));
        }
    }

    #[test]
    fn the_message_says_what_is_wrong_and_what_holds() {
        let of = |form, kind| {
            let name = ObjectName { kind, name: "a".to_owned() };
            read(&name, &told(&[Reason::Invalid, Reason::Conflict], form), &current()).2
        };
        assert_eq!(
            of(Form::Written, "Tenant"),
            "spec.class: no; spec.class: no; the rest holds as it is written"
        );
        assert!(of(Form::LastGood, "Tenant").ends_with("; until this is mended, its last good form holds"));
        assert!(of(Form::Nothing, "Tenant").ends_with("everything in its namespaces is denied"));
        assert!(of(Form::Nothing, "NodePool").ends_with("; nothing of it holds"));
    }

    #[test]
    fn a_tenant_is_ready_without_namespaces_and_not_before_those_that_exist_have_their_label() {
        let of = |told: &ToldObject| read(&tenant(), told, &current());
        assert_eq!(of(&namespaces(3, 0, 0)).0, "Ready");
        assert_eq!(of(&namespaces(3, 2, 2)).0, "Ready");
        let (kinds, reason, message) = of(&namespaces(3, 2, 1));
        assert_eq!((kinds.as_str(), reason.as_str()), ("Reconciling", "LabelsMissing"));
        assert_eq!(message, "1 of its 2 namespaces that exist lack the label partywall.dev/tenant");
        assert!(!is_to_be_told(&reason), "it ends by itself");
    }

    #[test]
    fn what_is_registered_is_not_ready_before_it_is() {
        let stale = Registered { is_current: false, ..current() };
        for (kind, expected) in [
            ("Tenant", "Reconciling"),
            ("NodePool", "Reconciling"),
            ("Settings", "Reconciling"),
            ("TenantClass", "Ready"),
            ("Exemption", "Ready"),
        ] {
            let name = ObjectName { kind, name: "a".to_owned() };
            let written = told(&[], Form::Written);
            assert_eq!(read(&name, &written, &stale).0, expected, "{kind}");
            let status = status(&name, &written, &stale, None, NOW);
            assert_eq!(status.registered, (kind == "Tenant").then_some(false), "{kind}");
        }
        let written = told(&[], Form::Written);
        assert_eq!(read(&tenant(), &written, &stale).1, "RegistrationPending");
        let paused = Registered { is_paused: true, ..stale };
        assert_eq!(read(&tenant(), &written, &paused).1, "RegistrationPaused");
        assert!(!is_to_be_told("RegistrationPaused"), "it is told of the webhook configuration");
        let paused = Registered { is_paused: true, ..current() };
        assert_eq!(read(&tenant(), &written, &paused).0, "Ready", "nothing is missing");
    }

    #[test]
    fn the_time_of_a_condition_is_kept_until_it_changes() {
        let before = status(&tenant(), &told(&[], Form::Written), &current(), None, "2026-01-01T00:00:00Z");
        let conflict = told(&[Reason::Conflict], Form::Written);
        let after = status(&tenant(), &conflict, &current(), Some(&before), NOW);
        let times: Vec<_> =
            after.conditions.iter().map(|condition| condition.last_transition_time.as_str()).collect();
        assert_eq!(times, [NOW, NOW, "2026-01-01T00:00:00Z"], "it was not stalled, and is not");
        let other =
            status(&tenant(), &told(&[Reason::UnknownPool], Form::Written), &current(), Some(&after), NOW);
        assert_eq!(other.conditions[2].last_transition_time, "2026-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn exactly_one_condition_is_true(
            kind in prop::sample::select(vec!["NodePool", "Tenant", "TenantClass", "Exemption", "Settings"]),
            reasons in prop::collection::vec(prop::sample::select(Reason::ALL.to_vec()), 0..3),
            form in prop::sample::select(vec![Form::Written, Form::LastGood, Form::Nothing]),
            is_current: bool,
            is_paused: bool,
            found in 0..3_i64,
            lack in 0..2_i64,
        ) {
            let registered = Registered { is_current, is_paused, ..current() };
            let mut reasons = reasons;
            reasons.sort_unstable();
            let namespaces = Some(FoundNamespaces { claimed: 3, found, labelled: (found - lack).max(0) });
            let told = ToldObject { namespaces, ..told(&reasons, form) };
            let name = ObjectName { kind, name: "a".to_owned() };
            let status = status(&name, &told, &registered, None, NOW);
            prop_assert_eq!(status.conditions.iter().filter(|one| one.status == "True").count(), 1);
            let is_ready = kstatus(&status, 3) == "Current";
            prop_assert!(!is_ready || reasons.is_empty());
            prop_assert!(!is_ready || is_current || !is_registered(&name));
        }
    }
}
