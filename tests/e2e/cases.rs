//! What is tried out, and the table that the runner reads.

mod smoke;

use crate::cluster::Cluster;

/// One thing that must hold. A case fails by panicking.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Cluster),
    /// Nothing else runs meanwhile, and what it took away from the cluster is put back afterwards.
    pub(crate) alone: bool,
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        together(
            "a_tenants_deployment_runs_on_its_own_node",
            smoke::a_tenants_deployment_runs_on_its_own_node,
        ),
        together("a_tenants_load_balancer_is_refused", smoke::a_tenants_load_balancer_is_refused),
        together("a_namespace_with_a_bound_pod_goes", smoke::a_namespace_with_a_bound_pod_goes),
    ]
}

/// A case that runs beside others, so it keeps to namespaces of its own.
fn together(name: &'static str, run: fn(&Cluster)) -> Case {
    Case { name, run, alone: false }
}

/// A case that changes what others rely on.
fn alone(name: &'static str, run: fn(&Cluster)) -> Case {
    Case { name, run, alone: true }
}
