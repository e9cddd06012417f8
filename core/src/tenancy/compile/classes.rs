//! Fills the gaps of tenants with the fields of their classes.
//!
//! A field at the top of a Tenant's spec replaces the class's. Everything after this sees the sum, so that a class may
//! hold whatever a Tenant may, and two tenants of one class contest what they may not share. A mistake in a field of a
//! class is reported once, where the class is written.
//!
//! Of files, a class that is missing or written twice is a mistake, and nothing loads. In the cluster, where objects
//! come in any order, the Tenant keeps its last good sum.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};

use super::mistakes::{At, Mistakes};
use super::objects::{Known, Named, index_by_name};
use crate::api::{TenantClassSpec, TenantSpec};

/// Holds the classes, by name.
pub(super) struct Classes<'c> {
    classes: Vec<Class<'c>>,
    by_name: FxHashMap<&'c str, usize>,
    known: Known<'c>,
}

struct Class<'c> {
    object: &'c Named<TenantClassSpec>,
    /// The fields that the class has.
    fields: Map<String, Value>,
    is_used: bool,
}

/// Lists the tenants whose class could not be read, so that what they inherit is not known.
pub(super) type Lacking = FxHashSet<usize>;

impl<'c> Classes<'c> {
    pub(super) fn new(
        objects: &'c [Named<TenantClassSpec>],
        known: Known<'c>,
        mistakes: &mut Mistakes,
    ) -> Self {
        let classes = objects.iter().map(|object| {
            let fields = fields(&object.at, &object.spec.0, mistakes);
            for field in TenantClassSpec::ABSENT {
                if let Some(value) = fields.get(field) {
                    let message = "a TenantClass has no such field; write it in the Tenants";
                    mistakes.error(&object.at, format!("spec.{field}"), value, message);
                }
            }
            Class { object, fields, is_used: false }
        });
        Self { classes: classes.collect(), by_name: index_by_name(objects), known }
    }

    /// Adds to each tenant the fields of its class that it lacks.
    pub(super) fn fill(&mut self, tenants: &mut [Named<TenantSpec>], mistakes: &mut Mistakes) -> Lacking {
        let mut lacking = Lacking::default();
        for (index, tenant) in tenants.iter_mut().enumerate() {
            let Some(name) = &tenant.spec.class else { continue };
            match self.by_name.get(name.as_str()).and_then(|class| self.classes.get_mut(*class)) {
                Some(class) => class.fill(tenant, mistakes),
                None => {
                    lacking.insert(index);
                    if !self.known.contains(name) {
                        let names = self.classes.iter().map(|class| class.object.name.as_str());
                        let suggestion = mistakes.suggest(name, names);
                        let message = format!(
                            "there is no TenantClass `{name}`{suggestion}; add one, or name one that is"
                        );
                        mistakes.relation(&tenant.at, "spec.class", name, message);
                    }
                }
            }
        }
        lacking
    }

    /// Adds a warning for each class that no Tenant names, and returns each as a tenant, to be inspected.
    pub(super) fn unused(&self, mistakes: &mut Mistakes) -> Vec<Named<TenantSpec>> {
        let unused = self.classes.iter().filter(|class| !class.is_used).map(|Class { object, .. }| {
            let Named { at, name, spec } = object;
            let message = "no Tenant names this class, so nothing in it holds; name it in `class` of a Tenant, or \
                 remove it";
            mistakes.warn(at, "metadata.name", name, message);
            Named { at: at.clone(), name: name.clone(), spec: spec.0.clone() }
        });
        unused.collect()
    }
}

impl Class<'_> {
    fn fill(&mut self, tenant: &mut Named<TenantSpec>, mistakes: &mut Mistakes) {
        self.is_used = true;
        let mut sum = fields(&tenant.at, &tenant.spec, mistakes);
        let mut inherited = Vec::new();
        for (field, value) in &self.fields {
            if !sum.contains_key(field) && !TenantClassSpec::ABSENT.contains(&field.as_str()) {
                sum.insert(field.clone(), value.clone());
                inherited.push(field.as_str().into());
            }
        }
        match serde_json::from_value(Value::Object(sum)) {
            Ok(spec) => tenant.spec = spec,
            // INVARIANT: a spec that was written as fields is read from them. If it were not, nothing would load.
            Err(error) => mistakes.error_json(&tenant.at, "spec", "", error.to_string()),
        }
        tenant.at = tenant.at.inheriting(&self.object.at, inherited);
    }
}

/// Returns the fields at the top of a spec that are present.
fn fields(at: &At, spec: &TenantSpec, mistakes: &mut Mistakes) -> Map<String, Value> {
    match serde_json::to_value(spec) {
        Ok(Value::Object(fields)) => fields,
        // INVARIANT: a spec is a struct of strings, lists and maps of strings, which are always JSON. If one were not,
        // nothing would load.
        Ok(_) => Map::new(),
        Err(error) => {
            mistakes.error_json(at, "spec", "", error.to_string());
            Map::new()
        }
    }
}
