//! Judges the labels by which clouds, meshes and network plugins find pods and Services of all namespaces.
//!
//! Sources: <https://azure.github.io/aad-pod-identity/docs/concepts/azureidentitybinding/>,
//! <https://istio.io/latest/docs/reference/config/labels/>,
//! <https://istio.io/latest/docs/reference/config/networking/gateway/>,
//! <https://github.com/cilium/cilium/security/advisories/GHSA-gj2r-phwg-6rww>,
//! <https://docs.tigera.io/calico/latest/reference/resources/profile>,
//! <https://kuma.io/docs/latest/reference/kubernetes-annotations/>.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Escaped, Text, reader};
use crate::judging::{Findings, Subject};
use crate::tenancy::{Owner, Tenant};
use crate::work;

/// The proxies that get the configuration of gateways of all namespaces, by the labels of Istio's own charts.
const GATEWAYS: [(&str, [&str; 3]); 2] = [
    ("istio", ["eastwestgateway", "egressgateway", "ingressgateway"]),
    ("app", ["istio-eastwestgateway", "istio-egressgateway", "istio-ingressgateway"]),
];

/// Names what is wrong with a label.
#[derive(Clone, Copy)]
enum Problem {
    /// It chooses an identity in a cloud.
    Identity,
    /// It makes a proxy a gateway of others.
    Gateway,
    /// It chooses a mesh.
    Mesh,
    /// It names a namespace of another tenant.
    Namespace,
    /// It says what only a network plugin knows.
    Plugin,
}

/// Tells what the object with the labels is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Labelled {
    /// A pod, or a template of pods.
    Pod,
    /// A Service.
    Service,
}

/// Judges the labels in the metadata at `path`.
pub(super) fn check(
    (subject, tenant): (&Subject<'_, '_>, &Tenant),
    labelled: Labelled,
    (path, labels): (&str, Option<&RawValue>),
    findings: &mut Findings<'_>,
) {
    let Some(raw) = labels.filter(|raw| raw.get() != "null" && may_matter(raw.get())) else { return };
    let mut labels = Labels { subject, tenant, labelled, path, findings };
    if reader::from_str(&mut labels, raw.get()).is_err()
        && (&mut labels).deserialize(&mut serde_json::Deserializer::from_str(raw.get())).is_err()
    {
        let message = "these labels cannot be read; correct them";
        labels.findings.add_whole(&format_args!("{path}.labels"), &message, &raw.get());
    }
}

/// Returns whether any of the labels could be one that is judged; nearly all pods have none.
///
/// The beginnings are looked for behind each quotation mark, so in values too; what is escaped could be anything.
fn may_matter(labels: &str) -> bool {
    let bytes = labels.as_bytes();
    let begins = |at: usize| {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        match rest {
            [b'a', b'a', ..] => rest.starts_with(b"aadpodidbinding"),
            [b'i', b'o', ..] => {
                rest.starts_with(b"io.cilium.k8s.") || rest.starts_with(b"io.kubernetes.pod.")
            }
            [b'i', b's', ..] => rest.starts_with(b"istio"),
            [b'k', b'u', ..] => rest.starts_with(b"kuma.io/mesh"),
            [b'l', b'i', ..] => rest.starts_with(b"linkerd.io/workload-ns"),
            [b'p', b'c', ..] => rest.starts_with(b"pcns.") || rest.starts_with(b"pcsa."),
            [b's', b'p', ..] => rest.starts_with(b"spiffe.io/spiffe-id"),
            _ => false,
        }
    };
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'"' => begins(at),
        b'\\' => true,
        b'p' => bytes.get(at..).is_some_and(|rest| rest.starts_with(b"projectcalico.org")),
        _ => false,
    })
}

struct Labels<'l, 'f, 's, 'a> {
    subject: &'s Subject<'s, 'a>,
    tenant: &'s Tenant,
    labelled: Labelled,
    path: &'l str,
    findings: &'l mut Findings<'f>,
}

impl<'de> DeserializeSeed<'de> for &mut Labels<'_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Labels<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<Text<'de>, Text<'de>>()? {
            work::charge(1);
            self.one(&key, &value);
        }
        Ok(())
    }
}

