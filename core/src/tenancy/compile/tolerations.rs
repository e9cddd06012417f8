//! Compiles the tolerations that Tenants and Settings list, and refuses those that reach others' pools.

use super::mistakes::{At, Mistakes};
use super::names;
use super::pools::Pools;
use crate::api::{Operator, SettingsSpec, TolerationGrant};
use crate::labels::NODE_ROLES;
use crate::tenancy::{AllowedToleration, AllowedTolerations, PoolId};

/// Returns the tolerations that are granted beside those of the tenant's `own` pools; `None`: these are not known.
pub(super) fn of_tenant(
    (at, name): (&At, &str),
    written: &[TolerationGrant],
    pools: &Pools<'_>,
    own: Option<&[PoolId]>,
    mistakes: &mut Mistakes,
) -> AllowedTolerations {
    let compile = |(position, toleration): (usize, &TolerationGrant)| {
        let path = format!("spec.tolerations[{position}]");
        let grant = compile(toleration);
        check(at, &path, &grant, mistakes);
        if let Some(pool) = own.and_then(|own| pools.reached_by(&grant, own)) {
            let message = format!(
                "this tolerates a taint of NodePool `{}`, which is none of tenant `{name}`'s pools; add the pool to \
                 `nodePools.allowed`, or narrow the toleration",
                pool.name
            );
            mistakes.relation(at, path, toleration, message);
        }
        grant
    };
    written.iter().enumerate().map(compile).collect()
}

/// Returns the tolerations that every pod may have. [`refuse_pools`] compares them with pools.
pub(super) fn of_settings(
    at: &At,
    written: &[TolerationGrant],
    mistakes: &mut Mistakes,
) -> Vec<AllowedToleration> {
    let compile = |(position, toleration): (usize, &TolerationGrant)| {
        let path = format!("spec.tolerations[{position}]");
        let grant = compile(toleration);
        check(at, &path, &grant, mistakes);
        if grant.key.starts_with(NODE_ROLES) {
            let message = "nodes with this taint have a role in the cluster, and every tenant's pods could then run \
                 there that no pool confines; list it in the `tolerations` of single Tenants";
            mistakes.warn(at, path, toleration, message);
        }
        grant
    };
    written.iter().enumerate().map(compile).collect()
}

/// Adds an error for each toleration of Settings with the key of a pool's taint, whatever its value.
pub(super) fn refuse_pools(at: &At, settings: &SettingsSpec, pools: &Pools<'_>, mistakes: &mut Mistakes) {
    for (position, toleration) in settings.tolerations.iter().flatten().enumerate() {
        if let Some(pool) = pools.with_taint_key(&toleration.key) {
            let message = format!(
                "this is the key of a taint of NodePool `{}`, and every tenant's pods may have what is listed here; \
                 remove it: pods get the tolerations of their own pools anyway",
                pool.name
            );
            mistakes.relation(at, format!("spec.tolerations[{position}].key"), &toleration.key, message);
        }
    }
}

pub(super) fn compile(written: &TolerationGrant) -> AllowedToleration {
    AllowedToleration {
        key: written.key.as_str().into(),
        operator: written.operator.unwrap_or(Operator::Equal),
        value: written.value.as_deref().unwrap_or_default().into(),
        effect: written.effect,
    }
}

fn check(at: &At, path: &str, grant: &AllowedToleration, mistakes: &mut Mistakes) {
    let AllowedToleration { key, operator, value, .. } = grant;
    if key.is_empty() {
        let message = "without a key this would tolerate every taint of every node; name a key";
        mistakes.error(at, format!("{path}.key"), &**key, message);
    } else if !names::is_qualified_name(key) {
        mistakes.error(at, format!("{path}.key"), &**key, names::KEY);
    }
    match operator {
        Operator::Exists if !value.is_empty() => {
            let message = "`Exists` takes no value; remove it, or write `operator: Equal`";
            mistakes.error(at, format!("{path}.value"), &**value, message);
        }
        Operator::Equal if !names::is_label_value(value) => {
            mistakes.error(at, format!("{path}.value"), &**value, names::VALUE);
        }
        Operator::Exists | Operator::Equal => {}
    }
}
