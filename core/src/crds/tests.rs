use super::*;

/// Calls `visit` with each schema below `schema`, and with its path.
fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(&format!("{path}.{name}"), field, visit);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner) {
            walk(&format!("{path}[]"), inner, visit);
        }
    }
}

fn schemas() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for definition in definitions() {
        let kind = definition["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        walk(&kind, schema, &mut |path, schema| all.push((path.to_owned(), schema.clone())));
    }
    all
}

#[test]
fn schemas_are_structural_and_bounded() {
    /// What the API server knows of a structural schema, as far as partywall uses it.
    const KEYWORDS: [&str; 14] = [
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "properties",
        "required",
        "type",
        "x-kubernetes-list-type",
        "x-kubernetes-preserve-unknown-fields",
    ];
    for (path, schema) in schemas() {
        for keyword in schema.as_object().unwrap().keys() {
            let is_known = KEYWORDS.contains(&keyword.as_str())
                || ["x-kubernetes-validations", "x-kubernetes-list-map-keys"].contains(&keyword.as_str());
            assert!(is_known, "{path}: {keyword}");
        }
        let has = |keyword: &str| schema.get(keyword).is_some();
        let is_own = !path.ends_with(".apiVersion") && !path.ends_with(".kind") || path.contains(".spec");
        match schema["type"].as_str().unwrap() {
            "array" => assert!(has("maxItems") && has("items"), "{path}"),
            "object" if has("additionalProperties") => assert!(has("maxProperties"), "{path}"),
            "object" => assert!(has("properties") || path.ends_with(".metadata"), "{path}"),
            "string" if is_own => assert!(has("maxLength") || has("enum"), "{path}"),
            _ => {}
        }
        assert!(!has("format") || schema["format"] == "int64", "{path}");
    }
}

#[test]
fn an_object_without_a_status_is_in_progress_for_tools_that_wait() {
    for (path, schema) in schemas() {
        let is_status = path.ends_with(".status") && path.matches('.').count() == 1;
        let expected = is_status.then(|| json!({"observedGeneration": -1}));
        assert_eq!(schema.get("default"), expected.as_ref(), "{path}");
    }
}

#[test]
fn unknown_fields_reach_the_webhook_at_each_level_of_the_spec() {
    let mut levels = 0;
    for (path, schema) in schemas() {
        let is_level =
            path.contains(".spec") && schema["type"] == "object" && schema.get("properties").is_some();
        assert_eq!(schema["x-kubernetes-preserve-unknown-fields"] == true, is_level, "{path}");
        levels += usize::from(is_level);
    }
    assert!(levels > 30, "{levels}");
}

#[test]
fn every_field_of_a_spec_has_a_description_that_names_the_group_of_kinds() {
    for (path, schema) in schemas() {
        if path.ends_with("[]") || path.ends_with(".metadata") {
            continue;
        }
        let text = schema["description"].as_str().unwrap_or_else(|| panic!("{path} has no description"));
        for kind in ["NodePool", "Tenant"] {
            let is_named = text.contains(&format!(" {kind} ")) || text.contains(&format!(" {kind}s "));
            assert!(!is_named || text.contains("partywall.dev"), "{path}: {text}");
        }
    }
}

#[test]
fn names_are_unique_and_short() {
    let definitions = definitions();
    let mut names: Vec<&str> =
        definitions.iter().map(|one| one["spec"]["names"]["shortNames"][0].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 5);
    assert!(names.iter().all(|name| name.starts_with("pw")));
    assert!(definitions.iter().all(|one| one["spec"]["names"]["categories"][0] == "partywall"));
}
