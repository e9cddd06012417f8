//! Lists controllers that are known only by their prefixes: the rule denies all their annotations.

use super::table::Controller;

pub(super) const OTHERS: Controller = Controller {
    prefixes: &[
        "ako.vmware.com",
        "aviinfrasetting.ako.vmware.com",
        "bfe.ingress.kubernetes.io",
        "caddy.ingress.kubernetes.io",
        "cis.f5.com",
        "easegress.ingress.kubernetes.io",
        "eip.openelb.kubesphere.io",
        "higress.io",
        "ingress.appscode.com",
        "ingress.cilium.io",
        "ingress.citrix.com",
        "ingress.pomerium.io",
        "inlets.dev",
        "k8s.ngrok.com",
        "lb.kubesphere.io",
        "loxilb.io",
        "mse.ingress.kubernetes.io",
        "projectcalico.org",
        "service.antrea.io",
        "tailscale.com",
        "tyk.io",
        "virtual-server.f5.com",
    ],
    keys: &[],
    source: "https://kubernetes.io/docs/concepts/services-networking/ingress-controllers/",
    ..Controller::EMPTY
};
