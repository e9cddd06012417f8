//! Lists controllers that are known only by their prefixes: the rule denies all their annotations.

use crate::judging::annotations::Controller;

pub(super) const OTHERS: Controller = Controller {
    prefixes: &[
        "traefik.me",
        "voyager.appscode.com",
        "gloo.solo.io",
        "kgateway.dev",
        "ingress.kong.com",
        "easegress.io",
        "openelb.io",
        "kubesphere.io",
        "porter.kubesphere.io",
        "zerotier.com",
        "netbird.io",
        "inlets.io",
        "ngrok.com",
        "pomerium.io",
        "skupper.io",
        "submariner.io",
        "k8gb.io",
        "bfe.ingress.kubernetes.io",
        "bunkerweb.io",
        "caddy.ingress.kubernetes.io",
        "easegress.ingress.kubernetes.io",
        "eip.openelb.kubesphere.io",
        "higress.io",
        "ingress.appscode.com",
        "ingress.cilium.io",
        "inlets.dev",
        "lb.kubesphere.io",
        "loxilb.io",
        "mse.ingress.kubernetes.io",
        "tyk.io",
    ],
    keys: &[],
    source: "https://kubernetes.io/docs/concepts/services-networking/ingress-controllers/",
    ..Controller::EMPTY
};
