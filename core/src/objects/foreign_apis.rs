//! Lists the APIs whose objects claim hosts or configure proxies that tenants share.
//!
//! The registration sends these names to the API server, so the spelling matters: a rule with a misspelt group, kind
//! or resource matches nothing, without an error. Groups that a cluster does not have do no harm.

/// Holds groups of one project, and the kinds that partywall denies there.
pub(crate) struct Api {
    /// The groups, including former ones.
    pub(crate) groups: &'static [&'static str],
    /// The kinds.
    pub(crate) kinds: Kinds,
}

/// Selects the kinds of an API that partywall denies.
pub(crate) enum Kinds {
    /// All kinds, including unknown ones, except the harmless ones.
    All {
        /// The known kinds.
        known: &'static [&'static str],
        /// The kinds that partywall allows: they affect only their own namespace.
        harmless: &'static [&'static str],
    },
    /// Only these kinds, each with its resource.
    ///
    /// The API mostly serves another purpose, and controllers write its objects so often that these writes must not
    /// wait for a webhook.
    These(&'static [(&'static str, &'static str)]),
}

impl Kinds {
    /// Returns whether partywall denies this kind.
    pub(crate) fn deny(&self, kind: &str) -> bool {
        match self {
            Self::All { harmless, .. } => !harmless.contains(&kind),
            Self::These(kinds) => kinds.iter().any(|(name, _)| *name == kind),
        }
    }

    /// Returns whether the API server sends objects of this kind.
    pub(crate) fn are_sent(&self, kind: &str) -> bool {
        matches!(self, Self::All { .. }) || self.deny(kind)
    }

    /// Returns whether the table names this kind as denied.
    pub(crate) fn names(&self, kind: &str) -> bool {
        match self {
            Self::All { known, .. } => known.contains(&kind),
            Self::These(_) => self.deny(kind),
        }
    }

    /// Returns the resources for the webhook configuration.
    pub(crate) fn resources(&self) -> Vec<&'static str> {
        match self {
            Self::All { .. } => vec!["*"],
            Self::These(kinds) => kinds.iter().map(|(_, resource)| *resource).collect(),
        }
    }
}

/// Returns the resource of a kind, if the table lists it.
pub(crate) fn resource(group: &str, kind: &str) -> Option<&'static str> {
    let apis = APIS.iter().filter(|api| api.groups.contains(&group));
    apis.filter_map(|api| match api.kinds {
        Kinds::All { .. } => None,
        Kinds::These(kinds) => kinds.iter().find(|(name, _)| *name == kind).map(|(_, resource)| *resource),
    })
    .next()
}

/// Returns whether partywall denies objects of this kind unless Settings list it.
pub(crate) fn is_denied(group: &str, kind: &str) -> bool {
    APIS.iter().any(|api| api.groups.contains(&group) && api.kinds.deny(kind))
}

/// Returns whether the table names this kind as denied in any group.
pub(crate) fn is_any_denied(kind: &str) -> bool {
    APIS.iter().any(|api| api.kinds.names(kind))
}

/// Returns whether the webhooks send objects of this kind because this table lists it.
pub fn is_sent(group: &str, kind: &str) -> bool {
    APIS.iter().any(|api| api.groups.contains(&group) && api.kinds.are_sent(kind))
}

const fn all(groups: &'static [&'static str], known: &'static [&'static str]) -> Api {
    Api { groups, kinds: Kinds::All { known, harmless: &[] } }
}

const fn all_but(
    groups: &'static [&'static str],
    known: &'static [&'static str],
    harmless: &'static [&'static str],
) -> Api {
    Api { groups, kinds: Kinds::All { known, harmless } }
}

const fn these(groups: &'static [&'static str], kinds: &'static [(&'static str, &'static str)]) -> Api {
    Api { groups, kinds: Kinds::These(kinds) }
}

