//! Collects what holds for a subject.

use jiff::civil::Date;
use partywall_core::api::{Enforcement, Mode, StampMode};
use partywall_core::rule_id::{HoldsIn, RuleId};
use partywall_core::tenancy::{AllowedToleration, Owner, Snapshot, Taint, Tenant, did_you_mean};
use serde_json::{Value, json};
use thiserror::Error;

use super::fields::{Layer, Merge, sum};
use super::model::{Exemption, Explanation, Field, From, Namespace, Object, Origin, Pool, Rule};
use super::rules;
use crate::policies::{Written, WrittenObject};

/// What is explained.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'n> {
    Namespace(&'n str),
    Tenant(&'n str),
    Settings,
}

/// No tenant has a name.
#[derive(Debug, Error)]
#[error("the policies have no tenant `{0}`{1}")]
pub(crate) struct UnknownTenant(String, String);

/// Explains a subject by the policies: as they are `written`, and as they hold by the snapshot of the day.
pub(crate) fn explain(
    subject: Subject<'_>,
    snapshot: &Snapshot,
    written: &Written,
    today: Date,
) -> Result<Explanation, UnknownTenant> {
    let defaults = Written::defaults();
    let sheet = Sheet { snapshot, written, defaults: &defaults, today };
    match subject {
        Subject::Namespace(name) => Ok(sheet.namespace(name)),
        Subject::Tenant(name) => match snapshot.tenants().iter().find(|tenant| *tenant.name == *name) {
            Some(tenant) => Ok(sheet.tenant(tenant)),
            None => {
                let names = snapshot.tenants().iter().map(|tenant| &*tenant.name);
                Err(UnknownTenant(name.to_owned(), did_you_mean(name, names)))
            }
        },
        Subject::Settings => Ok(sheet.settings_alone()),
    }
}

struct Sheet<'w> {
    snapshot: &'w Snapshot,
    written: &'w Written,
    defaults: &'w Written,
    today: Date,
}

impl<'w> Sheet<'w> {
    fn namespace(&self, name: &str) -> Explanation {
        match self.snapshot.owner(name) {
            Owner::Tenant(tenant) => self.namespace_of(tenant, name),
            Owner::System => self.system(name),
            Owner::Unclaimed => self.unclaimed(name),
            Owner::Denied(_) => Self::denied(name),
        }
    }

    fn denied(name: &str) -> Explanation {
        let sentence = format!(
            "Several Tenants list namespace `{name}`, or the one that does has a mistake; everything in it is denied."
        );
        Explanation {
            about: vec![sentence],
            namespace: Some(Namespace { name: name.to_owned(), owner: "denied", source: None }),
            ..Explanation::default()
        }
    }

    fn namespace_of(&self, tenant: &'w Tenant, name: &str) -> Explanation {
        let mut explanation = self.tenant(tenant);
        let source = self.written.find("Tenant", &tenant.name).map(|object| {
            let listed = object.spec.get("namespaces").and_then(Value::as_array);
            let index = listed.and_then(|names| names.iter().position(|listed| listed == name));
            let path = index.map(|index| format!("namespaces[{index}]")).unwrap_or_default();
            self.layer(From::Tenant, object).origin(&path)
        });
        explanation
            .exemptions
            .retain(|exemption| exemption.spec.get("namespace").is_none_or(|namespace| namespace == name));
        let sentence = format!("Namespace `{name}` belongs to Tenant `{}`.", tenant.name);
        explanation.about.insert(0, sentence);
        explanation.namespace = Some(Namespace { name: name.to_owned(), owner: "tenant", source });
        explanation
    }

    fn system(&self, name: &str) -> Explanation {
        let settings = self.settings();
        let is_listed = |field: &&Field| {
            let names = field.value.as_array();
            field.field == "systemNamespaces" && names.is_some_and(|names| names.iter().any(|n| n == name))
        };
        let source = settings.iter().find(is_listed).map(|field| field.source.clone());
        Explanation {
            about: vec![
                format!("Namespace `{name}` is one of `systemNamespaces` in the Settings."),
                "partywall judges no objects in it, and pods in it can reach every tenant's nodes; only the Namespace \
                 itself is judged."
                    .to_owned(),
            ],
            namespace: Some(Namespace { name: name.to_owned(), owner: "system", source }),
            rules: self.rules_of_settings(|holds| holds == HoldsIn::NamespaceObjects),
            settings,
            ..Explanation::default()
        }
    }

