//! Asks the API server for what partywall denies or stamps, in dry runs, and looks at what comes back.
//!
//! What should come back is what the code of the server says about the same objects. Only the answer to the first
//! question has a nonce, and comes over a connection that partywall closes: so a certificate that callers no longer
//! trust is noticed, although the API server keeps older connections for long.

use json_patch::Patch;
use partywall_core::review::compose::{Draft, ObjectType};
use partywall_core::tenancy::Owner;
use partywall_core::verdict::Verdict;
use partywall_core::{Entry, answer};
use serde_json::{Value, json};

use super::finding::{Look, NotLookedAt, Outcome};
use super::seen::{Namespace, Policies};
use crate::cluster::api_server::Refusal;
use crate::policies::probe;

/// How often the first question is asked: each answer closes its connection.
const TIMES: usize = 3;
/// What objects of questions are named, before a nonce.
const NAME: &str = "partywall-probe";

/// A request that is only tried.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// What is asked, for people.
    what: String,
    /// The path at which the object would be created.
    pub(super) path: String,
    pub(super) object: Value,
    expected: Expected,
    namespace: String,
}

/// What partywall does with a question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// It denies it, with this nonce.
    Nonce(String),
    /// It denies it.
    Denied,
    /// It stamps it.
    Stamped,
}

/// A question, and what the API server said.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) answer: Result<Value, Refusal>,
}

/// Returns the questions that tell something in this cluster.
pub(super) fn questions(policies: Option<&Policies>, namespaces: &[Namespace], nonce: &str) -> Vec<Question> {
    let own = (0..TIMES).map(|time| {
        let nonce = format!("{nonce}{time}");
        Question {
            what: "an Exemption that nobody may store".to_owned(),
            path: "/apis/partywall.dev/v1alpha1/exemptions".to_owned(),
            object: probe(&nonce),
            expected: Expected::Nonce(nonce),
            namespace: String::new(),
        }
    });
    let others = policies.into_iter().flat_map(|policies| {
        let name = format!("{NAME}-{nonce}");
        let service = || {
            let spec = json!({"type": "NodePort", "ports": [{"port": 80}]});
            ("services", of("Service", &name, &spec), Expected::Denied)
        };
        let pod = || ("pods", of("Pod", &name, &pod_spec(None)), Expected::Stamped);
        let intruder = || {
            let key = policies.snapshot.pools().iter().find_map(|pool| pool.taints.first());
            let spec = pod_spec(Some(key.map_or("", |taint| &*taint.key)));
            ("pods", of("Pod", &name, &spec), Expected::Denied)
        };
        [
            first(policies, namespaces, Entry::ValidateTenants, service),
            first(policies, namespaces, Entry::MutateTenants, pod),
            first(policies, namespaces, Entry::ValidateElsewhere, intruder),
        ]
    });
    own.chain(others.flatten()).collect()
}

