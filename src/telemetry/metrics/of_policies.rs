//! Figures whose labels are names in the policies: of tenants, and of Exemptions.
//!
//! A load of policies creates the counters, which a review then finds without a lock. A review that violates nothing
//! looks for none. The names are the operator's, never a request's, and their number is limited.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use partywall_core::api::Mode;
use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::{Exemption, ExemptionOf};
use prometheus::core::{MetricVec, MetricVecBuilder};
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::labels::{MODES, mode_name};
use super::{Figure, Label};

/// How many tenants have series of their own, unless a flag says otherwise.
const TENANTS: usize = 1_000;
/// How many Exemptions have series, those that end first.
const EXEMPTIONS: usize = 1_000;
/// The label of namespaces without a tenant; no name of a tenant has parentheses.
const NONE: &str = "(none)";
/// The label of all tenants beyond the limit.
const OTHERS: &str = "(others)";

/// Counts violations by tenant, rule and mode.
pub struct TenantViolations {
    series: IntCounterVec,
    /// How many tenants have series of their own; with none, nothing is counted.
    limit: AtomicUsize,
    tenants: ArcSwap<BTreeMap<Box<str>, Arc<OfTenant>>>,
    none: OfTenant,
    others: OfTenant,
}

/// The counters of one tenant, each of which exists from its first violation on.
///
/// A tenant has as many as there are rules and modes, and all of them at zero would be most of what Prometheus reads.
struct OfTenant {
    name: Box<str>,
    counters: [OnceLock<IntCounter>; RuleId::COUNT * MODES.len()],
}

impl OfTenant {
    fn new(name: &str) -> Self {
        Self { name: name.into(), counters: [const { OnceLock::new() }; RuleId::COUNT * MODES.len()] }
    }

    fn inc(&self, rule: RuleId, mode: Mode, series: &IntCounterVec) {
        let Some(place) = MODES.iter().position(|other| *other == mode) else { return };
        let Some(counter) = self.counters.get(rule as usize * MODES.len() + place) else { return };
        counter
            .get_or_init(|| series.with_label_values(&[&*self.name, rule.as_str(), mode_name(mode)]))
            .inc();
    }

    fn remove(&self, series: &IntCounterVec) {
        for (rule, mode) in <(RuleId, Mode)>::all() {
            // Most of them never existed.
            let _none = series.remove_label_values(&[&*self.name, rule.as_str(), mode_name(mode)]);
        }
    }
}

impl TenantViolations {
    /// Limits how many tenants have series of their own; with 0, no violations are counted by tenant.
    pub fn limit_to(&self, tenants: usize) {
        self.limit.store(tenants, Ordering::Relaxed);
    }

    /// Counts a violation in a namespace of this tenant, or of none.
    pub(super) fn inc(&self, tenant: Option<&str>, rule: RuleId, mode: Mode) {
        if self.limit.load(Ordering::Relaxed) == 0 {
            return;
        }
        match tenant {
            None => self.none.inc(rule, mode, &self.series),
            Some(name) => match self.tenants.load().get(name) {
                Some(of_tenant) => of_tenant.inc(rule, mode, &self.series),
                None => self.others.inc(rule, mode, &self.series),
            },
        }
    }

    /// Creates the counters of new tenants, and removes those of tenants that are gone.
    pub(super) fn set_tenants<'t>(&self, names: impl Iterator<Item = &'t str> + Clone) {
        let limit = self.limit.load(Ordering::Relaxed);
        let known = self.tenants.load_full();
        let mut tenants: BTreeMap<Box<str>, Arc<OfTenant>> = names
            .clone()
            .filter_map(|name| Some((name.into(), Arc::clone(known.get(name)?))))
            .take(limit)
            .collect();
        // Those that have counters keep them, whatever tenants are new.
        for name in names {
            if tenants.len() >= limit {
                break;
            }
            if !tenants.contains_key(name) {
                tenants.insert(name.into(), Arc::new(OfTenant::new(name)));
            }
        }
        let gone: Vec<_> = known.iter().filter(|(name, _)| !tenants.contains_key(*name)).collect();
        self.tenants.store(Arc::new(tenants));
        gone.into_iter().for_each(|(_, of_tenant)| of_tenant.remove(&self.series));
    }
}

impl fmt::Debug for TenantViolations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantViolations").finish_non_exhaustive()
    }
}

impl Figure for TenantViolations {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let series = IntCounterVec::new(Opts::new(name, help), &["tenant", "rule", "mode"])?;
        registry.register(Box::new(series.clone()))?;
        Ok(Self {
            series,
            limit: AtomicUsize::new(TENANTS),
            tenants: ArcSwap::default(),
            none: OfTenant::new(NONE),
            others: OfTenant::new(OTHERS),
        })
    }
}

/// Counts the uses of Exemptions.
#[derive(Debug)]
pub struct ExemptionUses {
    series: IntCounterVec,
    counters: ArcSwap<BTreeMap<Box<str>, IntCounter>>,
}

impl ExemptionUses {
    pub(super) fn inc(&self, exemption: &str) {
        if let Some(counter) = self.counters.load().get(exemption) {
            counter.inc();
        }
    }

