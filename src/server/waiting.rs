//! Waits until a review can be decided for which no Tenant was found, or one that is gone, since the watches lag behind
//! the API server.
//!
//! All other reviews are answered at once. A waiting review keeps its place among those under way, so that their number
//! stays limited.

use std::pin::pin;
use std::time::Duration;

use partywall_core::Entry;
use tokio::time::{Instant, sleep, timeout_at};

use super::body::Deadline;
use super::decider::{Decider, Observers, Reply};
use crate::policies::Learned;

/// How long a new Namespace waits for a Tenant that was created just before it, if the API server does not say whether
/// there is one.
///
/// `kubectl apply` of both writes the Namespace a few milliseconds after the Tenant. Without its label, the Namespace's
/// first pods would not be sent to partywall.
const NEW_NAMESPACE: Duration = Duration::from_millis(250);
/// How long the deletion of a NodePool waits for the deletion of the Tenant that names it.
///
/// `kubectl delete` of both asks for the second a few milliseconds after the first.
const DELETED_TENANT: Duration = Duration::from_secs(1);
/// The time to send an answer.
const SEND: Duration = Duration::from_millis(100);

/// Decides as soon as what was unknown is known, at the deadline at last.
pub(super) async fn decide<D: Decider>(
    decider: &D,
    (entry, body): (Entry, &[u8]),
    deadline: Deadline,
    observers: Observers<'_>,
) -> Option<Reply> {
    let mut end = deadline.end - SEND;
    if entry == Entry::ValidatePolicies {
        end = end.min(Instant::now() + DELETED_TENANT);
    }
    if let Some(learned) = decider.learned() {
        let mut told = learned.told();
        let mut no_tenant_lacks = pin!(no_tenant_lacks(learned));
        // Creating a Namespace is rare, so the API server may be asked; whatever is created in it later just waits.
        let (asks, mut lacks_none) = (entry == Entry::MutateNamespaces, false);
        loop {
            match decider.reply(entry, body, observers) {
                Some(Reply::Unknown) => {}
                reply => return reply,
            }
            if lacks_none && !learned.is_settling() {
                break;
            }
            let woken = async {
                tokio::select! {
                    _ = told.changed() => false,
                    () = &mut no_tenant_lacks, if asks && !lacks_none => true,
                }
            };
            match timeout_at(end, woken).await {
                Ok(none) => lacks_none |= none,
                Err(_) => break,
            }
        }
    }
    decider.reply_at_last(entry, body, observers)
}

