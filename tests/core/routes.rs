//! Routes, Gateways and listeners that change, and that cannot be read.

use serde_json::{Value, json};

use crate::support::{create, fixture, load, update, validate};

const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

fn object(api_version: &str, kind: &str, namespace: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": namespace}, "spec": spec,
    })
}

/// The fields that an update from `old` to `new` is denied for.
fn denied(api_version: &str, kind: &str, namespace: &str, old: &Value, new: &Value) -> Vec<String> {
    let of = |spec| object(api_version, kind, namespace, spec);
    validate(&update(create(of(new)), of(old)), &load(&[fixture("rules/policies.yaml")])).causes()
}

fn of_http(old: &Value, new: &Value) -> Vec<String> {
    denied(GATEWAY_API, "HTTPRoute", "tenants-x", old, new)
}

#[test]
fn g28_old_hosts_of_a_route_stay_and_new_ones_do_not_come() {
    let hosts =
        |hosts: &[&str]| json!({"parentRefs": [{"name": "a", "namespace": "infra"}], "hostnames": hosts});
    let old = hosts(&["app.y.example.com", "b.example.com"]);
    assert!(of_http(&old, &hosts(&["app.x.example.com", "b.example.com", "app.y.example.com"])).is_empty());
    assert_eq!(of_http(&old, &hosts(&["b.example.com", "c.example.com"])), ["route-hosts spec.hostnames[1]"]);
    assert_eq!(of_http(&old, &hosts(&["*.example.com"])), ["route-hosts spec.hostnames[0]"]);
    // Every host is more than a few.
    assert_eq!(of_http(&old, &hosts(&[])), ["route-hosts spec.hostnames"]);
    assert_eq!(
        of_http(&hosts(&["*.x.example.com"]), &hosts(&["*.example.com"])),
        ["route-hosts spec.hostnames[0]"]
    );
}

#[test]
fn g28_an_old_claim_is_not_made_in_a_new_place() {
    for hostnames in [json!(["app.y.example.com"]), json!([])] {
        let at = |parents: Value| json!({"parentRefs": parents, "hostnames": hostnames});
        let (a, b) = (json!({"name": "a", "namespace": "infra"}), json!({"name": "b", "namespace": "infra"}));
        let section = json!({"name": "a", "namespace": "infra", "sectionName": "web"});
        let own_service = json!({"group": "", "kind": "Service", "name": "web"});
        let old = at(json!([section, b]));
        assert!(of_http(&old, &at(json!([b, section]))).is_empty());
        assert!(of_http(&old, &at(json!([b]))).is_empty(), "one place less");
        assert!(
            of_http(&old, &at(json!([b, own_service, section]))).is_empty(),
            "its own Services are no place"
        );
        if hostnames != json!([]) {
            assert!(of_http(&old, &at(json!([]))).is_empty(), "nowhere");
        }
        assert_eq!(of_http(&old, &at(json!([section, b, a]))).len(), 1, "all listeners instead of one");
        let mut default = old.clone();
        default["useDefaultGateways"] = json!("All");
        assert_eq!(of_http(&old, &default).len(), 1, "the default Gateways");
        assert_eq!(of_http(&at(json!([own_service])), &old).len(), 1, "out of the mesh");
    }
}