/// Lists the APIs.
pub(crate) const APIS: &[Api] = &[
    // The first version of the Gateway API. The rule `route-hosts` covers the later ones, including their unknown
    // kinds.
    all(
        &["networking.x-k8s.io"],
        &["Gateway", "HTTPRoute", "TLSRoute", "TCPRoute", "UDPRoute", "BackendPolicy"],
    ),
    // Traefik. A TLSOption or TLSStore named `default` applies to all tenants, and a middleware may be a plugin.
    all(
        &["traefik.io", "traefik.containo.us"],
        &[
            "IngressRoute",
            "IngressRouteTCP",
            "IngressRouteUDP",
            "Middleware",
            "MiddlewareTCP",
            "ServersTransport",
            "ServersTransportTCP",
            "TLSOption",
            "TLSStore",
            "TraefikService",
        ],
    ),
    // Istio. A WorkloadEntry adds an address to the backends of any Service. The harmless kinds affect workloads of
    // their own namespace.
    all_but(
        &["networking.istio.io"],
        &["VirtualService", "Gateway", "ServiceEntry", "DestinationRule", "EnvoyFilter", "WorkloadEntry"],
        &["ProxyConfig", "Sidecar", "WorkloadGroup"],
    ),
    all(&["extensions.istio.io"], &["WasmPlugin"]),
    // Contour. A TLSCertificateDelegation shares only a certificate of its own namespace.
    all_but(
        &["projectcontour.io", "contour.heptio.com"],
        &["HTTPProxy", "IngressRoute", "ContourConfiguration", "ContourDeployment"],
        &["ExtensionService", "TLSCertificateDelegation"],
    ),
    // Kong. A plugin may run code, and a consumer may join any group.
    all(
        &["configuration.konghq.com"],
        &[
            "KongConsumer",
            "KongConsumerGroup",
            "KongCustomEntity",
            "KongIngress",
            "KongPlugin",
            "KongUpstreamPolicy",
            "TCPIngress",
            "UDPIngress",
        ],
    ),
    // NGINX, by F5, with its DNS names and load balancers.
    all(
        &["k8s.nginx.org", "externaldns.nginx.org", "cis.f5.com"],
        &[
            "VirtualServer",
            "VirtualServerRoute",
            "TransportServer",
            "Policy",
            "GlobalConfiguration",
            "IngressLink",
            "TLSProfile",
            "ExternalDNS",
        ],
    ),
    all_but(
        &["gateway.nginx.org"],
        &["NginxGateway", "NginxProxy", "SnippetsFilter", "SnippetsPolicy"],
        &[
            "AuthenticationFilter",
            "ClientSettingsPolicy",
            "ObservabilityPolicy",
            "ProxySettingsPolicy",
            "RateLimitPolicy",
            "UpstreamSettingsPolicy",
        ],
    ),
    // Cilium. Its policies protect pods, and its agents write an endpoint for each pod.
    these(
        &["cilium.io"],
        &[
            ("CiliumEnvoyConfig", "ciliumenvoyconfigs"),
            ("CiliumLocalRedirectPolicy", "ciliumlocalredirectpolicies"),
            ("CiliumNodeConfig", "ciliumnodeconfigs"),
        ],
    ),
    // DNS names.
    all(&["externaldns.k8s.io"], &["DNSEndpoint"]),
    all(&["dns.gardener.cloud"], &["DNSEntry", "DNSProvider", "DNSAnnotation"]),
    these(&["kuadrant.io"], &[("DNSRecord", "dnsrecords")]),
    all(&["k8gb.io", "k8gb.absa.oss"], &["Gslb"]),
    // Certificates of other projects, and of cert-manager's first versions.
    all_but(
        &["certmanager.k8s.io", "cert.gardener.cloud"],
        &["Certificate", "CertificateRequest", "Order", "Challenge"],
        &["Issuer"],
    ),
    // Ambassador, now Emissary.
    all(
        &["getambassador.io", "gateway.getambassador.io", "x.getambassador.io"],
        &[
            "AuthService",
            "DevPortal",
            "Host",
            "Listener",
            "Mapping",
            "Module",
            "RateLimitService",
            "TCPMapping",
            "TLSContext",
        ],
    ),
    all(
        &["apisix.apache.org"],
        &[
            "ApisixRoute",
            "ApisixTls",
            "ApisixUpstream",
            "ApisixConsumer",
            "ApisixGlobalRule",
            "ApisixPluginConfig",
        ],
    ),
    // Skipper.
    these(&["zalando.org"], &[("RouteGroup", "routegroups"), ("FabricGateway", "fabricgateways")]),
    // Knative. The hosts of its Services contain their namespaces, and only Knative writes the objects that it
    // derives from them.
    these(&["serving.knative.dev"], &[("DomainMapping", "domainmappings")]),
    these(&["networking.internal.knative.dev"], &[("Ingress", "ingresses"), ("Certificate", "certificates")]),
    // Gloo and kgateway. An upstream may have any address.
    all(
        &["gateway.solo.io", "gloo.solo.io", "gateway.gloo.solo.io", "networking.gloo.solo.io"],
        &[
            "Proxy",
            "RouteOption",
            "RouteTable",
            "Upstream",
            "UpstreamGroup",
            "VirtualGateway",
            "VirtualHostOption",
            "VirtualService",
        ],
    ),
    all_but(
        &["agentgateway.dev"],
        &["AgentgatewayBackend", "AgentgatewayParameters"],
        &["AgentgatewayPolicy"],
    ),
    all_but(
        &["gateway.kgateway.dev"],
        &["Backend", "GatewayExtension", "GatewayParameters"],
        &["BackendConfigPolicy", "DirectResponse", "HTTPListenerPolicy", "ListenerPolicy", "TrafficPolicy"],
    ),
    all(
        &[
            "core.haproxy.org",
            "ingress.v1.haproxy.org",
            "ingress.v3.haproxy.org",
            "gate.v1.haproxy.org",
            "gate.v3.haproxy.org",
        ],
        &["Backend", "Defaults", "Frontend", "Global", "TCP"],
    ),
    // Envoy Gateway. A backend may have any address, including the proxy's own, and extensions run code in the proxy.
    all_but(
        &["gateway.envoyproxy.io", "config.gateway.envoyproxy.io"],
        &["Backend", "EnvoyExtensionPolicy", "EnvoyPatchPolicy", "EnvoyProxy"],
        &["BackendTrafficPolicy", "ClientTrafficPolicy", "HTTPRouteFilter", "SecurityPolicy"],
    ),
    // Clouds. A TargetGroupBinding adds pods to any load balancer of the account.
    all_but(
        &["elbv2.k8s.aws", "gateway.k8s.aws", "appmesh.k8s.aws"],
        &[
            "GatewayRoute",
            "LoadBalancerConfiguration",
            "TargetGroupBinding",
            "VirtualGateway",
            "VirtualNode",
            "VirtualRouter",
        ],
        &["TargetGroupConfiguration"],
    ),
    these(
        &["networking.gke.io"],
        &[
            ("ManagedCertificate", "managedcertificates"),
            ("MultiClusterIngress", "multiclusteringresses"),
            ("MultiClusterService", "multiclusterservices"),
        ],
    ),
    // Networks and identities of pods in clouds.
    these(&["vpcresources.k8s.aws"], &[("SecurityGroupPolicy", "securitygrouppolicies")]),
    these(&["application-networking.k8s.aws"], &[("VpcAssociationPolicy", "vpcassociationpolicies")]),
    these(&["alb.networking.azure.io"], &[("ApplicationLoadBalancer", "applicationloadbalancer")]),
    these(
        &["aadpodidentity.k8s.io"],
        &[("AzureIdentity", "azureidentities"), ("AzureIdentityBinding", "azureidentitybindings")],
    ),
    all(&["appgw.ingress.k8s.io", "appgw.ingress.azure.io"], &["AzureIngressProhibitedTarget"]),
    // Others.
    all(&["voyager.appscode.com"], &["Ingress", "Certificate"]),
    all(
        &["consul.hashicorp.com"],
        &[
            "IngressGateway",
            "ServiceDefaults",
            "ServiceIntentions",
            "ServiceResolver",
            "ServiceRouter",
            "ServiceSplitter",
        ],
    ),
    all(
        &["ingress.k8s.ngrok.com", "ngrok.k8s.ngrok.com"],
        &["CloudEndpoint", "Domain", "HTTPSEdge", "TCPEdge"],
    ),
    all(&["networking.cfargotunnel.com"], &["Tunnel", "TunnelBinding"]),
    all(&["networking.higress.io", "extensions.higress.io"], &["Http2Rpc", "McpBridge", "WasmPlugin"]),
    all(&["tyk.tyk.io"], &["ApiDefinition"]),
    all(&["ako.vmware.com"], &["HostRule", "HTTPRule", "L4Rule", "SSORule"]),
    all(&["hub.traefik.io"], &["AccessControlPolicy", "API", "APIPortal", "EdgeIngress", "IngressClass"]),
    all(&["gateway-operator.konghq.com"], &["ControlPlane", "DataPlane", "GatewayConfiguration"]),
    all(&["install.istio.io", "sailoperator.io"], &["IstioOperator", "Istio"]),
    all(&["metallb.io"], &["BGPAdvertisement", "BGPPeer", "IPAddressPool", "L2Advertisement"]),
    all(&["http.keda.sh"], &["HTTPScaledObject"]),
    these(
        &["kuma.io"],
        &[
            ("HostnameGenerator", "hostnamegenerators"),
            ("MeshExternalService", "meshexternalservices"),
            ("MeshHTTPRoute", "meshhttproutes"),
            ("MeshTCPRoute", "meshtcproutes"),
        ],
    ),
    // Linkerd. An ExternalWorkload adds an address to the backends of the Services that select it.
    these(&["workload.linkerd.io"], &[("ExternalWorkload", "externalworkloads")]),
    these(&["openfaas.com"], &[("FunctionIngress", "functioningresses")]),
    these(&["cloudflare-operator.io", "ingress.operator.openshift.io"], &[("DNSRecord", "dnsrecords")]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_is_there_twice_and_every_name_is_one() {
        let mut groups: Vec<_> = APIS.iter().flat_map(|api| api.groups).collect();
        let count = groups.len();
        groups.sort_unstable();
        groups.dedup();
        assert_eq!(groups.len(), count);
        let is_lower =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let is_kind = |name: &&&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        for api in APIS {
            assert!(api.groups.iter().all(|group| group.contains('.')), "{:?}", api.groups);
            match api.kinds {
                Kinds::All { known, harmless } => {
                    assert!(!known.is_empty() && known.iter().chain(harmless).all(|name| is_kind(&name)));
                    assert!(!known.iter().any(|name| harmless.contains(name)), "{known:?}");
                }
                Kinds::These(kinds) => {
                    for (kind, resource) in kinds {
                        let stem = kind.to_lowercase();
                        let stem = stem.trim_end_matches(['s', 'y']);
                        assert!(is_lower(resource) && resource.starts_with(stem), "{kind}: {resource}");
                    }
                }
            }
        }
    }

    #[test]
    fn g21_what_nobody_has_heard_of_is_denied_where_a_group_is_about_routes() {
        let deny = |group: &str, kind: &str| {
            APIS.iter().any(|api| api.groups.contains(&group) && api.kinds.deny(kind))
        };
        assert!(deny("networking.x-k8s.io", "HTTPRoute"));
        assert!(deny("traefik.containo.us", "IngressRoute") && deny("traefik.io", "Unheard"));
        assert!(deny("networking.istio.io", "EnvoyFilter") && !deny("networking.istio.io", "Sidecar"));
        assert!(deny("gateway.envoyproxy.io", "Unheard") && !deny("gateway.envoyproxy.io", "SecurityPolicy"));
    }

    #[test]
    fn no_false_denials_of_what_protects_or_is_written_for_each_pod() {
        for (group, kind) in [
            ("cilium.io", "CiliumEndpoint"),
            ("cilium.io", "CiliumNetworkPolicy"),
            ("security.istio.io", "AuthorizationPolicy"),
            ("serving.knative.dev", "Service"),
            ("networking.gke.io", "ServiceNetworkEndpointGroup"),
        ] {
            assert!(
                !APIS.iter().any(|api| api.groups.contains(&group) && api.kinds.are_sent(kind)),
                "{kind}"
            );
        }
    }
}
