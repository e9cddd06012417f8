//! Reviews that are hostile to `node-placement` and to the stamp.

use super::pods::{empty_tolerations, tolerations_of_values};
use super::{DAEMON_SET, Input, Text, affinity, annotated, items, lists, pod, terms, thousand_terms};

const SHARED: &str = concat!(
    r#"{"key":"env","operator":"In","values":["prod"]},"#,
    r#"{"key":"region","operator":"In","values":["eu-central-1"]},"#,
    r#"{"key":"tier","operator":"In","values":["gold"]}"#
);
const SOME_POOL: &str = concat!(
    r#"{"key":"pool","operator":"Exists"},{"key":"env","operator":"In","values":["prod"]},"#,
    r#"{"key":"region","operator":"In","values":["eu-central-1"]}"#
);
const TWO_POOLS: &str = concat!(
    r#"{"key":"env","operator":"In","values":["prod"]},{"key":"region","operator":"In","values":["eu-central-1"]},"#,
    r#"{"key":"tier","operator":"In","values":["gold"]},{"key":"pool","operator":"In","values":["p3","p4"]}"#
);
const ONE_POOL: &str = concat!(
    r#"{"key":"pool","operator":"In","values":["p0"]},{"key":"env","operator":"Exists"},"#,
    r#"{"key":"tier","operator":"Exists"},{"key":"region","operator":"Exists"}"#
);
const OTHER_TIER: &str = concat!(
    r#"{"key":"pool","operator":"Exists"},{"key":"env","operator":"In","values":["prod"]},"#,
    r#"{"key":"region","operator":"In","values":["eu-central-1"]},"#,
    r#"{"key":"tier","operator":"In","values":["silver"]}"#
);

pub(super) fn node_placement() -> Vec<Input> {
    const RULE: &str = "node-placement";
    let shared = |bytes| thousand_terms(bytes, SHARED);
    let exists = |bytes| thousand_terms(bytes, SOME_POOL);
    let other = |bytes| thousand_terms(bytes, OTHER_TIER);
    let two = |bytes| thousand_terms(bytes, TWO_POOLS);
    let violating = |bytes| thousand_terms(bytes, ONE_POOL);
    let values = |bytes| {
        terms(&lists(
            bytes,
            20_000,
            r#"{"matchExpressions":[{"key":"pool","operator":"In","values":["#,
            "]}]}",
            |i, _| format!(r#""p{}""#, i % 10_000),
        ))
    };
    let named = |bytes| {
        terms(&lists(bytes, 20_000, r#"{"matchExpressions":["#, "]}", |_, _| {
            r#"{"key":"pool","operator":"Exists"}"#.to_owned()
        }))
    };
    let unmet = |bytes| {
        terms(&lists(bytes, 20_000, r#"{"matchExpressions":["#, "]}", |_, _| {
            r#"{"key":"pool","operator":"Gt","values":["5"]}"#.to_owned()
        }))
    };
    let ending = |bytes| {
        terms(&lists(bytes, 20_000, r#"{"matchExpressions":["#, "]}", |i, _| {
            format!(r#"{{"key":"pool","operator":"In","values":["p{}"]}}"#, i % 64)
        }))
    };
    let selector = |bytes| {
        let labels = items(bytes, usize::MAX / 2, |i, _| format!(r#""k{i}":"prod""#));
        pod("", &format!(r#","nodeSelector":{{"env":"prod","region":"eu-central-1",{labels}}}"#))
    };
    let selector_and_terms = |bytes: usize| {
        let labels = items(bytes / 2, usize::MAX / 2, |i, _| format!(r#""k{i}":"prod""#));
        let terms = items(bytes / 2, 1_000, |i, pad| {
            format!(r#"{{"matchExpressions":[{SHARED},{{"key":"k{i}{pad}","operator":"Exists"}}]}}"#)
        });
        pod("", &format!(r#","nodeSelector":{{"env":"prod",{labels}}},{}"#, affinity(&terms)))
    };
    vec![
        Input::pod(RULE, "terms of shared labels", shared).within("default"),
        Input::pod(RULE, "terms of shared labels, updated", shared).within("default").updated(),
        Input::pod(RULE, "terms of any pool", exists).within("default"),
        Input::pod(RULE, "terms of any pool and a label of none", other).within("default"),
        Input::pod(RULE, "terms that select a pool, updated", violating).within("default").updated(),
        Input::pod(RULE, "values of every pool", values).within("default"),
        Input::pod(RULE, "a nodeSelector of very many labels", selector).within("default"),
        Input::pod(RULE, "a nodeSelector and terms", selector_and_terms).within("default"),
        Input::pod(RULE, "a tenant's terms of two pools", two),
        Input::pod(RULE, "a tenant's terms of two pools, updated", two).updated(),
        Input::pod(RULE, "a tenant's nodeSelector of very many labels", selector),
        Input::pod(RULE, "terms of two pools of a tenant with all", two).within("team-many"),
        Input::pod(RULE, "terms of shared labels of a tenant with all pools", shared).within("team-many"),
        Input::pod(RULE, "values of every pool of a tenant with all", values).within("team-many"),
        Input::pod(RULE, "nodeSelector of a tenant with all pools", selector).within("team-many").updated(),
        Input::pod("stamp", "terms of shared labels", shared).stamped(),
        Input::pod("stamp", "terms of a tenant with all pools", shared).within("team-many").stamped(),
        Input::pod("stamp", "requirements that name all pools of a tenant", named)
            .within("team-many")
            .stamped(),
        Input::pod(RULE, "requirements that name all pools of a tenant", named).within("team-many"),
        Input::pod(RULE, "requirements that no pool of a tenant meets", unmet).within("team-many").updated(),
        Input::pod("stamp", "a nodeSelector of a tenant with all pools", selector)
            .within("team-many")
            .stamped(),
        Input::of("stamp", "terms with an earlier stamp", DAEMON_SET, recorded_terms)
            .within("team-many")
            .stamped(),
        Input::pod("stamp", "terms that end like a stamp, and the last gate goes", ending)
            .within("team-many")
            .updated()
            .stamped(),
        Input::pod("stamp", "tolerations of a pod for all pools", tolerations_of_values)
            .within("team-granted")
            .stamped(),
        Input::pod("stamp", "empty tolerations of a pod for all pools", empty_tolerations)
            .within("team-granted")
            .stamped(),
    ]
}

/// A DaemonSet with a record of the label of a pool, which very many terms for another pool have.
fn recorded_terms(bytes: usize) -> Text {
    let recorded = r#"{"key":"pool","operator":"In","values":["p1"]}"#;
    let begin = r#"{"matchExpressions":[{"key":"pool","operator":"In","values":["p0"]},"#;
    let terms = lists(bytes, 20, begin, "]}", |_, _| recorded.to_owned());
    let last = r#"{"matchExpressions":[{"key":"pool","operator":"In","values":["p1","other"]}]}"#;
    let affinity = affinity(&format!("{terms},{last}"));
    let record = format!(r#"{{"terms":[{{"own":1,"requirements":[{recorded}]}}]}}"#).replace('"', r#"\""#);
    let annotation = format!(r#""partywall.dev/stamp":"{record}""#);
    let template = format!(r#"{{"spec":{{"containers":[{{"name":"c","image":"a"}}],{affinity}}}}}"#);
    annotated(&DAEMON_SET, &annotation, &format!(r#","spec":{{"template":{template}}}"#))
}