#[test]
fn g18_an_old_route_of_a_port_may_leave_a_place_and_come_to_none() {
    let at = |parents: &[&str]| {
        let parents: Vec<_> =
            parents.iter().map(|name| json!({"name": name, "namespace": "infra"})).collect();
        json!({"parentRefs": parents, "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]})
    };
    let of = |old: &Value, new: &Value| {
        denied("gateway.networking.k8s.io/v1alpha2", "TCPRoute", "tenants-x", old, new)
    };
    assert!(of(&at(&["a", "b"]), &at(&["b", "a"])).is_empty());
    assert!(of(&at(&["a", "b"]), &at(&["b"])).is_empty());
    assert!(of(&at(&["a"]), &at(&[])).is_empty());
    assert_eq!(of(&at(&[]), &at(&["a"])), ["route-hosts spec"]);
    assert_eq!(of(&at(&["a"]), &at(&["a", "b"])), ["route-hosts spec"]);
    let mut foreign = at(&["a"]);
    foreign["rules"][0]["backendRefs"][0]["namespace"] = json!("tenants-y");
    assert_eq!(of(&at(&["a"]), &foreign), ["route-hosts spec.rules[0].backendRefs[0]"]);
}

#[test]
fn g28_old_listeners_may_be_renamed_and_reordered_but_listen_to_nothing_new() {
    let of = |old: &Value, new: &Value| denied(GATEWAY_API, "Gateway", "exposed", old, new);
    let gateway = |class: &str, listeners: &[(&str, &str, u16)]| {
        let listener = |&(name, hostname, port): &(&str, &str, u16)| {
            json!({
                "name": name, "hostname": hostname, "port": port, "protocol": "HTTP",
            })
        };
        json!({"gatewayClassName": class, "listeners": listeners.iter().map(listener).collect::<Vec<_>>()})
    };
    let old = gateway("nginx", &[("a", "a.example.com", 80), ("all", "", 81)]);
    assert!(of(&old, &gateway("nginx", &[("every", "", 81), ("b", "a.example.com", 80)])).is_empty());
    assert!(of(&old, &gateway("nginx", &[("a", "a.example.com", 80)])).is_empty());
    assert_eq!(
        of(&old, &gateway("nginx", &[("a", "a.example.com", 81)])),
        ["route-hosts spec.listeners[0].hostname"]
    );
    assert_eq!(
        of(&old, &gateway("other", &[("all", "", 81)])),
        ["route-hosts spec.listeners[0].hostname"],
        "another controller"
    );
    let mut lets_in = old.clone();
    lets_in["listeners"][0]["allowedRoutes"] = json!({"namespaces": {"from": "All"}});
    assert_eq!(of(&old, &lets_in), ["route-hosts spec.listeners[0].allowedRoutes.namespaces"]);
}

#[test]
fn g28_old_listeners_are_not_added_to_another_gateway() {
    let set = |parent: &str| {
        json!({
            "parentRef": {"name": parent, "namespace": "infra"},
            "listeners": [{"name": "a", "hostname": "a.example.com", "port": 80, "protocol": "HTTP"}],
        })
    };
    let of = |old: &Value, new: &Value| denied(GATEWAY_API, "ListenerSet", "tenants-x", old, new);
    assert!(of(&set("a"), &set("a")).is_empty());
    assert_eq!(of(&set("a"), &set("b")), ["route-hosts spec.listeners[0].hostname"]);
}

#[test]
fn g24_the_host_that_openshift_made_stays_and_no_other_comes() {
    let of = |old: &Value, new: &Value| denied("route.openshift.io/v1", "Route", "tenants-x", old, new);
    let made = json!({"host": "web-tenants-x.apps.example.com", "wildcardPolicy": "None"});
    assert!(of(&json!({}), &json!({})).is_empty());
    let mut tls = made.clone();
    tls["tls"] = json!({"termination": "edge"});
    assert!(of(&made, &tls).is_empty());
    assert_eq!(of(&made, &json!({"host": "web-tenants-y.apps.example.com"})), ["route-hosts spec.host"]);
    assert_eq!(of(&json!({}), &made), ["route-hosts spec.host"], "nobody but the API server makes it");
    let mut wildcard = made.clone();
    wildcard["wildcardPolicy"] = json!("Subdomain");
    assert_eq!(of(&made, &wildcard), ["route-hosts spec.wildcardPolicy"]);
}

#[test]
fn g21_an_old_object_of_an_unknown_kind_may_not_change() {
    let of = |old: &Value, new: &Value| {
        denied("gateway.networking.x-k8s.io/v1alpha1", "XBackend", "tenants-x", old, new)
    };
    assert!(of(&json!({"a": 1}), &json!({"a": 1})).is_empty());
    assert_eq!(of(&json!({"a": 1}), &json!({"a": 2})), ["route-hosts spec"]);
}

#[test]
fn what_is_foreign_to_a_tenant_is_nothing_to_others() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    for (namespace, is_allowed) in [("tenants-x", false), ("nobodys", true), ("kube-system", true)] {
        for kind in ["HTTPRoute", "TCPRoute", "Gateway", "ListenerSet", "Later"] {
            let spec = json!({"parentRefs": [{"name": "a"}], "listeners": [{"name": "a"}]});
            let review = create(object(GATEWAY_API, kind, namespace, &spec));
            assert_eq!(validate(&review, &snapshot).is_allowed(), is_allowed, "{kind} in {namespace}");
        }
    }
}

#[test]
fn the_status_of_routes_is_their_controllers() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    for kind in ["HTTPRoute", "TCPRoute", "Gateway", "ListenerSet", "Later"] {
        let spec = json!({"parentRefs": [{"name": "a"}], "listeners": [{"name": "a"}]});
        let old = object(GATEWAY_API, kind, "tenants-x", &json!({}));
        let mut review = update(create(object(GATEWAY_API, kind, "tenants-x", &spec)), old);
        assert!(!validate(&review, &snapshot).is_allowed(), "{kind}");
        // The API server takes no spec from it.
        review["request"]["subResource"] = json!("status");
        assert!(validate(&review, &snapshot).is_allowed(), "status of {kind}");
    }
}