impl Labels<'_, '_, '_, '_> {
    fn one(&mut self, key: &str, value: &str) {
        let Some(problem) = self.problem(key, value) else { return };
        if self.tenant.annotations.iter().any(|listed| **listed == *key) {
            return;
        }
        let message = fmt::from_fn(|f| {
            match problem {
                Problem::Identity => {
                    f.write_str("by this label an agent gives the pod a cloud identity of others")
                }
                Problem::Gateway => write!(
                    f,
                    "a proxy with the label `{}` gets the configuration of gateways of all namespaces; write another \
                     value",
                    Escaped(value)
                ),
                Problem::Mesh => write!(f, "`{}` may be the mesh of others", Escaped(value)),
                Problem::Namespace => write!(f, "`{}` is not a namespace of the tenant", Escaped(value)),
                Problem::Plugin => f.write_str(
                    "network policies find pods by this label, and only the network plugin may write it",
                ),
            }?;
            f.write_str(
                "; remove the label, or ask the platform team to list its key in the tenant's `annotations`",
            )
        });
        let field = format_args!("{}.labels[{}]", self.path, Escaped(key));
        self.findings.add_whole(&field, &message, &format_args!("label {key}={value}"));
    }

    fn problem(&self, key: &str, value: &str) -> Option<Problem> {
        match key {
            "kuma.io/mesh" if !matches!(value, "" | "default") => Some(Problem::Mesh),
            "istio.io/use-waypoint-namespace" | "linkerd.io/workload-ns" if self.is_of_others(value) => {
                Some(Problem::Namespace)
            }
            _ if self.labelled == Labelled::Service => None,
            "aadpodidbinding" | "spiffe.io/spiffe-id" => Some(Problem::Identity),
            "istio" | "app" => {
                let is_it = |(known, values): &(&str, [&str; 3])| *known == key && values.contains(&value);
                GATEWAYS.iter().any(is_it).then_some(Problem::Gateway)
            }
            // Kubernetes, Cilium and Calico derive these from the pod's namespace and ServiceAccount.
            _ if ["io.cilium.k8s.", "io.kubernetes.pod.", "pcns.", "pcsa."]
                .iter()
                .any(|beginning| key.starts_with(beginning)) =>
            {
                Some(Problem::Plugin)
            }
            _ => {
                let (domain, _) = key.split_once('/')?;
                let before = domain.strip_suffix("projectcalico.org")?;
                (before.is_empty() || before.ends_with('.')).then_some(Problem::Plugin)
            }
        }
    }

    /// Returns whether a namespace is another tenant's; the platform may offer proxies in its own ones.
    fn is_of_others(&self, namespace: &str) -> bool {
        match self.subject.snapshot.owner(namespace) {
            Owner::Tenant(owner) => owner.name != self.tenant.name,
            // Tenants contest it, of which one may be another.
            Owner::Denied(_) => true,
            Owner::System | Owner::Unclaimed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_that_is_judged_is_looked_at() {
        for key in [
            "aadpodidbinding",
            "istio",
            "io.cilium.k8s.policy.cluster",
            "io.kubernetes.pod.namespace",
            "istio.io/use-waypoint-namespace",
            "kuma.io/mesh",
            "linkerd.io/workload-ns",
            "pcns.name",
            "pcsa.name",
            "projectcalico.org/namespace",
            "spiffe.io/spiffe-id",
            "x.projectcalico.org/serviceaccount",
            "\\u0069stio",
        ] {
            assert!(may_matter(&format!(r#"{{"app":"web","{key}":"x"}}"#)), "{key}");
        }
        for (_, values) in GATEWAYS {
            for value in values.iter().filter(|value| value.starts_with("istio")) {
                assert!(may_matter(&format!(r#"{{ "app" : "{value}" }}"#)), "{value}");
            }
        }
        assert!(!may_matter(r#"{"app":"web","app.kubernetes.io/part-of":"shop","pod-template-hash":"5d4"}"#));
    }
}
