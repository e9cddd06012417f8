//! Reviews that are hostile to the other rules.

use super::{
    CERTIFICATE, CILIUM, CLAIM, FOREIGN, GROUP, Input, NAMESPACE, POLICY, SECRET, SLICE, UNLISTED,
    VOLUME_CLAIM, annotated, items, long, of_metadata, with_spec,
};

pub(super) fn others() -> Vec<Input> {
    let names = |bytes: usize| {
        let names = items(bytes / 2, 20_000, |i, pad| format!(r#""n{i}{pad}""#));
        with_spec(
            &CERTIFICATE,
            &format!(
                r#""issuerRef":{{"name":"{}","kind":"ClusterIssuer"}},"dnsNames":[{names}]"#,
                long(bytes / 2)
            ),
        )
    };
    let uris = |bytes| {
        let uris = items(bytes, 20_000, |i, pad| format!(r#""spiffe://a/ns/t1-web/{i}{pad}""#));
        with_spec(
            &CERTIFICATE,
            &format!(r#""issuerRef":{{"name":"public","kind":"ClusterIssuer"}},"uris":[{uris}]"#),
        )
    };
    let listed = |bytes| {
        with_spec(
            &FOREIGN,
            &format!(r#""hosts":[{}]"#, items(bytes, 20_000, |i, pad| format!(r#""h{i}{pad}""#))),
        )
    };
    let unreadable =
        |bytes| with_spec(&FOREIGN, &format!(r#""hosts":[{}]"#, items(bytes, 20_000, |i, _| i.to_string())));
    let denied = |bytes: usize| {
        with_spec(&UNLISTED, &format!(r#""a":[{}]"#, items(bytes, usize::MAX / 2, |i, _| i.to_string())))
    };
    let slice = |bytes| {
        let endpoints = items(bytes, usize::MAX / 2, |i, _| format!(r#"{{"addresses":["10.0.0.{i}"]}}"#));
        annotated(&SLICE, "", &format!(r#","addressType":"IPv4","endpoints":[{endpoints}]"#))
    };
    let own_slice = |bytes| {
        let endpoints = items(bytes, 19_000, |i, pad| {
            format!(r#"{{"addresses":["10.0.0.{}"],"x":"{pad}"}}"#, i * 2 % 256)
        });
        annotated(&SLICE, "", &format!(r#","addressType":"IPv4","endpoints":[{endpoints}]"#))
    };
    let empty_slice = |bytes| {
        let endpoints = items(bytes, 19_000, |_, _| "{}".to_owned());
        annotated(&SLICE, "", &format!(r#","addressType":"IPv4","endpoints":[{endpoints}]"#))
    };
    let claim = |bytes| {
        let requests = items(bytes, 20_000, |i, pad| format!(r#"{{"name":"r{i}{pad}","adminAccess":true}}"#));
        with_spec(&CLAIM, &format!(r#""devices":{{"requests":[{requests}]}}"#))
    };
    let policy = |bytes: usize| {
        let owners = items(bytes / 2, 20_000, |i, pad| format!(r#"{{"kind":"a","name":"o{i}{pad}"}}"#));
        let rules = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#"{{"a":{i}}}"#));
        of_metadata(
            &POLICY,
            &format!(r#""labels":{{"partywall.dev/managed":"x"}},"ownerReferences":[{owners}]"#),
            &format!(r#","spec":{{"ingress":[{rules}]}}"#),
        )
    };
    let tolerations = |bytes| {
        let tolerations =
            items(bytes, 20_000, |i, pad| format!(r#"{{"key":"k{i}{pad}","operator":"Exists"}}"#));
        let requests = format!(r#"{{"name":"r","exactly":{{"tolerations":[{tolerations}]}}}}"#);
        with_spec(&CLAIM, &format!(r#""devices":{{"requests":[{requests}]}}"#))
    };
    let adopted = |bytes| {
        let annotations =
            items(bytes, usize::MAX / 2, |i, _| format!(r#""trident.netapp.io/importOriginalName{i}":"x""#));
        of_metadata(
            &VOLUME_CLAIM,
            &format!(r#""annotations":{{{annotations}}}"#),
            r#","spec":{"volumeName":"v"}"#,
        )
    };
    let words = |bytes| {
        let annotations = items(bytes, usize::MAX / 2, |i, _| format!(r#""e.com/a-b-c-d-e-f-g-h-{i}":"x""#));
        of_metadata(&VOLUME_CLAIM, &format!(r#""annotations":{{{annotations}}}"#), r#","spec":{}"#)
    };
    let copied = |bytes| {
        let annotations = items(bytes, usize::MAX / 2, |i, _| format!(r#""e.com/replicate-{i}":"x""#));
        of_metadata(&SECRET, &format!(r#""annotations":{{{annotations}}}"#), "")
    };
    let read = |bytes| {
        let secrets = items(bytes, usize::MAX / 2, |i, _| format!(r#"{{"secret":{{"namespace":"n{i}"}}}}"#));
        with_spec(&CILIUM, &format!(r#""egress":[{secrets}]"#))
    };
    let groups = |bytes| {
        let groups = items(bytes, usize::MAX / 2, |i, _| format!(r#"{{"priorityClassName":"system-{i}"}}"#));
        with_spec(&GROUP, &format!(r#""groups":[{groups}]"#))
    };
    let namespace = |bytes: usize| {
        let labels = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""openshift.io/l{i}":"x""#));
        let annotations = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""openshift.io/a{i}":"x""#));
        of_metadata(
            &NAMESPACE,
            &format!(r#""labels":{{"partywall.dev/tenant":"x",{labels}}},"annotations":{{{annotations}}}"#),
            "",
        )
    };
    vec![
        Input::of("certificate-names", "names by a long issuer", CERTIFICATE, names),
        Input::of("certificate-names", "names by a long issuer, updated", CERTIFICATE, names).updated(),
        Input::of("certificate-names", "uris, updated", CERTIFICATE, uris).updated(),
        Input::of("foreign-routes", "hosts, updated", FOREIGN, listed).updated(),
        Input::of("foreign-routes", "hosts that are none, updated", FOREIGN, unreadable).updated(),
        Input::of("foreign-routes", "a denied kind, updated", UNLISTED, denied).updated(),
        Input::of("endpoints", "addresses, updated", SLICE, slice).updated(),
        Input::of("endpoints", "addresses of the tenant's ranges", SLICE, own_slice),
        Input::of("endpoints", "empty endpoints", SLICE, empty_slice).updated(),
        Input::of("device-claims", "requests, updated", CLAIM, claim).updated(),
        Input::of("device-claims", "tolerations, updated", CLAIM, tolerations).updated(),
        Input::of("storage", "annotations that adopt, updated", VOLUME_CLAIM, adopted).updated(),
        Input::of("storage", "annotations of many words", VOLUME_CLAIM, words),
        Input::of("copied-objects", "annotations that copy, updated", SECRET, copied).updated(),
        Input::of("copied-objects", "references to Secrets, updated", CILIUM, read).updated(),
        Input::of("priority-class", "classes of a group, updated", GROUP, groups).updated(),
        Input::of("managed-objects", "owners and rules, updated", POLICY, policy).updated(),
        Input::of("namespaces", "protected keys", NAMESPACE, namespace),
        Input::of("namespaces", "protected keys, updated", NAMESPACE, namespace).updated(),
    ]
}
