//! What a managed platform adds to the embedded Settings.

use super::*;

fn of(provider: &str) -> Loaded {
    load(&(tenant("a", "{}") + &good_pool("p") + &settings(&format!("{{provider: {provider}}}")))).unwrap()
}

#[test]
fn o6_a_provider_adds_its_system_namespaces_and_tolerations() {
    for (provider, namespace, toleration) in [
        ("EKS", "amazon-guardduty", Some("eks.amazonaws.com/compute-type")),
        ("AKS", "calico-system", Some("kubernetes.azure.com/scalesetpriority")),
        ("GKE", "gmp-system", Some("cloud.google.com/gke-spot")),
        ("OpenShift", "openshift-infra", None),
    ] {
        let Loaded { snapshot, warnings } = of(provider);
        assert_eq!(warnings, [], "{provider}");
        for namespace in [namespace, "kube-system", "partywall-system"] {
            assert!(matches!(snapshot.owner(namespace), Owner::System), "{provider} {namespace}");
        }
        let has = |key: &str| snapshot.tolerations.iter().any(|toleration| *toleration.key == *key);
        assert!(toleration.is_none_or(has), "{provider}");
    }
    let usual = load(&tenant("a", "{}")).unwrap().snapshot;
    assert!(usual.tolerations.is_empty() && matches!(usual.owner("gmp-system"), Owner::Unclaimed));
}

#[test]
fn o6_the_controllers_of_a_platform_are_trusted_in_its_namespaces() {
    let controller = "system:serviceaccount:openshift-infra:namespace-security-allocation-controller";
    assert!(of("OpenShift").snapshot.platform.users.contains(controller));
    assert!(!of("GKE").snapshot.platform.users.contains(controller));
    assert!(of("EKS").snapshot.platform.users.contains("eks:addon-manager"));
}

#[test]
fn a_list_that_the_settings_contain_replaces_what_the_provider_adds() {
    let spec = "{provider: GKE, systemNamespaces: [kube-system], platform: {users: [ada]}}";
    let snapshot = load(&(tenant("a", "{}") + &settings(spec))).unwrap().snapshot;
    assert_eq!(snapshot.system_namespaces(), ["kube-system"]);
    assert_eq!(*snapshot.platform.users, ["ada".into()]);
}

#[test]
fn o6_no_toleration_of_a_provider_reaches_a_pool() {
    let spot = pool(
        "spot",
        "{nodeSelector: {node-restriction.kubernetes.io/pool: spot}, \
          taints: [{key: cloud.google.com/gke-spot, value: \"true\"}]}",
    );
    let text = tenant("a", "{nodePools: {default: spot}}") + &spot + &settings("{provider: GKE}");
    let snapshot = load(&text).unwrap().snapshot;
    let has = |key: &str| snapshot.tolerations.iter().any(|toleration| *toleration.key == *key);
    assert!(!has("cloud.google.com/gke-spot") && has("cloud.google.com/compute-class"));
}

#[test]
fn providers_are_checked() {
    assert_each_has_one(&[
        ("an unknown one", settings("{provider: gke}"), "spec.provider", r#""gke""#, "`GKE`"),
        (
            "a namespace of the platform as a tenant's",
            tenant("a", "{namespaces: [gmp-system]}") + &settings("{provider: GKE}"),
            "spec.namespaces[0]",
            r#""gmp-system""#,
            "`systemNamespaces`",
        ),
    ]);
}