    pub(super) fn set_exemptions(&self, exemptions: &[ExemptionOf<'_>]) {
        let names = exemptions.iter().take(EXEMPTIONS).map(|of| &of.exemption.name);
        let counters: BTreeMap<_, _> =
            names.map(|name| (name.clone(), self.series.with_label_values(&[&**name]))).collect();
        let known = self.counters.swap(Arc::new(counters.clone()));
        let gone = known.keys().filter(|name| !counters.contains_key(*name));
        gone.for_each(|name| remove(&self.series, &[name]));
    }
}

impl Figure for ExemptionUses {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let series = IntCounterVec::new(Opts::new(name, help), &["exemption"])?;
        registry.register(Box::new(series.clone()))?;
        Ok(Self { series, counters: ArcSwap::default() })
    }
}

/// Says when each Exemption ends.
#[derive(Debug)]
pub struct ExemptionEnds {
    series: IntGaugeVec,
    known: ArcSwap<BTreeSet<[Box<str>; 3]>>,
}

impl ExemptionEnds {
    pub(super) fn set_exemptions(&self, exemptions: &[ExemptionOf<'_>]) {
        let mut labels = BTreeSet::new();
        for ExemptionOf { tenant, namespace, exemption } in exemptions.iter().take(EXEMPTIONS) {
            let of = [&*exemption.name, tenant.unwrap_or_default(), namespace.unwrap_or_default()];
            self.series.with_label_values(&of).set(end(exemption));
            labels.insert(of.map(Box::from));
        }
        let known = self.known.swap(Arc::new(labels.clone()));
        known.difference(&labels).for_each(|labels| remove(&self.series, labels));
    }
}

impl Figure for ExemptionEnds {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let series = IntGaugeVec::new(Opts::new(name, help), &["exemption", "tenant", "namespace"])?;
        registry.register(Box::new(series.clone()))?;
        Ok(Self { series, known: ArcSwap::default() })
    }
}

fn remove<B: MetricVecBuilder>(series: &MetricVec<B>, labels: &[impl AsRef<str> + fmt::Debug]) {
    let labels: Vec<&str> = labels.iter().map(AsRef::as_ref).collect();
    // It was created with these very labels; if it were gone, it would need no removal.
    let _gone = series.remove_label_values(&labels);
}

/// Returns the end of an Exemption in seconds since 1970.
fn end(exemption: &Exemption) -> i64 {
    let midnight = exemption.last_day.tomorrow().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    // The last day of the calendar has no tomorrow.
    midnight.map_or(i64::MAX, |midnight| midnight.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;

    fn series(metrics: &Metrics, name: &str) -> Vec<String> {
        let text = String::from_utf8(metrics.encode().unwrap()).unwrap();
        text.lines().filter_map(|line| line.strip_prefix(name)).map(str::to_owned).collect()
    }

    fn counted(metrics: &Metrics) -> Vec<String> {
        series(metrics, "partywall_tenant_violations_total")
    }

    #[test]
    fn violations_are_counted_by_tenant_from_the_first_on() {
        let metrics = Metrics::new().unwrap();
        let figures = &metrics.tenant_violations;
        figures.set_tenants(["blue", "red"].into_iter());
        assert!(counted(&metrics).is_empty());
        figures.inc(Some("blue"), RuleId::Tolerations, Mode::Warn);
        figures.inc(Some("blue"), RuleId::Tolerations, Mode::Warn);
        figures.inc(None, RuleId::Tolerations, Mode::Deny);
        let of_blue = r#"{mode="warn",rule="tolerations",tenant="blue"} 2"#;
        assert_eq!(counted(&metrics), [r#"{mode="deny",rule="tolerations",tenant="(none)"} 1"#, of_blue]);
        // A load keeps what was counted, and forgets tenants that are gone.
        figures.set_tenants(["blue", "green"].into_iter());
        assert!(counted(&metrics).contains(&of_blue.to_owned()));
        figures.set_tenants(["green"].into_iter());
        assert!(!counted(&metrics).contains(&of_blue.to_owned()));
    }

    #[test]
    fn tenants_beyond_the_limit_share_their_series_and_none_are_counted_with_a_limit_of_zero() {
        let metrics = Metrics::new().unwrap();
        let figures = &metrics.tenant_violations;
        figures.limit_to(2);
        figures.set_tenants(["b", "c"].into_iter());
        // A new tenant, whatever its name, takes nobody's series.
        figures.set_tenants(["a", "b", "c"].into_iter());
        for tenant in ["a", "b", "c", "d"] {
            figures.inc(Some(tenant), RuleId::Storage, Mode::Deny);
        }
        let expected = [("(others)", 2), ("b", 1), ("c", 1)];
        let expected = expected.map(|(t, n)| format!(r#"{{mode="deny",rule="storage",tenant="{t}"}} {n}"#));
        assert_eq!(counted(&metrics), expected);
        let off = Metrics::new().unwrap();
        off.tenant_violations.limit_to(0);
        off.tenant_violations.set_tenants(["a"].into_iter());
        off.tenant_violations.inc(Some("a"), RuleId::Storage, Mode::Deny);
        off.tenant_violations.inc(None, RuleId::Storage, Mode::Deny);
        assert!(counted(&off).is_empty());
    }
}
