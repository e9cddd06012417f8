//! The system namespaces: partywall's own is always one of them, and `kube-system` should be.

use super::*;

#[test]
fn the_namespace_of_partywall_is_the_systems_whatever_is_listed() {
    let settings =
        |names: &[&str]| SettingsSpec { system_namespaces: Some(strings(names)), ..SettingsSpec::default() };
    for names in [&["kube-system"][..], &["kube-system", "of-partywall"]] {
        let compiled =
            compile(&[object("default", settings(names)), object("a", tenant(&["a", "of-partywall"]))]);
        assert_eq!(owner(&compiled, "of-partywall"), "the system");
        assert_eq!(findings(&compiled), ["Tenant/a Conflict spec.namespaces[1]"]);
        let system = compiled.snapshot.system_namespaces();
        assert_eq!(system.iter().filter(|name| **name == "of-partywall").count(), 1, "{system:?}");
    }
    assert_eq!(owner(&compile(&[]), "of-partywall"), "the system");
}

#[test]
fn settings_without_kube_system_hold_with_a_warning() {
    let warnings = |names: &[&str]| -> Vec<String> {
        let settings = SettingsSpec { system_namespaces: Some(strings(names)), ..SettingsSpec::default() };
        let compiled = compile(&[object("default", settings)]);
        assert_eq!(findings(&compiled), [""; 0]);
        compiled
            .states
            .into_values()
            .flat_map(|state| state.warnings)
            .map(|one| one.what().to_string())
            .collect()
    };
    let told = warnings(&["calico-system"]);
    let [warning] = &told[..] else { panic!("{told:?}") };
    assert!(
        warning.starts_with("spec.systemNamespaces = [\"calico-system\"]: without `kube-system`"),
        "{warning}"
    );
    assert_eq!(warnings(&["calico-system", "kube-system"]), [""; 0]);
}