    fn unclaimed(&self, name: &str) -> Explanation {
        let of_tenants = self.snapshot.tenants_namespaces();
        let listed = of_tenants.iter().flat_map(|(_, namespaces)| namespaces.iter().copied());
        let meant = did_you_mean(name, listed.chain(self.snapshot.system_namespaces()));
        let mut about = vec![
            format!("No Tenant lists namespace `{name}`, nor do the Settings{}", or_stop(&meant)),
            "Only the rules that protect tenants' NodePools and volumes hold in it, and those about the Namespace \
             itself; nothing is stamped."
                .to_owned(),
        ];
        let stricter = |tenant: &&Tenant| tenant.enforcement > self.snapshot.enforcement;
        if self.snapshot.tenants().iter().any(|tenant| stricter(&tenant)) {
            about.push(
                "Where a pod could reach a NodePool of a Tenant with a stricter `enforcement` of its own, that one \
                 counts instead of the Settings'."
                    .to_owned(),
            );
        }
        Explanation {
            about,
            namespace: Some(Namespace { name: name.to_owned(), owner: "unclaimed", source: None }),
            rules: self.rules_of_settings(|holds| holds != HoldsIn::Tenants),
            exemptions: self.exemptions(|spec| {
                spec.get("tenant").is_none() && spec.get("namespace").is_some_and(|listed| listed == name)
            }),
            settings: self.settings(),
            ..Explanation::default()
        }
    }

    fn tenant(&self, tenant: &'w Tenant) -> Explanation {
        let mut layers: Vec<_> = self.written.find("Tenant", &tenant.name).into_iter().collect();
        let class = layers.first().and_then(|object| object.spec.get("class")).and_then(Value::as_str);
        let class = class.and_then(|class| self.written.find("TenantClass", class));
        layers.extend(class);
        let mut layers: Vec<_> = [From::Tenant, From::TenantClass]
            .into_iter()
            .zip(layers)
            .map(|(from, object)| self.layer(from, object))
            .collect();
        let mut named = layers.iter_mut().map(|layer| {
            let name = layer.object.name.to_owned();
            Object { name, source: layer.origin("") }
        });
        let (object, class) = (named.next(), named.next());
        let mut fields = sum("Tenant", &mut layers, Merge::AtTheTop);
        let settings = self.settings();
        for field in fields.iter_mut().filter(|field| field.field == "enforcement" && field.absent.is_some())
        {
            if let Some(of_settings) = settings.iter().find(|other| other.field == field.field) {
                *field = Field {
                    value: of_settings.value.clone(),
                    source: of_settings.source.clone(),
                    field: field.field.clone(),
                    ..Field::ABSENT
                };
            }
        }
        // With rules of its own, a Tenant has none of its class.
        if layers.first().is_some_and(|tenant| tenant.get("rules").is_some()) {
            layers.truncate(1);
        }
        layers.extend(self.settings_layers());
        let all = RuleId::ALL.into_iter();
        let about = class.as_ref().map(|Object { name, .. }| {
            format!("Fields that Tenant `{}` lacks come from TenantClass `{name}`.", tenant.name)
        });
        Explanation {
            about: about.into_iter().chain(self.about_stamp(tenant)).collect(),
            fields,
            pools: self.pools(tenant),
            rules: rules::modes(all, self.snapshot.modes(Owner::Tenant(tenant)), &mut layers),
            exemptions: self.exemptions(|spec| spec.get("tenant").is_some_and(|of| *of == *tenant.name)),
            tenant: object,
            class,
            settings,
            ..Explanation::default()
        }
    }

