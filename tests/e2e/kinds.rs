//! The API paths of kinds.

/// Returns the path of a kind's objects in a namespace, or of cluster-scoped objects if the namespace is empty.
pub(crate) fn path(kind: &str, namespace: &str) -> String {
    let (group, plural) = match kind {
        "ConfigMap" => ("api/v1", "configmaps"),
        "Endpoints" => ("api/v1", "endpoints"),
        "Secret" => ("api/v1", "secrets"),
        "Event" => ("api/v1", "events"),
        "Namespace" => ("api/v1", "namespaces"),
        "Node" => ("api/v1", "nodes"),
        "Pod" => ("api/v1", "pods"),
        "Service" => ("api/v1", "services"),
        "ServiceAccount" => ("api/v1", "serviceaccounts"),
        "EndpointSlice" => ("apis/discovery.k8s.io/v1", "endpointslices"),
        "DaemonSet" => ("apis/apps/v1", "daemonsets"),
        "Deployment" => ("apis/apps/v1", "deployments"),
        "ReplicaSet" => ("apis/apps/v1", "replicasets"),
        "StatefulSet" => ("apis/apps/v1", "statefulsets"),
        "Job" => ("apis/batch/v1", "jobs"),
        "CronJob" => ("apis/batch/v1", "cronjobs"),
        "Ingress" => ("apis/networking.k8s.io/v1", "ingresses"),
        "NetworkPolicy" => ("apis/networking.k8s.io/v1", "networkpolicies"),
        "CustomResourceDefinition" => ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
        "PersistentVolumeClaim" => ("api/v1", "persistentvolumeclaims"),
        "PodGroup" => ("apis/scheduling.k8s.io/v1beta1", "podgroups"),
        "CompositePodGroup" => ("apis/scheduling.k8s.io/v1beta1", "compositepodgroups"),
        "Workload" => ("apis/scheduling.k8s.io/v1beta1", "workloads"),
        "ResourceClaim" => ("apis/resource.k8s.io/v1", "resourceclaims"),
        "HTTPRoute" => ("apis/gateway.networking.k8s.io/v1", "httproutes"),
        "Certificate" => ("apis/cert-manager.io/v1", "certificates"),
        "ClusterRoleBinding" => ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
        "Role" => ("apis/rbac.authorization.k8s.io/v1", "roles"),
        "RoleBinding" => ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
        "MutatingWebhookConfiguration" => {
            ("apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations")
        }
        "ValidatingWebhookConfiguration" => {
            ("apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations")
        }
        other => panic!("kinds.rs does not know where the objects of kind {other} are"),
    };
    match namespace {
        "" => format!("/{group}/{plural}"),
        _ => format!("/{group}/namespaces/{namespace}/{plural}"),
    }
}
