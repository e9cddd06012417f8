//! Lists what managed platforms add to a cluster, for the field `provider` of Settings.
//!
//! Each list names its source. A namespace is on a list only if the platform itself creates it and runs its own agents
//! there, since partywall judges nothing in it, and trusts its ServiceAccounts. A toleration is on a list only if the
//! platform's own webhook adds it to pods; it holds for no taint of a NodePool.

use crate::api::{Effect, Operator, Provider};
use crate::tenancy::AllowedToleration;

/// Holds what a platform adds.
pub(super) struct Additions {
    /// The namespaces that the platform creates for its agents.
    pub(super) system_namespaces: &'static [&'static str],
    /// The users that write namespaces and other objects for the platform, beside the ServiceAccounts of the
    /// namespaces above.
    pub(super) users: &'static [&'static str],
    /// The tolerations that the platform adds to pods.
    tolerations: &'static [Added],
}

/// Holds a toleration that a platform adds: key, value (`None` means any), and effect.
type Added = (&'static str, Option<&'static str>, Effect);

impl Additions {
    /// Returns the tolerations that the platform adds to pods.
    pub(super) fn tolerations(&self) -> impl Iterator<Item = AllowedToleration> {
        self.tolerations.iter().map(|(key, value, effect)| AllowedToleration {
            key: (*key).into(),
            operator: if value.is_some() { Operator::Equal } else { Operator::Exists },
            value: value.unwrap_or_default().into(),
            effect: Some(*effect),
        })
    }
}

/// Returns what a platform adds.
pub(super) const fn additions(provider: Provider) -> &'static Additions {
    match provider {
        Provider::EKS => &EKS,
        Provider::AKS => &AKS,
        Provider::GKE => &GKE,
        Provider::OpenShift => &OPENSHIFT,
    }
}

const EKS: Additions = Additions {
    system_namespaces: &[
        // https://docs.aws.amazon.com/eks/latest/userguide/cloudwatch.html
        "amazon-cloudwatch",
        // https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-assessing-coverage-eks.html
        "amazon-guardduty",
        // https://docs.aws.amazon.com/eks/latest/userguide/fargate-logging.html
        "aws-observability",
    ],
    // https://docs.aws.amazon.com/eks/latest/userguide/default-roles-users.html
    users: &["eks:addon-manager"],
    tolerations: &[
        // https://docs.aws.amazon.com/eks/latest/userguide/fargate.html: pods of a Fargate profile get it.
        ("eks.amazonaws.com/compute-type", Some("fargate"), Effect::NoSchedule),
    ],
};

const AKS: Additions = Additions {
    system_namespaces: &[
        // https://learn.microsoft.com/azure/governance/policy/concepts/policy-for-kubernetes
        "gatekeeper-system",
        // https://learn.microsoft.com/azure/aks/use-network-policies
        "calico-system",
        "tigera-operator",
        // https://learn.microsoft.com/azure/aks/app-routing
        "app-routing-system",
        // https://learn.microsoft.com/azure/aks/istio-deploy-addon
        "aks-istio-system",
    ],
    users: &[],
    tolerations: &[
        // https://learn.microsoft.com/azure/aks/spot-node-pool
        ("kubernetes.azure.com/scalesetpriority", Some("spot"), Effect::NoSchedule),
    ],
};

const GKE: Additions = Additions {
    // https://cloud.google.com/stackdriver/docs/managed-prometheus/setup-managed has the first three;
    // https://cloud.google.com/kubernetes-engine/docs/how-to/configure-metrics and the pages of the add-ons, the
    // others.
    system_namespaces: &[
        "gke-gmp-system",
        "gmp-public",
        "gmp-system",
        "gke-connect",
        "gke-managed-checkpointing",
        "gke-managed-cim",
        "gke-managed-dpv2-observability",
        "gke-managed-filestorecsi",
        "gke-managed-lustrecsi",
        "gke-managed-metrics-server",
        "gke-managed-parallelstorecsi",
        "gke-managed-system",
        "gke-managed-volumepopulator",
        "gke-system",
    ],
    users: &[],
    tolerations: &[
        // https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment
        ("kubernetes.io/arch", Some("arm64"), Effect::NoSchedule),
        ("kubernetes.io/arch", Some("amd64"), Effect::NoSchedule),
        // https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms
        ("cloud.google.com/gke-spot", Some("true"), Effect::NoSchedule),
        // https://cloud.google.com/kubernetes-engine/docs/concepts/about-custom-compute-classes
        ("cloud.google.com/compute-class", None, Effect::NoSchedule),
    ],
};

const OPENSHIFT: Additions = Additions {
    // The namespaces of the release's own operators: https://github.com/openshift/enhancements, and
    // https://docs.redhat.com/en/documentation/openshift_container_platform, "Cluster Operators reference". Namespaces
    // of operators that are installed later, such as `openshift-operators`, are not among them.
    system_namespaces: &[
        "openshift-apiserver",
        "openshift-apiserver-operator",
        "openshift-authentication",
        "openshift-authentication-operator",
        "openshift-cloud-controller-manager",
        "openshift-cloud-controller-manager-operator",
        "openshift-cloud-credential-operator",
        "openshift-cloud-network-config-controller",
        "openshift-cluster-csi-drivers",
        "openshift-cluster-machine-approver",
        "openshift-cluster-node-tuning-operator",
        "openshift-cluster-samples-operator",
        "openshift-cluster-storage-operator",
        "openshift-cluster-version",
        "openshift-config",
        "openshift-config-managed",
        "openshift-config-operator",
        "openshift-console",
        "openshift-console-operator",
        "openshift-controller-manager",
        "openshift-controller-manager-operator",
        "openshift-dns",
        "openshift-dns-operator",
        "openshift-etcd",
        "openshift-etcd-operator",
        "openshift-image-registry",
        "openshift-infra",
        "openshift-ingress",
        "openshift-ingress-canary",
        "openshift-ingress-operator",
        "openshift-insights",
        "openshift-kube-apiserver",
        "openshift-kube-apiserver-operator",
        "openshift-kube-controller-manager",
        "openshift-kube-controller-manager-operator",
        "openshift-kube-scheduler",
        "openshift-kube-scheduler-operator",
        "openshift-kube-storage-version-migrator",
        "openshift-kube-storage-version-migrator-operator",
        "openshift-machine-api",
        "openshift-machine-config-operator",
        "openshift-marketplace",
        "openshift-monitoring",
        "openshift-multus",
        "openshift-network-diagnostics",
        "openshift-network-node-identity",
        "openshift-network-operator",
        "openshift-node",
        "openshift-oauth-apiserver",
        "openshift-operator-lifecycle-manager",
        "openshift-ovn-kubernetes",
        "openshift-route-controller-manager",
        "openshift-service-ca",
        "openshift-service-ca-operator",
    ],
    users: &[],
    tolerations: &[],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenancy::compile::names::{is_dns_label, is_label_value, is_qualified_name};

    #[test]
    fn the_lists_are_well_formed() {
        for provider in [Provider::EKS, Provider::AKS, Provider::GKE, Provider::OpenShift] {
            let additions = additions(provider);
            let mut namespaces = additions.system_namespaces.to_vec();
            assert!(namespaces.iter().all(|name| is_dns_label(name)), "{provider:?}");
            namespaces.sort_unstable();
            namespaces.dedup();
            assert_eq!(namespaces.len(), additions.system_namespaces.len(), "{provider:?}");
            for toleration in additions.tolerations() {
                assert!(is_qualified_name(&toleration.key) && is_label_value(&toleration.value));
            }
        }
    }
}
