//! Compares the CAs of the webhook configurations with those of the replicas.

use std::collections::{BTreeMap, BTreeSet};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use super::deployment;
use super::finding::{Look, Outcome, some_of};
use super::replicas;
use super::seen::Lease;
use super::webhooks;
use crate::cluster::facts::{Fingerprint, Replica};
use crate::cluster::installation::{CA_SECRET, CONFIGURATIONS};
use crate::x509;

/// The seconds before the end of a CA in which it is told.
const NOTICE: i64 = 30 * 24 * 60 * 60;
/// What the arguments and variables of a Deployment begin with whose replicas keep no CAs.
const OTHER_SOURCES: [&str; 4] =
    ["--tls-cert", "--certificate-secret", "PARTYWALL_TLS_CERT", "PARTYWALL_CERTIFICATE_SECRET"];

/// What the check needs.
pub(super) struct Given<'g> {
    pub(super) mutating: &'g Look<Option<Value>>,
    pub(super) validating: &'g Look<Option<Value>>,
    pub(super) leases: &'g Look<Vec<Lease>>,
    pub(super) has_secret: &'g Look<bool>,
    pub(super) deployment: &'g Look<Option<Value>>,
    /// The namespace of partywall.
    pub(super) namespace: &'g str,
    /// The time, in seconds since 1970.
    pub(super) now: i64,
}

/// The CAs of a bundle, each with its end in seconds since 1970.
type Bundle = BTreeMap<Fingerprint, Option<i64>>;

pub(super) fn check(given: &Given<'_>) -> Outcome {
    let Given { mutating, validating, leases, has_secret, deployment, namespace, now } = given;
    let mut outcome = Outcome::default();
    let both = [("MutatingWebhookConfiguration", mutating), ("ValidatingWebhookConfiguration", validating)];
    let mut all = Bundle::new();
    let leases = outcome.look(leases);
    let replicas: Vec<_> = leases.into_iter().flat_map(|leases| replicas::alive(leases)).collect();
    for (kind, look) in both {
        let Some(Some(configuration)) = outcome.look(look) else { continue };
        let object = format!("{kind} {}", CONFIGURATIONS);
        let mut by_bundle: BTreeMap<Option<BTreeSet<Fingerprint>>, Vec<&str>> = BTreeMap::new();
        for entry in webhooks::entries(configuration) {
            let bundle = webhooks::bundle(entry).and_then(|pem| read(&pem));
            let cas = bundle.as_ref().map(|bundle| bundle.keys().copied().collect());
            all.extend(bundle.into_iter().flatten());
            by_bundle.entry(cas).or_default().push(webhooks::name(entry));
        }
        if let Some(names) = by_bundle.remove(&None) {
            let cause = format!(
                "{} of its entries have no CA that can be read ({}): so the API server trusts partywall only if a CA \
                 of its own system signed the certificate",
                names.len(),
                some_of(names)
            );
            let cure = "a replica that registers writes it; with `--registration=external`, give `partywall manifests \
                        webhooks` the `--ca-bundle`, or let cert-manager's injector write it";
            outcome.find(object.clone(), cause, cure);
        }
        if by_bundle.len() > 1 {
            let cause =
                "its entries trust different CAs, so that some calls fail once the certificate is another's";
            outcome.find(
                object.clone(),
                cause,
                "a replica that registers writes one bundle; see `replicas` here",
            );
        }
        let everywhere =
            by_bundle.into_keys().flatten().reduce(|one, other| one.intersection(&other).copied().collect());
        let Some(everywhere) = everywhere else { continue };
        for (lease, replica) in &replicas {
            let lease = format!("Lease {namespace}/{}", lease.name);
            if replica.signer.is_some_and(|signer| !everywhere.contains(&signer)) {
                let cause = format!(
                    "its replica serves a certificate of a CA that the {object} lacks: calls to it fail"
                );
                let cure = "a replica that registers writes the bundle of all; if the registration is paused or \
                            external, write its CA into each `caBundle`";
                outcome.find(lease, cause, cure);
            } else if !replica.cas.is_subset(&everywhere) {
                let cause =
                    format!("its replica will serve certificates of a CA that the {object} lacks yet");
                let cure = "this lasts seconds where replicas register; if it lasts longer, see their logs";
                outcome.find(lease, cause, cure);
            }
        }
    }
    ends(&all, &replicas, namespace, *now, &mut outcome);
    let is_own = replicas.iter().any(|(_, replica)| replica.signer.is_some());
    if is_own && outcome.look(has_secret).is_some_and(|has_secret| !has_secret) {
        let deployment = outcome.look(deployment).and_then(Option::as_ref);
        if !deployment.is_some_and(has_other_source) {
            let cause = "the Secret with the CAs is not there: if no replica is left that knows them, the next one \
                         begins with others, which the API server does not trust yet";
            let cure = "a replica that keeps the CAs restores it within seconds; if it does not, see its log and the \
                        Role `partywall`";
            outcome.find(format!("Secret {namespace}/{CA_SECRET}"), cause, cure);
        }
    }
    outcome
}

/// Finds CAs that have ended, or end soon, and that callers need.
fn ends(bundle: &Bundle, replicas: &[(&Lease, &Replica)], namespace: &str, now: i64, outcome: &mut Outcome) {
    let signers: BTreeSet<Fingerprint> = replicas.iter().filter_map(|(_, replica)| replica.signer).collect();
    let needed = |ca: &Fingerprint| signers.is_empty() || signers.contains(ca);
    for (ca, end) in bundle.iter().filter(|(ca, _)| needed(ca)) {
        let Some(end) = end else { continue };
        let short: String = ca.to_string().chars().take(16).collect();
        let object = format!("CA {short}... of namespace {namespace}");
        let cure = "partywall replaces its own CAs long before, so see the logs; for others, certs/README.md has the \
                    steps";
        if *end <= now {
            outcome.find(object, "it has ended, so the API server trusts no certificate of it", cure);
        } else if *end - now < NOTICE {
            outcome.find(object, "it ends within 30 days", cure);
        }
    }
}

