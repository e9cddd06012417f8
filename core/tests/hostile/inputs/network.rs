//! Reviews that are hostile to the rules of Services, Ingresses and routes.

use super::{
    GATEWAY, HTTP_ROUTE, INGRESS, Input, OTHER_ROUTE, SERVICE, TCP_ROUTE, annotated, hosts_of, items, lists,
    long, spelt, with_spec,
};

const FROM_ALL: &str = r#""allowedRoutes":{"namespaces":{"from":"All"}}"#;

pub(super) fn network() -> Vec<Input> {
    let external_ips = |bytes| {
        with_spec(
            &SERVICE,
            &format!(r#""externalIPs":[{}]"#, items(bytes, 20_000, |i, pad| format!(r#""10.0.0.{i}{pad}""#))),
        )
    };
    let node_ports = |bytes| {
        with_spec(
            &SERVICE,
            &format!(
                r#""type":"NodePort","ports":[{}]"#,
                items(bytes, 20_000, |i, pad| format!(r#"{{"nodePort":{i},"name":"{pad}"}}"#))
            ),
        )
    };
    let status = |bytes| {
        let ingress = items(bytes, 20_000, |i, pad| format!(r#"{{"ip":"10.0.0.{i}{pad}","hostname":"h"}}"#));
        annotated(&SERVICE, "", &format!(r#","status":{{"loadBalancer":{{"ingress":[{ingress}]}}}}"#))
    };
    let rules = |bytes| {
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                items(bytes, 20_000, |i, pad| { format!(r#"{{"host":"h{i}.example.org{pad}"}}"#) })
            ),
        )
    };
    let deep = |bytes| {
        let host = "a.".repeat(125);
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                items(bytes, 20_000, |i, pad| { format!(r#"{{"host":"{host}{}","x":"{pad}"}}"#, i % 10) })
            ),
        )
    };
    let generated = |bytes| {
        let host = "a-".repeat(20);
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                items(bytes, 20_000, |i, pad| {
                    format!(r#"{{"host":"{host}{i}-team-x.d{}.example.com","x":"{pad}"}}"#, i % 500)
                })
            ),
        )
    };
    let tls = |bytes| {
        with_spec(
            &INGRESS,
            &format!(
                r#""tls":[{}]"#,
                lists(bytes, 20_000, r#"{"secretName":"a/b","hosts":["#, "]}", |i, _| format!(r#""{i}""#))
            ),
        )
    };
    let paths = |bytes| {
        with_spec(
            &INGRESS,
            &format!(
                r#""rules":[{}]"#,
                lists(bytes, 20_000, r#"{"host":"a","http":{"paths":["#, "]}}", |i, _| {
                    format!(r#"{{"path":"{i};","backend":{{"resource":1}}}}"#)
                })
            ),
        )
    };
    let alias = |bytes| annotated(&INGRESS, &hosts_of("server-alias", bytes), "");
    let conditions = |bytes: usize| {
        let key = format!("alb.ingress.kubernetes.io/conditions.{}", long(bytes / 2));
        let hosts = items(bytes / 4, 20_000, |i, pad| format!(r#"\"h{i}{pad}\""#));
        let patterns = items(bytes / 4, 20_000, |i, pad| format!(r#"\"p{i}{pad}\""#));
        let value =
            format!(r#"[{{\"hostHeaderConfig\":{{\"values\":[{hosts}],\"regexValues\":[{patterns}]}}}}]"#);
        annotated(&INGRESS, &format!(r#""{key}":"{value}""#), "")
    };
    let www = |bytes: usize| {
        let annotations =
            items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""p{i}/from-to-www-redirect":"true""#));
        let rules = items(bytes / 2, 20_000, |i, pad| format!(r#"{{"host":"h{i}.b{pad}"}}"#));
        annotated(&INGRESS, &annotations, &format!(r#","spec":{{"rules":[{rules}]}}"#))
    };
    let unknown = |bytes| {
        annotated(
            &INGRESS,
            &items(bytes, usize::MAX / 2, |i, _| format!(r#""nginx.ingress.kubernetes.io/u{i}":"x""#)),
            "",
        )
    };
    let groups = |bytes| {
        annotated(
            &INGRESS,
            &items(bytes, 1 << 20, |i, _| {
                format!(r#""{}/group.name":"t1-a-b-c""#, spelt("alb.ingress.kubernetes.io", i))
            }),
            "",
        )
    };
    let of_cluster = |bytes: usize| {
        annotated(
            &SERVICE,
            &items(bytes, 1 << 20, |i, _| {
                format!(r#""{}/load-balancer-ips":"10.0.0.1""#, spelt("metallb.universe.tf", i))
            }),
            "",
        )
    };
    let classes = |bytes| {
        annotated(
            &INGRESS,
            &items(bytes, usize::MAX / 2, |i, _| format!(r#""p{i}/ingress.class":"c{i}""#)),
            "",
        )
    };
    let parents = |bytes: usize| {
        let parents =
            items(bytes / 2, 100, |i, pad| format!(r#"{{"name":"g{i}{pad}","namespace":"infra"}}"#));
        let hosts = items(bytes / 2, 100, |i, pad| format!(r#""h{i}.example.org{pad}""#));
        with_spec(&HTTP_ROUTE, &format!(r#""parentRefs":[{parents}],"hostnames":[{hosts}]"#))
    };
    let backends = |bytes: usize| {
        let rules = items(bytes, (bytes / 9_000).clamp(1, 100), |_, pad| {
            let backends = items(8_900 + pad.len(), 100, |i, pad| {
                format!(r#"{{"name":"b{i}{pad}","namespace":"t1-web","filters":[{{"type":"x"}}]}}"#)
            });
            format!(r#"{{"backendRefs":[{backends}]}}"#)
        });
        with_spec(&HTTP_ROUTE, &format!(r#""parentRefs":[{{"name":"g"}}],"rules":[{rules}]"#))
    };
    let listeners = |bytes: usize| {
        let listeners = items(bytes / 2, 1_000, |i, pad| {
            format!(r#"{{"hostname":"h{i}.example.org{pad}","port":{i},"protocol":"HTTP",{FROM_ALL}}}"#)
        });
        with_spec(&GATEWAY, &format!(r#""gatewayClassName":"{}","listeners":[{listeners}]"#, long(bytes / 2)))
    };
    let infrastructure = |bytes| {
        let annotations = items(bytes, usize::MAX / 2, |i, _| format!(r#""a{i}":"x""#));
        with_spec(
            &GATEWAY,
            &format!(r#""gatewayClassName":"nginx","infrastructure":{{"annotations":{{{annotations}}}}}"#),
        )
    };
    let later = |bytes: usize| with_spec(&OTHER_ROUTE, &format!(r#""a":"{}""#, long(bytes)));
    vec![
        Input::of("service-exposure", "external IPs, updated", SERVICE, external_ips).updated(),
        Input::of("service-exposure", "node ports, updated", SERVICE, node_ports).updated(),
        Input::of("service-exposure", "status, updated", SERVICE, status).updated(),
        Input::of("ingress-hosts", "rules", INGRESS, rules),
        Input::of("ingress-hosts", "rules, updated", INGRESS, rules).updated(),
        Input::of("ingress-hosts", "hosts of 126 labels", INGRESS, deep),
        Input::of("ingress-hosts", "generated hosts, updated", INGRESS, generated)
            .within("team-granted")
            .updated(),
        Input::of("ingress-hosts", "certificates, updated", INGRESS, tls).updated(),
        Input::of("ingress-hosts", "paths, updated", INGRESS, paths).updated(),
        Input::of("ingress-hosts", "a long key and hosts", INGRESS, alias),
        Input::of("ingress-hosts", "a long key and hosts, updated", INGRESS, alias).updated(),
        Input::of("ingress-hosts", "a long key and conditions, updated", INGRESS, conditions).updated(),
        Input::of("ingress-hosts", "www annotations and hosts, updated", INGRESS, www).updated(),
        Input::of("ingress-annotations", "unknown keys, updated", INGRESS, unknown).updated(),
        Input::of("ingress-annotations", "groups in every spelling", INGRESS, groups),
        Input::of("ingress-annotations", "for the cluster, and many groups", SERVICE, of_cluster)
            .of_many_groups(),
        Input::of("ingress-class", "many classes, updated", INGRESS, classes).updated(),
        Input::of("route-hosts", "parents and hosts", HTTP_ROUTE, parents),
        Input::of("route-hosts", "parents and hosts, updated", HTTP_ROUTE, parents).updated(),
        Input::of("route-hosts", "backends and filters, updated", HTTP_ROUTE, backends).updated(),
        Input::of("route-hosts", "parents of a port, updated", TCP_ROUTE, parents).updated(),
        Input::of("route-hosts", "a long class and listeners, updated", GATEWAY, listeners).updated(),
        Input::of("route-hosts", "infrastructure, updated", GATEWAY, infrastructure).updated(),
        Input::of("route-hosts", "an unknown kind, updated", OTHER_ROUTE, later).updated(),
    ]
}
