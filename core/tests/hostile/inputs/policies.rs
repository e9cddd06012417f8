//! The policies that hostile reviews are judged by.

use jiff::civil::date;
use partywall_core::api::{
    ExemptionSpec, Located, NodePoolSpec, Object, SettingsSpec, Source, Spec, TenantSpec,
};
use partywall_core::tenancy::Snapshot;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Policies with so many pools, tenants, namespaces and exemptions.
pub(crate) fn snapshot(many: usize) -> Snapshot {
    let pools = (0..many).map(|i| {
        object::<NodePoolSpec>(
            &format!("p{i}"),
            json!({
                "nodeSelector": {"pool": format!("p{i}"), "env": "prod", "region": "eu-central-1", "tier": "gold"},
                "taints": [{"key": "dedicated", "value": format!("p{i}")}],
            }),
        )
    });
    let tenants = (0..many).map(|i| {
        object::<TenantSpec>(
            &format!("t{i}"),
            json!({
                "namespaces": [format!("t{i}-web")], "domains": [format!("**.t{i}.example.net")],
                "nodePools": {"default": format!("p{i}")},
            }),
        )
    });
    // A tenant has at most 64 pools.
    let allowed: Vec<_> = (1..many.min(64)).map(|i| format!("p{i}")).collect();
    let patterns: Vec<_> = (0..500).map(|i| format!("{{name}}-{{namespace}}.d{i}.example.com")).collect();
    let tenant = |name: &str, more: Value| {
        let mut spec = json!({
            "namespaces": [format!("team-{name}")], "domains": [format!("**.{name}.example.com")],
            "nodePools": {"default": "p0"}, "podSecurity": {"level": "baseline"},
            "imageRegistries": ["registry.example.com/x"], "ingressClasses": ["nginx"],
            "gatewayClasses": ["nginx"], "gateways": ["infra/public"], "certificateIssuers": ["public"],
            "priorityClasses": ["low"], "runtimeClasses": {"default": "gvisor"},
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            spec[field] = value.clone();
        }
        object::<TenantSpec>(name, spec)
    };
    let exemptions = (0..many / 10).map(|i| {
        let target = json!({"kind": "Pod", "name": format!("e{i}"), "containers": ["a"]});
        exemption(&format!("e{i}"), &target)
    });
    let named: Vec<_> = (0..500).map(|i| format!("c{i}")).collect();
    let ranges: Vec<_> = (0..250).map(|i| format!("10.0.0.{}/32", i * 2 % 256)).collect();
    let settings = json!({
        "systemNamespaces": ["kube-system"],
        "foreignRoutes": [{"group": "traefik.io", "kind": "IngressRoute", "hosts": [".spec.hosts[*]"]}],
    });
    let objects = pools
        .chain(tenants)
        .chain([
            tenant(
                "x",
                json!({
                    "domains": ["**.x.example.com", "{name}-{namespace}.apps.example.com"],
                    "services": {"externalIPs": ["192.0.2.0/24"], "loadBalancerIPs": ["198.51.100.0/24"]},
                    "endpoints": {"addresses": ranges},
                }),
            ),
            tenant("strict", json!({"podSecurity": {"level": "restricted"}})),
            tenant("old", json!({"podSecurity": {"level": "baseline", "version": "v1.18"}})),
            tenant("many", json!({"nodePools": {"default": "p0", "allowed": allowed}})),
            // Has every grant, and very much of it; its pods may run in all of its pools.
            tenant(
                "granted",
                json!({
                    "nodePools": {"default": "p0", "allowed": allowed, "unnamed": "Any"},
                    "domains": patterns, "tls": {"userNames": true},
                }),
            ),
            exemption("named", &json!({"kind": "Pod", "name": "exempt", "containers": named})),
            object::<SettingsSpec>("default", settings),
        ])
        .chain(exemptions);
    match Snapshot::compile(objects.collect(), date(2026, 12, 1)) {
        Ok(compiled) => compiled.snapshot,
        Err(mistakes) => panic!("{} mistakes, the first is {:?}", mistakes.len(), mistakes.first()),
    }
}

fn exemption(name: &str, target: &Value) -> Located {
    let spec = json!({
        "tenant": "x", "reason": "a test", "expires": "2027-01-01", "rules": ["pod-security", "tolerations"],
        "target": target,
    });
    object::<ExemptionSpec>(name, spec)
}

fn object<S: DeserializeOwned + Into<Spec>>(name: &str, spec: Value) -> Located {
    let spec: S = serde_json::from_value(spec).unwrap_or_else(|error| panic!("{name}: {error}"));
    Located { source: Source::file("hostile"), object: Object::new(name, spec) }
}