/// Waits until the snapshot shows all Tenants of now, or a moment if nobody can tell.
async fn no_tenant_lacks(learned: &Learned) {
    if !learned.catch_up().await {
        sleep(NEW_NAMESPACE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use partywall_core::api::{Located, NodePools, Object, Source, TenantSpec};
    use partywall_core::tenancy::Snapshot;
    use serde_json::{Value, json};
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;
    use crate::policies::{Declared, Reader, Writer, decode, store};
    use crate::server::decision_log::DecisionThrottles;
    use crate::telemetry::{Metrics, Outcome, Review};

    struct Case {
        writer: Writer,
        reader: Reader,
        learned: Learned,
        metrics: Metrics,
        throttles: DecisionThrottles,
    }

    impl Case {
        /// A cluster in which these namespaces are a tenant's.
        fn new(namespaces: &[&str]) -> Self {
            let (writer, reader) = store();
            let learned = Learned::default();
            let reader = reader.learning(learned.clone());
            let (metrics, throttles) = (Metrics::new().unwrap(), DecisionThrottles::new(1));
            let mut case = Self { writer, reader, learned, metrics, throttles };
            case.put(namespaces);
            case
        }

        fn put(&mut self, namespaces: &[&str]) {
            let tenant = TenantSpec {
                namespaces: Some(namespaces.iter().map(|name| (*name).to_owned()).collect()),
                node_pools: None::<NodePools>,
                ..TenantSpec::default()
            };
            let object = Object::new("x", tenant);
            let objects = vec![Located { source: Source::file("x.yaml"), object }];
            let day = jiff::civil::Date::constant(2026, 11, 20);
            self.writer.replace(Arc::new(Snapshot::compile_beside(objects, &[], day).unwrap().snapshot));
        }

        async fn decide(&self, entry: Entry, body: &[u8]) -> Value {
            let observers = Observers::new(&self.metrics, &self.throttles);
            let deadline = Deadline::of(Some("timeout=3s"));
            let reply = decide(&self.reader, (entry, body), deadline, observers).await.unwrap();
            let Reply::Review(review) = reply else { panic!("{reply:?}") };
            serde_json::from_slice::<Value>(&review).unwrap()["response"].take()
        }

        fn count(&self, entry: Entry, outcome: Outcome) -> u64 {
            self.metrics.reviews.get(Review(entry, outcome))
        }
    }

    fn review(resource: &str, kind: &str, namespace: &str, name: &str, object: &Value) -> Vec<u8> {
        let request = json!({
            "uid": "u-1",
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": {"group": "", "version": "v1", "resource": resource},
            "name": name,
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "somebody"},
            "object": object,
        });
        let review =
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        review.to_string().into_bytes()
    }

    fn pod(namespace: &str) -> Vec<u8> {
        let spec = json!({"containers": [{"name": "app", "image": "app"}]});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec});
        review("pods", "Pod", namespace, "p", &pod)
    }

    fn namespace(name: &str) -> Vec<u8> {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        review("namespaces", "Namespace", name, name, &object)
    }

    const PODS: Entry = Entry::MutateTenants;
    const NAMESPACES: Entry = Entry::MutateNamespaces;

    #[tokio::test(start_paused = true)]
    async fn a_new_namespace_is_denied_at_the_deadline_and_told_to_be_new() {
        let case = Case::new(&["a"]);
        let begun = Instant::now();
        let response = case.decide(PODS, &pod("new")).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(1_900));
        assert_eq!(response["allowed"], false);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("this namespace is new"), "{message}");
        assert_eq!(case.count(PODS, Outcome::NoTenant), 1, "what was decided meanwhile does not count");
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_namespace_without_a_tenant_is_denied_at_once() {
        let case = Case::new(&["a"]);
        case.learned.replace(["b".into()].into_iter());
        let begun = Instant::now();
        let response = case.decide(PODS, &pod("b")).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("no Tenant has this namespace"), "{message}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_review_is_decided_as_soon_as_the_namespace_is_known() {
        let mut case = Case::new(&["a"]);
        let learned = case.learned.clone();
        let (begun, body) = (Instant::now(), pod("new"));
        let observers = Observers::new(&case.metrics, &case.throttles);
        let reader = case.reader.clone();
        let deadline = Deadline::of(Some("timeout=3s"));
        let decided = decide(&reader, (PODS, &body), deadline, observers);
        tokio::pin!(decided);
        let wait = Duration::from_millis(300);
        assert!(timeout(wait, &mut decided).await.is_err(), "it waits");
        let tenant =
            TenantSpec { namespaces: Some(vec!["a".to_owned(), "new".to_owned()]), ..TenantSpec::default() };
        let objects = vec![Located { source: Source::file("x"), object: Object::new("x", tenant) }];
        let day = jiff::civil::Date::constant(2026, 11, 20);
        case.writer.replace(Arc::new(Snapshot::compile_beside(objects, &[], day).unwrap().snapshot));
        learned.finish();
        let Some(Reply::Review(review)) = decided.await else { panic!("no review") };
        assert_eq!(begun.elapsed(), wait);
        let review: Value = serde_json::from_slice(&review).unwrap();
        assert_eq!(review["response"]["allowed"], true);
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_that_is_created_waits_a_moment_for_its_tenant() {
        let case = Case::new(&["a"]);
        let begun = Instant::now();
        let response = case.decide(NAMESPACES, &namespace("b")).await;
        assert_eq!((response["allowed"].as_bool(), begun.elapsed()), (Some(true), NEW_NAMESPACE));
        // While a change settles, it waits for its end.
        case.learned.begin();
        let (begun, learned) = (Instant::now(), case.learned.clone());
        let settled = Duration::from_millis(600);
        tokio::spawn(async move {
            sleep(settled).await;
            learned.finish();
        });
        let response = case.decide(NAMESPACES, &namespace("b")).await;
        assert_eq!((response["allowed"].as_bool(), begun.elapsed()), (Some(true), settled));
        // A tenant's Namespace gets its label at once.
        let begun = Instant::now();
        let response = case.decide(NAMESPACES, &namespace("a")).await;
        assert!(response["patch"].is_string(), "{response}");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_that_is_created_waits_until_all_tenants_of_now_are_known() {
        let mut case = Case::new(&["a"]);
        let (questions, mut asked) = mpsc::channel(1);
        case.learned.ask_at(questions);
        case.learned.show_tenants(7);
        // The watch is up to date: there is no Tenant for it.
        let newest = tokio::spawn(async move {
            let question: crate::policies::Question = asked.recv().await.unwrap();
            question.send(7).unwrap();
            asked
        });
        let begun = Instant::now();
        let response = case.decide(NAMESPACES, &namespace("b")).await;
        assert_eq!((response["allowed"].as_bool(), begun.elapsed()), (Some(true), Duration::ZERO));
        assert!(response["patch"].is_null(), "{response}");

        // The watch lags behind for longer than a Namespace would wait without knowing that.
        let mut asked = newest.await.unwrap();
        let lag = NEW_NAMESPACE * 3;
        let newest = tokio::spawn(async move {
            asked.recv().await.unwrap().send(8).unwrap();
            asked
        });
        let body = namespace("b");
        let learned = case.learned.clone();
        let (reader, begun) = (case.reader.clone(), Instant::now());
        let observers = Observers::new(&case.metrics, &case.throttles);
        let decided = decide(&reader, (NAMESPACES, &body), Deadline::of(Some("timeout=3s")), observers);
        tokio::pin!(decided);
        assert!(timeout(lag, &mut decided).await.is_err(), "it waits");
        let objects = {
            let tenant = TenantSpec {
                namespaces: Some(vec!["a".to_owned(), "b".to_owned()]),
                ..TenantSpec::default()
            };
            vec![Located { source: Source::file("x"), object: Object::new("x", tenant) }]
        };
        let day = jiff::civil::Date::constant(2026, 11, 20);
        case.writer.replace(Arc::new(Snapshot::compile_beside(objects, &[], day).unwrap().snapshot));
        learned.finish();
        learned.show_tenants(8);
        let Some(Reply::Review(review)) = decided.await else { panic!("no review") };
        assert_eq!(begun.elapsed(), lag);
        let review: Value = serde_json::from_slice(&review).unwrap();
        assert!(review["response"]["patch"].is_string(), "{review}");

        // The API server does not answer.
        let mut asked = newest.await.unwrap();
        tokio::spawn(async move { drop(asked.recv().await) });
        let begun = Instant::now();
        let response = case.decide(NAMESPACES, &namespace("c")).await;
        assert_eq!((response["allowed"].as_bool(), begun.elapsed()), (Some(true), NEW_NAMESPACE));
    }

    #[tokio::test(start_paused = true)]
    async fn policies_of_files_keep_nobody_waiting() {
        let case = Case::new(&["a"]);
        let (mut writer, reader) = store();
        writer.replace(case.reader.load().clone().unwrap());
        let begun = Instant::now();
        let observers = Observers::new(&case.metrics, &case.throttles);
        for (entry, body) in [(PODS, pod("new")), (NAMESPACES, namespace("b"))] {
            let reply = reader.reply(entry, &body, observers);
            assert!(matches!(reply, Some(Reply::Review(_))), "{reply:?}");
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn b13_the_deletion_of_a_pool_waits_for_that_of_the_tenant_that_names_it() {
        let mut case = Case::new(&["a"]);
        let tenant = json!({
            "apiVersion": "partywall.dev/v1alpha1", "kind": "Tenant", "metadata": {"name": "a"},
            "spec": {"namespaces": ["a"], "nodePools": {"default": "x"}},
        });
        let declared = |objects: &[&Value]| {
            let objects = objects.iter().filter_map(|object| decode((*object).clone())).collect();
            Arc::new(Declared { objects, ..Declared::default() })
        };
        case.writer.replace_declared(declared(&[&tenant]));
        let pool = json!({"metadata": {"name": "x"}});
        let request = json!({
            "uid": "u-1", "kind": {"group": "partywall.dev", "version": "v1alpha1", "kind": "NodePool"},
            "operation": "DELETE", "oldObject": pool, "userInfo": {"username": "somebody"},
        });
        let review =
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let body = review.to_string().into_bytes();
        let begun = Instant::now();
        let response = case.decide(Entry::ValidatePolicies, &body).await;
        assert_eq!((response["allowed"].as_bool(), begun.elapsed()), (Some(false), DELETED_TENANT));
        assert_eq!(response["status"]["code"], 409);

        let observers = Observers::new(&case.metrics, &case.throttles);
        let deadline = Deadline::of(Some("timeout=3s"));
        let decided = decide(&case.reader, (Entry::ValidatePolicies, &body), deadline, observers);
        tokio::pin!(decided);
        assert!(timeout(DELETED_TENANT / 2, &mut decided).await.is_err(), "it waits");
        case.writer.replace_declared(declared(&[]));
        case.learned.finish();
        let begun = Instant::now();
        let Some(Reply::Review(review)) = decided.await else { panic!("no review") };
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let review: Value = serde_json::from_slice(&review).unwrap();
        assert_eq!(review["response"]["allowed"], true);
    }
}
