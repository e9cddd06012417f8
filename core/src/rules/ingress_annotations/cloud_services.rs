//! Lists the annotations for load balancers of Services, whose prefixes several cloud providers share.
//!
//! The providers pass values to an API. Documented but not listed: keys that name objects of the whole account, network
//! or cluster, which may be another tenant's (subnets, security groups, addresses and pools by name, existing load
//! balancers, buckets for logs, labels of DNS names, keys by which Services share an address).

use crate::judging::annotations::AllowedValue::{
    Addresses, Attributes, Cluster, Controllers, Hosts, Plain, Ranges,
};
use crate::judging::annotations::Controller;

/// Cloud providers and the AWS Load Balancer Controller, on Services.
pub(super) const PREFIX_OF_SERVICES: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    keys: &[
        (
            Plain,
            &[
                "aws-load-balancer-access-log-emit-interval",
                "aws-load-balancer-access-log-enabled",
                "aws-load-balancer-additional-resource-tags",
                "aws-load-balancer-alpn-policy",
                "aws-load-balancer-backend-protocol",
                "aws-load-balancer-connection-draining-enabled",
                "aws-load-balancer-connection-draining-timeout",
                "aws-load-balancer-connection-idle-timeout",
                "aws-load-balancer-cross-zone-load-balancing-enabled",
                "aws-load-balancer-enable-icmp-for-path-mtu-discovery",
                "aws-load-balancer-enable-prefix-for-ipv6-source-nat",
                "aws-load-balancer-enable-tcp-udp-listener",
                "aws-load-balancer-inbound-sg-rules-on-private-link-traffic",
                "aws-load-balancer-internal",
                "aws-load-balancer-ip-address-type",
                "aws-load-balancer-manage-backend-security-group-rules",
                "aws-load-balancer-minimum-load-balancer-capacity",
                "aws-load-balancer-multi-cluster-target-group",
                "aws-load-balancer-nlb-target-type",
                "aws-load-balancer-proxy-protocol",
                "aws-load-balancer-proxy-protocol-per-target-group",
                "aws-load-balancer-quic-enabled-ports",
                "aws-load-balancer-scheme",
                "aws-load-balancer-ssl-cert",
                "aws-load-balancer-ssl-negotiation-policy",
                "aws-load-balancer-ssl-ports",
                "aws-load-balancer-target-group-attributes",
                "aws-load-balancer-target-node-labels",
                "aws-load-balancer-type",
                "azure-load-balancer-disable-tcp-reset",
                "azure-load-balancer-enable-high-availability-ports",
                "azure-load-balancer-internal",
                "azure-load-balancer-tcp-idle-timeout",
                "do-loadbalancer-algorithm",
                "do-loadbalancer-certificate-id",
                "do-loadbalancer-enable-backend-keepalive",
                "do-loadbalancer-enable-proxy-protocol",
                "do-loadbalancer-http-idle-timeout-seconds",
                "do-loadbalancer-http-ports",
                "do-loadbalancer-http2-ports",
                "do-loadbalancer-http3-port",
                "do-loadbalancer-protocol",
                "do-loadbalancer-redirect-http-to-https",
                "do-loadbalancer-size-slug",
                "do-loadbalancer-size-unit",
                "do-loadbalancer-type",
                "oci-load-balancer-backend-protocol",
                "oci-load-balancer-connection-idle-timeout",
                "oci-load-balancer-connection-proxy-protocol-version",
                "oci-load-balancer-internal",
                "oci-load-balancer-shape",
                "oci-load-balancer-shape-flex-max",
                "oci-load-balancer-shape-flex-min",
                "oci-load-balancer-ssl-ports",
                "openstack-internal-load-balancer",
                "tolerate-unready-endpoints",
                "topology-aware-hints",
                "topology-mode",
            ],
        ),
        (Ranges, &["azure-allowed-ip-ranges", "load-balancer-source-ranges"]),
        (Attributes, &["aws-load-balancer-attributes"]),
        (
            Addresses,
            &[
                "aws-load-balancer-ipv6-addresses",
                "aws-load-balancer-private-ipv4-addresses",
                "azure-load-balancer-ipv4",
                "azure-load-balancer-ipv6",
            ],
        ),
        (Hosts, &["do-loadbalancer-hostname"]),
        // The names of what the controller of Google's load balancers created for a Service.
        (
            Controllers,
            &[
                "backend-service",
                "firewall-rule",
                "healthcheck",
                "tcp-forwarding-rule",
                "udp-forwarding-rule",
            ],
        ),
    ],
    beginnings: &[
        (
            Plain,
            &[
                "aws-load-balancer-healthcheck-",
                "aws-load-balancer-listener-attributes.",
                "azure-load-balancer-health-probe-",
                "do-loadbalancer-healthcheck-",
                "do-loadbalancer-sticky-sessions-",
                "do-loadbalancer-tls-",
                "oci-load-balancer-health-check-",
            ],
        ),
        (Controllers, &["firewall-rule", "tcp-forwarding-rule", "udp-forwarding-rule"]),
    ],
    source: "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/",
    ..Controller::EMPTY
};

/// OpenStack, Oracle and DigitalOcean, besides the keys that they read with the prefix of Services.
pub(super) const PROVIDERS: Controller = Controller {
    prefixes: &["loadbalancer.openstack.org", "oci.oraclecloud.com", "kubernetes.digitalocean.com"],
    keys: &[
        (
            Plain,
            &[
                "connection-limit",
                "enable-health-monitor",
                "keep-floatingip",
                "load-balancer-type",
                "proxy-protocol",
                "x-forwarded-for",
            ],
        ),
        (Hosts, &["hostname"]),
        (Cluster, &["load-balancer-address", "load-balancer-id"]),
    ],
    beginnings: &[(Plain, &["health-monitor-", "timeout-"])],
    source: "https://github.com/kubernetes/cloud-provider-openstack/tree/master/docs",
    ..Controller::EMPTY
};