    /// Says what the stamp does to a new pod of a tenant.
    fn about_stamp(&self, tenant: &Tenant) -> Option<String> {
        if tenant.pools.is_empty() {
            return Some("The Tenant has no NodePools, so its pods are not tied to nodes.".to_owned());
        }
        if tenant.enforcement != Enforcement::Deny {
            let value = format!("{:?}", tenant.enforcement);
            return Some(format!("`enforcement` is `{value}`, so nothing is stamped or denied."));
        }
        if tenant.modes.of(RuleId::NodePlacement) != Mode::Deny {
            return Some("The rule `node-placement` is not at `deny`, so no pod is stamped.".to_owned());
        }
        let place = match self.snapshot.stamp {
            StampMode::Both => "the nodeSelector and the required node affinity",
            StampMode::NodeSelector => "the nodeSelector",
            StampMode::NodeAffinity => "the required node affinity",
        };
        Some(format!(
            "A new pod gets the labels of its pool in {place}, and a toleration for each of the pool's taints."
        ))
    }

    fn pools(&self, tenant: &'w Tenant) -> Vec<Pool> {
        let pools = self.snapshot.pools_of(tenant).enumerate();
        let described = pools.map(|(place, pool)| {
            let object = self.written.find("NodePool", &pool.name);
            Pool {
                name: pool.name.to_string(),
                is_default: place == 0,
                labels: pool.labels.iter().map(|(key, value)| (key.to_string(), json!(value))).collect(),
                taints: pool.taints.iter().map(taint_as_json).collect(),
                runtime_classes: pool.runtime_classes.iter().map(ToString::to_string).collect(),
                source: object
                    .map_or(Origin::BUILT_IN, |object| self.layer(From::NodePool, object).origin("")),
            }
        });
        described.collect()
    }

    /// Returns the exemptions whose spec is meant, those that end first at the front.
    fn exemptions(&self, is_meant: impl Fn(&Value) -> bool) -> Vec<Exemption> {
        let in_force = self.snapshot.all_exemptions();
        let meant = self.written.of_kind("Exemption").filter(|object| is_meant(&object.spec));
        let mut exemptions: Vec<_> = meant
            .map(|object| {
                let found = in_force.iter().find(|of| *of.exemption.name == *object.name);
                Exemption {
                    name: object.name.to_owned(),
                    spec: object.spec.clone(),
                    is_in_force: found.is_some(),
                    ends_soon: found.is_some_and(|of| of.exemption.ends_soon(self.today)),
                    source: self.layer(From::Exemption, object).origin("expires"),
                }
            })
            .collect();
        let last_day = |exemption: &Exemption| exemption.spec.get("expires").map(ToString::to_string);
        exemptions.sort_by_key(|exemption| (last_day(exemption), exemption.name.clone()));
        exemptions
    }

    fn settings_alone(&self) -> Explanation {
        let of_files = self.written.find("Settings", "default").is_some();
        let about = if of_files {
            "What the Settings say, and the defaults of what they leave out."
        } else {
            "The policies have no Settings, so the defaults hold."
        };
        Explanation {
            about: vec![about.to_owned()],
            rules: self.rules_of_settings(|_| true),
            settings: self.settings(),
            ..Explanation::default()
        }
    }

    fn rules_of_settings(&self, is_meant: impl Fn(HoldsIn) -> bool) -> Vec<Rule> {
        let meant = RuleId::ALL.into_iter().filter(|rule| is_meant(rule.holds_in()));
        rules::modes(meant, self.snapshot.modes(Owner::Unclaimed), &mut self.settings_layers())
    }

    /// Returns the fields of the Settings; of the lists that the compiler changes, what holds of them.
    fn settings(&self) -> Vec<Field> {
        let mut layers = self.settings_layers();
        let provider = layers.first_mut().and_then(|layer| {
            let name = layer.get("provider")?.as_str()?.to_owned();
            Some(Origin { from: From::Provider, name: Some(name), ..layer.origin("provider") })
        });
        let fields = sum("Settings", &mut layers, Merge::EachValue).into_iter();
        fields.flat_map(|field| self.in_force(field, provider.as_ref())).collect()
    }

