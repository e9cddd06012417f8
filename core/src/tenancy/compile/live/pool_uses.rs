//! Finds out which Tenants name a NodePool, which then must not go: its label and its taints would be guarded no more.

use std::collections::BTreeSet;

use super::{Live, LiveObject};
use crate::api::{NodePools, Spec, TenantSpec};

/// Names a field that names a NodePool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PoolUse<'l> {
    /// The Tenant that has the pool by this field.
    pub tenant: &'l str,
    /// The TenantClass that has the field, if it is not the Tenant itself.
    pub class: Option<&'l str>,
    /// The path of the field.
    pub field: String,
}

impl Live<'_> {
    /// Returns where Tenants name a NodePool, sorted: as they are written, by the class that they name, or as they last
    /// were good. A class that no Tenant names does not count.
    pub fn uses_of_pool(&self, pool: &str) -> Vec<PoolUse<'_>> {
        let mut uses = BTreeSet::new();
        for object in self.objects.iter().filter(|object| object.name.kind == "Tenant") {
            let tenant = object.name.name.as_str();
            let written = written(object).and_then(as_tenant);
            let of_class = written.filter(|spec| spec.node_pools.is_none()).and_then(|spec| {
                let class = spec.class.as_deref()?;
                let field = field(self.class(class)?.node_pools.as_ref()?, pool)?;
                Some(PoolUse { tenant, class: Some(class), field })
            });
            // The last good form has the fields of the class as its own.
            let last_good = || self.last_good.0.get(&object.name).and_then(as_tenant);
            let own = || {
                let specs = [written, last_good()].into_iter().flatten();
                let mut fields = specs.filter_map(|spec| field(spec.node_pools.as_ref()?, pool));
                Some(PoolUse { tenant, class: None, field: fields.next()? })
            };
            uses.extend(of_class.or_else(own));
        }
        uses.into_iter().collect()
    }

    /// Returns the fields of a TenantClass as they are written.
    fn class(&self, name: &str) -> Option<&TenantSpec> {
        let is_it = |object: &&LiveObject| object.name.kind == "TenantClass" && object.name.name == name;
        let Spec::TenantClass(class) = written(self.objects.iter().find(is_it)?)? else { return None };
        Some(&class.0)
    }
}

fn written(object: &LiveObject) -> Option<&Spec> {
    object.object.as_ref().map(|object| &object.spec)
}

fn as_tenant(spec: &Spec) -> Option<&TenantSpec> {
    let Spec::Tenant(spec) = spec else { return None };
    Some(spec)
}

/// Returns the first field that names the pool.
fn field(pools: &NodePools, pool: &str) -> Option<String> {
    if pools.default == pool {
        return Some("spec.nodePools.default".to_owned());
    }
    let index = pools.allowed.iter().flatten().position(|allowed| allowed == pool)?;
    Some(format!("spec.nodePools.allowed[{index}]"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{LastGood, ObjectName};
    use super::*;
    use crate::api::{Object, TenantClassSpec};

    fn spec(default: Option<&str>, class: Option<&str>) -> TenantSpec {
        let pools = |default: &str| NodePools {
            default: default.to_owned(),
            allowed: Some(vec!["other".to_owned(), "further".to_owned()]),
            unnamed: None,
        };
        TenantSpec {
            node_pools: default.map(pools),
            class: class.map(str::to_owned),
            ..TenantSpec::default()
        }
    }

    fn object(kind: &'static str, name: &str, object: Option<Object>) -> LiveObject {
        LiveObject { name: ObjectName { kind, name: name.to_owned() }, object, flaws: Vec::new() }
    }

    fn uses(objects: &[LiveObject], last_good: &LastGood, pool: &str) -> Vec<String> {
        let labelled = BTreeMap::new();
        let live = Live { objects, last_good, labelled: &labelled, own_namespace: None };
        let text = |PoolUse { tenant, class, field }| format!("{tenant} {class:?} {field}");
        live.uses_of_pool(pool).into_iter().map(text).collect()
    }

    #[test]
    fn a_tenant_names_a_pool_by_itself_or_by_its_class() {
        let class = TenantClassSpec(spec(Some("shared"), None));
        let objects = [
            object("Tenant", "own", Some(Object::new("own", spec(Some("mine"), Some("small"))))),
            object("Tenant", "by-class", Some(Object::new("by-class", spec(None, Some("small"))))),
            object("Tenant", "none", Some(Object::new("none", spec(None, None)))),
            object("TenantClass", "small", Some(Object::new("small", class))),
            object(
                "TenantClass",
                "idle",
                Some(Object::new("idle", TenantClassSpec(spec(Some("idle"), None)))),
            ),
        ];
        let uses = |pool| uses(&objects, &LastGood::default(), pool);
        assert_eq!(uses("mine"), ["own None spec.nodePools.default"]);
        assert_eq!(uses("shared"), ["by-class Some(\"small\") spec.nodePools.default"]);
        assert_eq!(
            uses("further"),
            ["by-class Some(\"small\") spec.nodePools.allowed[1]", "own None spec.nodePools.allowed[1]"]
        );
        assert_eq!(uses("idle"), [""; 0]);
        assert_eq!(uses("unknown"), [""; 0]);
    }

    #[test]
    fn a_tenant_that_is_broken_names_the_pool_of_its_last_good_form() {
        let good = object("Tenant", "a", Some(Object::new("a", spec(Some("mine"), None))));
        let last_good = LastGood::of(good);
        let broken = object("Tenant", "a", None);
        assert_eq!(uses(&[broken], &last_good, "mine"), ["a None spec.nodePools.default"]);
        // Who is gone names nothing.
        assert_eq!(uses(&[], &last_good, "mine"), [""; 0]);
    }
}