/// Reads the certificates of a bundle; `None` if there are none.
fn read(pem: &[u8]) -> Option<Bundle> {
    let certificates: Vec<CertificateDer<'_>> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    let of = |certificate: &CertificateDer<'_>| {
        let end = x509::validity(certificate).map(|validity| validity.not_after);
        (Fingerprint::of(certificate), end)
    };
    let bundle: Bundle = certificates.iter().map(of).collect();
    (!bundle.is_empty()).then_some(bundle)
}

/// Returns whether the replicas of a Deployment get their certificate from elsewhere.
fn has_other_source(deployment: &Value) -> bool {
    let words = deployment::words(deployment);
    words.iter().any(|word| OTHER_SOURCES.iter().any(|source| word.starts_with(source)))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use serde_json::json;

    use super::*;
    /// 2026-12-01.
    const NOW: i64 = 1_796_083_200;

    struct Ca {
        pem: String,
        fingerprint: Fingerprint,
    }

    fn ca(year: i32, month: u8) -> Ca {
        let mut params = CertificateParams::new(vec!["ca".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, month, 15);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Ca { pem: certificate.pem(), fingerprint: Fingerprint::of(certificate.der()) }
    }

    fn configuration(bundles: &[&[&Ca]]) -> Look<Option<Value>> {
        let entry = |(index, cas): (usize, &&[&Ca])| {
            let pem: String = cas.iter().map(|ca| ca.pem.as_str()).collect();
            json!({"name": format!("e{index}.partywall.dev"), "clientConfig": {"caBundle": STANDARD.encode(pem)}})
        };
        let entries: Vec<Value> = bundles.iter().enumerate().map(entry).collect();
        Ok(Some(json!({"webhooks": entries})))
    }

    fn lease(signer: Option<&Ca>, cas: &[&Ca]) -> Lease {
        let replica = Replica {
            name: "a".to_owned(),
            signer: signer.map(|ca| ca.fingerprint),
            cas: cas.iter().map(|ca| ca.fingerprint).collect(),
            ..Replica::default()
        };
        Lease { name: "partywall-replica-a".to_owned(), replica: Some(replica), is_live: true }
    }

    fn found(bundles: &[&[&Ca]], lease: Lease, has_secret: bool, args: &[&str]) -> Vec<String> {
        let container = json!({"args": args, "env": [{"name": "PARTYWALL_LISTEN", "value": "x"}]});
        let outcome = check(&Given {
            mutating: &configuration(bundles),
            validating: &Ok(None),
            leases: &Ok(vec![lease]),
            has_secret: &Ok(has_secret),
            deployment: &Ok(Some(json!({"spec": {"template": {"spec": {"containers": [container]}}}}))),
            namespace: "partywall-system",
            now: NOW,
        });
        assert!(outcome.not_looked_at.is_empty());
        outcome.findings.into_iter().map(|finding| format!("{}: {}", finding.object, finding.cause)).collect()
    }

    #[test]
    fn a_bundle_with_all_cas_of_the_replicas_is_fine() {
        let (one, next) = (ca(2028, 1), ca(2029, 1));
        assert_eq!(
            found(&[&[&one, &next], &[&one, &next]], lease(Some(&one), &[&one, &next]), true, &[]),
            [""; 0]
        );
        // The certificate is in files, and nobody knows who signed it.
        assert_eq!(found(&[&[&one]], lease(None, &[]), false, &["serve", "--tls-cert=a"]), [""; 0]);
        assert_eq!(found(&[&[&one]], lease(Some(&one), &[]), false, &["serve", "--tls-cert=a"]), [""; 0]);
    }

    #[test]
    fn what_would_make_calls_fail_is_found() {
        let (one, next, ended, ending) = (ca(2028, 1), ca(2029, 1), ca(2026, 11), ca(2026, 12));
        let only = |mut found: Vec<String>| {
            assert_eq!(found.len(), 1, "{found:?}");
            found.remove(0)
        };
        let none = only(found(&[&[], &[&one]], lease(Some(&one), &[&one]), true, &[]));
        assert!(none.contains("1 of its entries have no CA that can be read (`e0.partywall.dev`)"), "{none}");
        let other = only(found(&[&[&one]], lease(Some(&next), &[&one]), true, &[]));
        assert!(
            other.contains("of a CA that the MutatingWebhookConfiguration partywall lacks: calls"),
            "{other}"
        );
        let later = only(found(&[&[&one]], lease(Some(&one), &[&one, &next]), true, &[]));
        assert!(later.contains("will serve certificates of a CA"), "{later}");
        let different = only(found(&[&[&one, &next], &[&one]], lease(Some(&one), &[&one]), true, &[]));
        assert!(different.contains("trust different CAs"), "{different}");
        let ended = only(found(&[&[&ended]], lease(Some(&ended), &[&ended]), true, &[]));
        assert!(ended.contains("it has ended"), "{ended}");
        let ending = only(found(&[&[&ending]], lease(Some(&ending), &[&ending]), true, &[]));
        assert!(ending.contains("it ends within 30 days"), "{ending}");
        let secret = only(found(&[&[&one]], lease(Some(&one), &[&one]), false, &["serve"]));
        assert!(secret.starts_with("Secret partywall-system/partywall-ca: "), "{secret}");
    }
}
