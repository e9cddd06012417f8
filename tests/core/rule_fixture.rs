//! The fixtures of the rules: `tests/fixtures/rules/<rule>/{allow,deny}/<reason>.yaml`.
//!
//! Each is an object as a tenant writes it. It is stamped and then validated, as the API server does; a first
//! document `request:` says what is otherwise (`stamped: false`: another webhook undid it).

use std::fs;

use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::Snapshot;
use serde_json::Value;

use crate::support::{create, fixture, load, stamped, update, yaml};

#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) rule: RuleId,
    pub(crate) allow: bool,
    pub(crate) name: String,
    /// The fields of the request that a plain creation lacks.
    pub(crate) request: Option<Value>,
    pub(crate) object: Value,
}

pub(crate) fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for rule in RuleId::ALL {
        for (verdict, allow) in [("allow", true), ("deny", false)] {
            let dir = fixture(&format!("rules/{rule}/{verdict}"));
            let mut files: Vec<_> = fs::read_dir(&dir)
                .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
                .map(|e| e.unwrap().path())
                .collect();
            files.sort();
            assert!(!files.is_empty(), "{rule} has no {verdict} fixture");
            for file in files {
                let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
                let mut documents = yaml(&fs::read_to_string(&file).unwrap());
                let object = documents.pop().unwrap();
                let request = documents.pop().map(|mut header| header["request"].take());
                fixtures.push(Fixture { rule, allow, name, request, object });
            }
        }
    }
    fixtures
}

pub(crate) fn policies() -> Snapshot {
    load(&[fixture("rules/policies.yaml")])
}

impl Fixture {
    pub(crate) fn id(&self) -> String {
        format!("{}/{}/{}", self.rule, if self.allow { "allow" } else { "deny" }, self.name)
    }

    /// The review that the validating webhook sees.
    pub(crate) fn review(&self, snapshot: &Snapshot) -> Value {
        let mut review = create(self.object.clone());
        let mut is_stamped = true;
        for (key, value) in self.request.iter().filter_map(Value::as_object).flatten() {
            match key.as_str() {
                "stamped" => is_stamped = value.as_bool().unwrap(),
                "username" | "groups" => review["request"]["userInfo"][key] = value.clone(),
                "resource" => review["request"]["resource"]["resource"] = value.clone(),
                "operation" if value == "DELETE" => {
                    review["request"]["operation"] = value.clone();
                    review["request"]["oldObject"] = review["request"]["object"].take();
                    is_stamped = false;
                }
                "operation" | "subResource" => review["request"][key] = value.clone(),
                "old" => {
                    let mut old = value.clone();
                    for field in ["apiVersion", "kind"] {
                        old[field] = self.object[field].clone();
                    }
                    review = update(review, old);
                }
                other => panic!("{}: unknown key `{other}`", self.id()),
            }
        }
        if is_stamped { stamped(&review, snapshot) } else { review }
    }
}