#[test]
fn m8_a_route_that_cannot_be_read_is_denied() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    let rows = [
        ("HTTPRoute", json!({"hostnames": "app.x.example.com"}), "spec.hostnames"),
        ("HTTPRoute", json!({"hostnames": [1]}), "spec.hostnames[0]"),
        ("HTTPRoute", json!({"parentRefs": {}}), "spec.parentRefs"),
        (
            "HTTPRoute",
            json!({"rules": [{"backendRefs": [{"namespace": 1}]}]}),
            "spec.rules[0].backendRefs[0].namespace",
        ),
        ("TLSRoute", json!([]), "spec"),
        ("TCPRoute", json!({"parentRefs": [{"group": 1}]}), "spec.parentRefs[0].group"),
        ("Gateway", json!({"listeners": [[]]}), "spec.listeners[0]"),
        ("Gateway", json!({"infrastructure": {"annotations": []}}), "spec.infrastructure.annotations"),
        ("ListenerSet", json!({"parentRef": "a"}), "spec.parentRef"),
        (
            "ListenerSet",
            json!({"listeners": [{"allowedRoutes": {"namespaces": "All"}}]}),
            "spec.listeners[0].allowedRoutes",
        ),
    ];
    for (kind, spec, path) in rows {
        let answer = validate(&create(object(GATEWAY_API, kind, "tenants-x", &spec)), &snapshot);
        assert_eq!(answer.response["status"]["code"], 422, "{kind} {spec}");
        assert!(answer.message().contains(path), "{kind} {spec}: {}", answer.message());
    }
    let route = object("route.openshift.io/v1", "Route", "tenants-x", &json!({"host": ["a"]}));
    assert_eq!(validate(&create(route), &snapshot).response["status"]["code"], 422);
}

#[test]
fn l13_more_hosts_in_more_places_than_can_be_looked_at_are_denied() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    let spec = |count: usize| {
        let hostnames: Vec<_> = (0..count).map(|host| format!("{host}.example.com")).collect();
        let parents: Vec<_> = (0..count).map(|name| json!({"name": format!("gateway-{name}")})).collect();
        json!({"hostnames": hostnames, "parentRefs": parents})
    };
    let of = |count| object(GATEWAY_API, "HTTPRoute", "tenants-x", &spec(count));
    assert_eq!(validate(&create(of(101)), &snapshot).response["status"]["code"], 422);
    // The API server takes 16 hostnames and 32 parents.
    assert_eq!(validate(&create(of(100)), &snapshot).causes().len(), 100);
    assert!(validate(&update(create(of(100)), of(100)), &snapshot).is_allowed());
}