    /// Splits the value of a list into what is in force of it, what the provider adds, and what is not trusted.
    fn in_force(&self, field: Field, provider: Option<&Origin>) -> Vec<Field> {
        let Some(in_force) = self.list_in_force(&field.field) else { return vec![field] };
        let written = field.value.as_array().cloned().unwrap_or_default();
        let is_in_force = |item: &Value| in_force.contains(&without_defaults(item));
        let (kept, left_out): (Vec<_>, Vec<_>) = written.iter().cloned().partition(is_in_force);
        let is_written = |item: &Value| written.iter().any(|written| without_defaults(written) == *item);
        let added: Vec<_> = in_force.iter().filter(|item| !is_written(item)).cloned().collect();
        let part = |value: Vec<Value>, source: Origin, note: Option<&str>| Field {
            field: field.field.clone(),
            value: Value::Array(value),
            source,
            note: note.map(str::to_owned),
            ..Field::ABSENT
        };
        let mut parts = Vec::new();
        if !kept.is_empty() || (added.is_empty() && left_out.is_empty()) {
            parts.push(part(kept, field.source.clone(), None));
        }
        if !added.is_empty() {
            parts.push(part(added, provider.unwrap_or(&Origin::BUILT_IN).clone(), None));
        }
        if !left_out.is_empty() {
            let note =
                "not trusted here: the namespaces of these ServiceAccounts are not in `systemNamespaces`";
            parts.push(part(left_out, field.source.clone(), Some(note)));
        }
        parts
    }

    /// Returns what the snapshot has of a list that is more, or less, than what is written.
    fn list_in_force(&self, field: &str) -> Option<Vec<Value>> {
        let Snapshot { platform, controllers, .. } = self.snapshot;
        let names = match field {
            "systemNamespaces" => {
                return Some(self.snapshot.system_namespaces().into_iter().map(Value::from).collect());
            }
            "tolerations" => {
                let tolerations = self.snapshot.tolerations.iter().map(|toleration| {
                    let AllowedToleration { key, operator, value, effect } = toleration;
                    json!({"key": key, "operator": operator, "value": value, "effect": effect})
                });
                return Some(tolerations.map(|toleration| without_defaults(&toleration)).collect());
            }
            "platform.users" => &platform.users,
            "platform.groups" => &platform.groups,
            "controllers.endpoints" => &controllers.endpoints,
            "controllers.certificates" => &controllers.certificates,
            "controllers.routes" => &controllers.routes,
            "controllers.services" => &controllers.services,
            "controllers.volumes" => &controllers.volumes,
            "controllers.bindings" => &controllers.bindings,
            _ => return None,
        };
        Some(names.iter().map(|name| json!(name)).collect())
    }

    /// Returns the Settings, if the policies have them, and the defaults.
    fn settings_layers(&self) -> Vec<Layer<'w>> {
        let own = self.written.find("Settings", "default").map(|object| self.layer(From::Settings, object));
        let defaults = self.defaults.find("Settings", "default").map(|object| Layer {
            from: From::BuiltIn,
            finder: self.defaults.finder(),
            object,
        });
        own.into_iter().chain(defaults).collect()
    }

    fn layer(&self, from: From, object: WrittenObject<'w>) -> Layer<'w> {
        Layer { from, object, finder: self.written.finder() }
    }
}

impl Field {
    const ABSENT: Self =
        Self { field: String::new(), value: Value::Null, absent: None, source: Origin::BUILT_IN, note: None };
}

/// Ends a sentence, with a question if there is one.
fn or_stop(question: &str) -> &str {
    if question.is_empty() { "." } else { question }
}

fn taint_as_json(taint: &Taint) -> Value {
    without_defaults(&json!({"key": taint.key, "value": taint.value, "effect": taint.effect}))
}

/// Returns a toleration or a taint without the fields that mean the same when they are absent.
fn without_defaults(item: &Value) -> Value {
    let mut item = item.clone();
    if let Some(fields) = item.as_object_mut() {
        fields.retain(|_, value| !value.is_null() && *value != "" && *value != "Equal");
    }
    item
}
