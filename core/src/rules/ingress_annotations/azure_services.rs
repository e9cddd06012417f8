//! Knows the annotations of AKS and Azure's controllers beside the prefix of Services. None is listed.

use crate::judging::annotations::Controller;

pub(super) const AZURE_SERVICES: Controller = Controller {
    prefixes: &[
        "kubernetes.azure.com",
        "azure.com",
        "azure.workload.identity",
        "aadpodidentity.k8s.io",
        "appgw.ingress.azure.io",
    ],
    source: "https://learn.microsoft.com/azure/aks/load-balancer-standard",
    ..Controller::EMPTY
};
