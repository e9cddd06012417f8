//! partywall's own objects in a cluster: their definitions, and what the API server is told of them.

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::{define, manifests};
use crate::users::User;

pub(crate) fn definitions_and_installation_are_accepted_without_a_warning(cluster: &Cluster) {
    define(cluster);
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: partywall-system}\n";
    let apply = ["apply", "--server-side", "-f", "-"];
    cluster.kubectl(User::Admin).args(apply).stdin(namespace).succeeds();
    let dry_run = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
    let said = cluster.kubectl(User::Admin).args(dry_run).stdin(manifests(&["install"])).succeeds();
    assert!(!said.stderr.contains("Warning"), "{}", said.stderr);
    assert_eq!(said.stdout.matches("serverside-applied").count(), 12, "{}", said.stdout);

    let explain = |path: &str| cluster.kubectl(User::Admin).args(["explain", path]).succeeds().stdout;
    let said = explain("tenants.partywall.dev.spec.nodePools");
    for text in ["GROUP:      partywall.dev", "default\t<string> -required-", "NodePool", "of partywall.dev"]
    {
        assert!(said.contains(text), "{text}: {said}");
    }
    let said = cluster.kubectl(User::Admin).args(["get", "pwtenant"]).succeeds();
    assert!(
        said.stderr.contains("No resources found") || said.stdout.contains("ENFORCEMENT"),
        "{}",
        said.stdout
    );
}

const TENANT: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: own-objects}
spec: {namespaces: [own-objects], nodePools: {default: own-objects}}
";
const EXEMPTION: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Exemption
metadata: {name: own-objects}
spec:
  tenant: own-objects
  namespace: own-objects
  rules: [tolerations]
  target: {kind: DaemonSet, name: agent}
  reason: an agent
  expires: \"2099-12-31\"
";
const POOL: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: own-objects}
spec:
  nodeSelector: {node-restriction.kubernetes.io/pool: own-objects}
  taints: [{key: pool, value: own-objects, effect: NoSchedule}]
";

pub(crate) fn partywalls_own_objects_apply_in_any_order_and_mistakes_are_refused_by_name(cluster: &Cluster) {
    define(cluster);
    cluster.kubectl(User::Admin).apply(cluster.own_objects_webhook()).succeeds();
    let apply = ["apply", "--server-side", "-f", "-"];
    let wrong = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: own-objects-wrong}
spec: {namespaces: [own-objects-wrong], podSecurity: {level: baseline, alow: {}}}
";
    eventually(SOON, "a misspelt field is refused by name", || {
        let said = cluster.kubectl(User::Admin).args(apply).args(["--dry-run=server"]).stdin(wrong).run();
        let expected = "unknown field `alow`, did you mean `allow`?";
        if said.code != Some(0) && said.stderr.contains(expected) { Ok(()) } else { Err(said.stderr) }
    });
    // The API server itself refuses what has no shape.
    for (text, becomes, expected) in [
        (TENANT, TENANT.replace("default: own-objects", "default: [own-objects]"), "expected string"),
        (EXEMPTION, EXEMPTION.replace("2099-12-31", "soon"), "this is no date"),
        (TENANT, TENANT.replace("[own-objects]", "[\"Own Objects\"]"), "this is no name of a namespace"),
    ] {
        assert_ne!(text, becomes);
        let said = cluster.kubectl(User::Admin).args(apply).stdin(becomes).fails();
        assert!(said.stderr.contains(expected), "{}", said.stderr);
    }
    // Nothing of what these name is there yet.
    for text in [EXEMPTION, TENANT, POOL] {
        cluster.kubectl(User::Admin).args(apply).args(["--dry-run=server"]).stdin(text).succeeds();
    }
    for text in [EXEMPTION, TENANT, POOL] {
        cluster.kubectl(User::Admin).args(apply).stdin(text).succeeds();
    }
    let said = cluster.kubectl(User::Admin).args(["get", "tenants.partywall.dev", "own-objects"]).succeeds();
    assert!(said.stdout.contains("NAMESPACES") && said.stdout.contains("own-objects"), "{}", said.stdout);
    let all =
        ["delete", "exemptions.partywall.dev,tenants.partywall.dev,nodepools.partywall.dev", "own-objects"];
    cluster.kubectl(User::Admin).args(all).succeeds();
    let configuration = ["delete", "validatingwebhookconfiguration", "partywall-own-objects"];
    cluster.kubectl(User::Admin).args(configuration).succeeds();
}