/// Returns the question in the first namespace where partywall would do what is expected.
fn first(
    policies: &Policies,
    namespaces: &[Namespace],
    entry: Entry,
    make: impl Fn() -> (&'static str, Value, Expected),
) -> Option<Question> {
    let (resource, object, expected) = make();
    let suits = |namespace: &&Namespace| {
        let name = &namespace.metadata.name;
        // Only one that also has its label is sent.
        let is_of_entry = match policies.snapshot.owner(name) {
            Owner::Tenant(tenant) => {
                let label = namespace.metadata.labels.get(partywall_core::labels::TENANT);
                entry.is_of_tenants() && label.is_some_and(|label| **label == *tenant.name)
            }
            Owner::Unclaimed => {
                !entry.is_of_tenants()
                    && !namespace.metadata.labels.contains_key(partywall_core::labels::TENANT)
            }
            Owner::System | Owner::Denied(_) => false,
        };
        is_of_entry
            && match expected {
                Expected::Stamped => is_allowed_once_stamped(policies, name, &object),
                Expected::Denied | Expected::Nonce(_) => {
                    verdict(policies, entry, name, &object).is_some_and(|verdict| verdict.denial.is_some())
                }
            }
    };
    let namespace = namespaces.iter().find(suits)?.metadata.name.clone();
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let what = match expected {
        Expected::Stamped => format!("a {kind} in namespace `{namespace}` that is stamped"),
        Expected::Denied | Expected::Nonce(_) => {
            format!("a {kind} in namespace `{namespace}` that is denied")
        }
    };
    Some(Question {
        what,
        path: format!("/api/v1/namespaces/{namespace}/{resource}"),
        object,
        expected,
        namespace,
    })
}

fn of(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Returns the spec of a pod that meets the level `restricted`, and that tolerates a taint if it has a key.
fn pod_spec(tolerates: Option<&str>) -> Value {
    let tolerations: Vec<Value> =
        tolerates.into_iter().map(|key| json!({"key": key, "operator": "Exists"})).collect();
    json!({
        "automountServiceAccountToken": false,
        "tolerations": tolerations,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "probe",
            "image": "registry.k8s.io/pause:3.10",
            "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        }],
    })
}

/// Returns whether partywall stamps a pod, and then allows it.
fn is_allowed_once_stamped(policies: &Policies, namespace: &str, pod: &Value) -> bool {
    let patch = verdict(policies, Entry::MutateTenants, namespace, pod).and_then(|verdict| verdict.patch);
    let patch = patch.and_then(|patch| serde_json::from_slice::<Patch>(patch.as_json()).ok());
    let mut stamped = pod.clone();
    patch.is_some_and(|patch| json_patch::patch(&mut stamped, &patch).is_ok())
        && verdict(policies, Entry::ValidateTenants, namespace, &stamped)
            .is_some_and(|verdict| verdict.denial.is_none() && verdict.unjudged.is_none())
}

/// Returns what partywall says about the creation of an object by an ordinary user.
fn verdict(policies: &Policies, entry: Entry, namespace: &str, object: &Value) -> Option<Verdict> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let draft = Draft {
        uid: "doctor",
        object_type: &ObjectType::of(text("apiVersion"), text("kind")),
        name: object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default(),
        namespace,
        operation: "CREATE",
        username: "partywall-doctor",
        groups: &["system:authenticated"],
        object: Some(object),
        old_object: None,
    };
    let body = draft.to_json().ok()?;
    Some(answer(entry, &body, &policies.snapshot).ok()?.verdict)
}

pub(super) fn check(
    policies: &Look<Policies>,
    namespaces: &Look<Vec<Namespace>>,
    asked: &[Asked],
) -> Outcome {
    let mut outcome = Outcome::default();
    // Without these nobody knows what to ask of tenants.
    let (policies, _) = (outcome.look(policies), outcome.look(namespaces));
    for Asked { question, answer } in asked {
        let Question { what, object, expected, namespace, .. } = question;
        let object = said_object(object, namespace);
        match (read(answer), expected) {
            (Said::Denied(message), Expected::Nonce(nonce)) if !message.contains(nonce.as_str()) => {
                let cause =
                    format!("asked for {what}, the API server said something else than partywall: {message}");
                let cure = "see what else has the name of partywall's webhooks: `kubectl get \
                            validatingwebhookconfigurations`";
                find_once(&mut outcome, object, cause, cure);
            }
            (Said::Denied(message), Expected::Stamped) => {
                let cause =
                    format!("asked for {what}, partywall refused it, perhaps without a stamp: {message}");
                let cure = "see `registration` here: the MutatingWebhookConfiguration stamps pods, and without it \
                            none is allowed";
                find_once(&mut outcome, object, cause, cure);
            }
            (Said::Denied(_), Expected::Nonce(_) | Expected::Denied) => {}
            (Said::Stored(stored), Expected::Stamped) => {
                let is_stamped = policies
                    .and_then(|policies| verdict(policies, Entry::MutateTenants, namespace, stored))
                    .is_some_and(|verdict| verdict.patch.is_none());
                if !is_stamped {
                    let cause = format!("asked for {what}, the API server would store one without the stamp");
                    let cure = "see `registration` here: the configuration for pods may be missing, or partywall's \
                                objects have changed this moment";
                    find_once(&mut outcome, object, cause, cure);
                }
            }
            (Said::Stored(_), Expected::Nonce(_) | Expected::Denied) => {
                let cause =
                    format!("asked for {what}, the API server would store it: so it does not ask partywall");
                let cure = "see `registration` here; if that is fine, look for what hides requests from webhooks: an \
                            `AdmissionConfiguration` of the API server, or `--disable-admission-plugins`";
                find_once(&mut outcome, object, cause, cure);
            }
            (Said::Unanswered(message), _) => {
                let cause = format!("the API server gets no answer from partywall: {message}");
                let cure = "see `replicas` and `certificates` here; if those are fine, let the API server reach the \
                            pods: NetworkPolicies, firewalls, and the Service's endpoints";
                find_once(&mut outcome, object, cause, cure);
            }
            (Said::Other(why), _) => {
                let missing = NotLookedAt { what: what.clone(), why: why.to_owned() };
                if !outcome.not_looked_at.contains(&missing) {
                    outcome.not_looked_at.push(missing);
                }
            }
        }
    }
    outcome
}

/// Adds a finding about a question that is asked several times.
fn find_once(outcome: &mut Outcome, object: String, cause: String, cure: &str) {
    if !outcome.findings.iter().any(|finding| finding.object == object || finding.cause == cause) {
        outcome.find(object, cause, cure);
    }
}

/// Names what was tried, whatever its nonce.
fn said_object(object: &Value, namespace: &str) -> String {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
    format!("{kind} {NAME}{place}, in a dry run")
}

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
enum Said<'a> {
    /// The object would be stored like this.
    Stored(&'a Value),
    /// partywall denied it.
    Denied(&'a str),
    /// partywall was asked, and did not answer.
    Unanswered(&'a str),
    /// Something before partywall refused it.
    Other(&'a str),
}

fn read(answer: &Result<Value, Refusal>) -> Said<'_> {
    /// The ends of the names of all of partywall's webhooks.
    const OWN: &str = ".partywall.dev\"";
    let message = match answer {
        Ok(stored) => return Said::Stored(stored),
        Err(refusal) => refusal.message.as_str(),
    };
    let of_webhook = |before: &str| {
        let (_, rest) = message.split_once(before)?;
        let name = rest.split_inclusive('"').nth(1)?;
        name.ends_with(OWN).then_some(())
    };
    if of_webhook("failed calling webhook").is_some() {
        Said::Unanswered(message)
    } else if of_webhook("admission webhook").is_some() && message.contains("denied the request") {
        Said::Denied(message)
    } else {
        Said::Other(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::doctor::policies::tests::compiled;

    const POLICIES: &str = "
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: a},
 spec: {nodeSelector: {pool: a}, taints: [{key: pool, value: a, effect: NoSchedule}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: a},
 spec: {namespaces: [a-one, a-two], nodePools: {default: a}}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: audited},
 spec: {namespaces: [a-audited], enforcement: Audit, nodePools: {default: a}}}
";

    fn namespaces() -> Vec<Namespace> {
        let label = |name: &str| json!({"partywall.dev/tenant": name});
        let all = [
            ("a-audited", label("audited")),
            ("a-one", json!({})),
            ("a-two", label("a")),
            ("kube-system", json!({})),
            ("other", json!({})),
        ];
        all.map(|(name, labels)| {
            serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}})).unwrap()
        })
        .into()
    }

    fn asked(answer: impl Fn(&Question) -> Result<Value, Refusal>) -> Outcome {
        let policies = compiled(POLICIES);
        let questions = questions(policies.as_ref().ok(), &namespaces(), "0123");
        let asked: Vec<Asked> =
            questions.into_iter().map(|question| Asked { answer: answer(&question), question }).collect();
        check(&policies, &Ok(namespaces()), &asked)
    }

    fn refusal(code: u16, message: impl Into<String>) -> Result<Value, Refusal> {
        Err(Refusal { code, message: message.into() })
    }

    /// Answers as the API server does where all is well.
    fn well(question: &Question) -> Result<Value, Refusal> {
        let name = question.object["metadata"]["name"].as_str().unwrap();
        match question.expected {
            Expected::Stamped => {
                let policies = compiled(POLICIES).ok().unwrap();
                let verdict = verdict(&policies, Entry::MutateTenants, "a-two", &question.object).unwrap();
                let patch: Patch = serde_json::from_slice(verdict.patch.unwrap().as_json()).unwrap();
                let mut stored = question.object.clone();
                json_patch::patch(&mut stored, &patch).unwrap();
                Ok(stored)
            }
            Expected::Nonce(_) | Expected::Denied => refusal(
                403,
                format!("admission webhook \"pods.partywall.dev\" denied the request: `{name}` is denied"),
            ),
        }
    }

    #[test]
    fn questions_are_asked_where_they_tell_something() {
        let policies = compiled(POLICIES).ok();
        let questions = questions(policies.as_ref(), &namespaces(), "0123");
        let paths: Vec<&str> = questions.iter().map(|question| question.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "/apis/partywall.dev/v1alpha1/exemptions",
                "/apis/partywall.dev/v1alpha1/exemptions",
                "/apis/partywall.dev/v1alpha1/exemptions",
                "/api/v1/namespaces/a-two/services",
                "/api/v1/namespaces/a-two/pods",
                "/api/v1/namespaces/other/pods",
            ]
        );
        assert_eq!(asked(well), Outcome::default());
        // Without any tenant there is only partywall itself to ask.
        assert_eq!(super::questions(None, &namespaces(), "0").len(), TIMES);
    }

    #[test]
    fn what_is_stored_or_not_answered_is_found() {
        let stored = asked(|question| Ok(question.object.clone()));
        let causes: Vec<&str> = stored.findings.iter().map(|finding| finding.cause.as_str()).collect();
        assert_eq!(causes.len(), 4, "{causes:?}");
        assert!(causes[0].contains("would store it: so it does not ask partywall"), "{causes:?}");
        assert!(causes[2].contains("would store one without the stamp"), "{causes:?}");

        let unanswered = "Internal error occurred: failed calling webhook \"policies.partywall.dev\": failed to call \
                          webhook: Post \"https://x\": tls: failed to verify certificate: x509: unknown authority";
        let silent = asked(|_| refusal(500, unanswered));
        assert_eq!(silent.findings.len(), 1);
        assert!(silent.findings[0].cause.contains("gets no answer from partywall"), "{silent:?}");

        let other = "admission webhook \"policies.partywall.dev\" denied the request: who are you?";
        let another = asked(|question| match question.expected {
            Expected::Nonce(_) => refusal(403, other),
            Expected::Denied | Expected::Stamped => well(question),
        });
        assert_eq!(another.findings.len(), 1);
        assert!(another.findings[0].cause.contains("something else than partywall"), "{another:?}");
    }

    #[test]
    fn a_pod_that_is_refused_lacks_its_stamp() {
        let denied = "admission webhook \"pods.partywall.dev\" denied the request: spec: no toleration";
        let refused = asked(|question| match question.expected {
            Expected::Stamped => refusal(403, denied),
            Expected::Nonce(_) | Expected::Denied => well(question),
        });
        assert_eq!(refused.findings.len(), 1);
        assert!(
            refused.findings[0].cause.contains("partywall refused it, perhaps without a stamp"),
            "{refused:?}"
        );
    }

    #[test]
    fn what_others_refuse_is_not_looked_at() {
        for message in [
            "exemptions.partywall.dev is forbidden: User \"jane\" cannot create resource \"exemptions\"",
            "admission webhook \"validate.example.com\" denied the request: no",
            "pods \"partywall-probe\" is forbidden: exceeded quota: small",
            "Internal error occurred: failed calling webhook \"other.example.com\": no",
        ] {
            let outcome = asked(|_| refusal(403, message));
            assert_eq!((outcome.findings.len(), outcome.not_looked_at.len()), (0, 4), "{message}");
        }
    }
}
