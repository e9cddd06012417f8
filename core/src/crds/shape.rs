//! Lists what the API server checks of the shape of objects, beside types and bounds.
//!
//! The webhook says all of this too. The API server says it also while partywall does not answer, and before it stores
//! an object that came another way. The messages are those of files.

use serde_json::{Value, json};

/// Says that a value must meet an expression.
struct Rule {
    kind: &'static str,
    /// The fields on the way to the value, `*` for the items of a list.
    path: &'static [&'static str],
    rule: &'static str,
    message: &'static str,
}

const RULES: [Rule; 7] = [
    Rule {
        kind: "NodePool",
        path: &["nodeSelector"],
        rule: "self.size() > 0",
        message: "a pool without labels would be every node of the cluster; name at least one label",
    },
    Rule {
        kind: "Exemption",
        path: &[],
        // `namespace` is a reserved word of CEL.
        rule: "has(self.tenant) || has(self.__namespace__)",
        message: "an Exemption is for somebody; name a `tenant`, or a `namespace` outside tenants",
    },
    Rule {
        kind: "Exemption",
        path: &["target"],
        rule: "has(self.name) || has(self.container)",
        message: "an Exemption is for one object; write its kind and its exact name",
    },
    Rule {
        kind: "Exemption",
        path: &["target"],
        rule: "!(has(self.name) && has(self.container))",
        message: "this is for a container of every pod; list containers of one object in `containers`",
    },
    Rule {
        kind: "Exemption",
        path: &["expires"],
        rule: "self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}$')",
        message: "this is no date; write the last day on which the Exemption holds as `YYYY-MM-DD`",
    },
    Rule { kind: "Tenant", path: &["tolerations", "*"], rule: EXISTS, message: EXISTS_MESSAGE },
    Rule { kind: "Settings", path: &["tolerations", "*"], rule: EXISTS, message: EXISTS_MESSAGE },
];

const EXISTS: &str =
    "!(has(self.operator) && self.operator == 'Exists' && has(self.value) && self.value != '')";
const EXISTS_MESSAGE: &str = "`Exists` takes no value; remove it, or write `operator: Equal`";

/// Adds the rules of a kind to the schema of its spec.
pub(super) fn add(kind: &str, spec: &mut Value) {
    for Rule { path, rule, message, .. } in RULES.iter().filter(|rule| rule.kind == kind) {
        let found = path.iter().try_fold(&mut *spec, |schema, step| match *step {
            "*" => schema.get_mut("items"),
            field => schema.get_mut("properties")?.get_mut(field),
        });
        let Some(Value::Object(schema)) = found else { continue };
        let rules = schema.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
        if let Value::Array(rules) = rules {
            rules.push(json!({"rule": rule, "message": message}));
        }
    }
}

/// Returns the rules about whole objects of a kind.
pub(super) fn of_objects(kind: &str) -> Vec<Value> {
    match kind {
        "Settings" => vec![json!({
            "rule": "self.metadata.name == 'default'",
            "message": "only one Settings holds, and its name is `default`; move what differs there",
        })],
        "Tenant" => vec![json!({
            "rule": "self.metadata.name.size() <= 63",
            "message": "namespaces are labelled with the tenant's name, and a label takes at most 63 letters",
        })],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_finds_its_field() {
        let definitions = super::super::definitions();
        for rule in &RULES {
            let definition =
                definitions.iter().find(|one| one["spec"]["names"]["kind"] == rule.kind).unwrap();
            assert!(definition.to_string().contains(&json!(rule.message).to_string()), "{}", rule.message);
        }
    }
}
