//! All figures of the program, in one struct.

mod clock;
mod labels;
mod of_policies;
mod process;

use partywall_core::Entry;
use partywall_core::api::Mode;
use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::Verdict;
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

pub(crate) use self::labels::mode_name;
pub use self::labels::{CertificateFile, Dropped, Loads, Outcome, Refusal, Reload, Review, Task, Watched};
pub use self::of_policies::{ExemptionEnds, ExemptionUses, TenantViolations};
pub use self::process::ProcessFigures;

/// Bounds of the buckets in seconds.
///
/// They are fine where most reviews are. Those at 5, 25, 100 and 500 ms are the API server's own, to compare both.
const DURATIONS: [f64; 11] =
    [0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.025, 0.1, 0.5];

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that the program was built from, or `unknown`; `build.rs` says which builds know it.
pub const COMMIT: &str = env!("PARTYWALL_COMMIT");

/// Declares the figures; the doc comment is the HELP text.
macro_rules! metrics {
    ($(#[$outer:meta])* $vis:vis struct $Metrics:ident {
        $($(#[doc = $help:literal])+ $field:ident: $kind:ty = $name:literal,)*
    }) => {
        $(#[$outer])*
        $vis struct $Metrics {
            registry: Registry,
            $($(#[doc = $help])+ pub $field: $kind,)*
        }

        impl $Metrics {
            /// Creates all figures at zero. Fails only if two of them have the same name.
            pub fn new() -> prometheus::Result<Self> {
                let registry = Registry::new();
                Ok(Self {
                    $($field: <$kind as Figure>::register(&registry, $name, concat!($($help,)+).trim_ascii())?,)*
                    registry,
                })
            }
        }
    };
}

metrics! {
    /// The figures and the registry they are read from.
    #[derive(Debug)]
    pub struct Metrics {
        /// Reviews answered, by endpoint and verdict.
        reviews: Family<Review> = "partywall_reviews_total",
        /// Violations reported, by rule and the mode it is in.
        violations: Family<(RuleId, Mode)> = "partywall_violations_total",
        /// Violations reported, by tenant, rule and mode. Series exist from the first violation on. `(none)` stands for
        /// namespaces without a tenant, `(others)` for the tenants beyond the limit.
        tenant_violations: TenantViolations = "partywall_tenant_violations_total",
        /// Reviews in which an Exemption allowed a violation, by Exemption.
        exemption_uses: ExemptionUses = "partywall_exemption_uses_total",
        /// When an Exemption ends, in seconds since 1970: the midnight UTC after its last day.
        exemption_ends: ExemptionEnds = "partywall_exemption_end_timestamp_seconds",
        /// Requests answered without a review, by HTTP status code.
        refusals: Family<Refusal> = "partywall_http_refusals_total",
        /// Reviews denied because a rule panicked; each is a bug.
        panics: IntCounter = "partywall_panics_total",
        /// Panics of tasks that follow the cluster or write to it, by task; each is a bug. The task is started again.
        task_panics: Family<Task> = "partywall_task_panics_total",
        /// Reviews whose decision exhausted its budget of work; each is a bug.
        exhausted: IntCounter = "partywall_exhausted_total",
        /// Seconds from a body that is read to an answer that is encoded.
        review_duration: Histogram = "partywall_review_duration_seconds",
        /// Changes of the serving certificate or client CA, by whether they were taken.
        certificate_reloads: Family<Reload> = "partywall_certificate_reloads_total",
        /// Changes of the policies, by whether they were taken.
        policy_reloads: Family<Reload> = "partywall_policy_reloads_total",
        /// When the policies or certificates were last loaded, or refused, in seconds since 1970.
        last_reload: Gauges<Loads> = "partywall_last_reload_timestamp_seconds",
        /// 1 if the last load of the policies or certificates was taken, 0 if it was refused.
        last_reload_successful: Gauges<Loads> = "partywall_last_reload_successful",
        /// When a certificate expires, the first one if there are several, in seconds since 1970; 0 if there is none.
        certificate_expiry: Gauges<CertificateFile> = "partywall_certificate_expiry_timestamp_seconds",
        /// 1 while the certificates on disk are faulty, so that older ones are served.
        certificates_faulty: IntGauge = "partywall_certificates_faulty",
        /// 1 while the certificates of a cluster's installation cannot be read, used or written, so that older ones are
        /// served.
        authority_failing: IntGauge = "partywall_authority_failing",
        /// 1 while the policies on disk cannot be used, so that older ones hold; in a cluster, while an object does not
        /// hold as it is written.
        policies_faulty: IntGauge = "partywall_policies_faulty",
        /// 1 if the policies are objects of a cluster, and 0 if they are files.
        policies_in_cluster: IntGauge = "partywall_policies_in_cluster",
        /// When the API server last told something about a watched resource, or that nothing has changed, in seconds
        /// since 1970; 0 if it never did, or if the policies are files.
        watch_contact: Gauges<Watched> = "partywall_watch_last_contact_timestamp_seconds",
        /// 1 while the webhook configurations of the cluster are what the policies demand.
        registration_current: IntGauge = "partywall_registration_current",
        /// 1 while all webhooks of this version are registered in the cluster.
        registration_armed: IntGauge = "partywall_registration_armed",
        /// 1 while somebody has paused the registration, so that edits of the webhook configurations stay.
        registration_paused: IntGauge = "partywall_registration_paused",
        /// Changes by others of the webhook configurations that were undone.
        registration_mended: IntCounter = "partywall_registration_mended_total",
        /// Tenants in the policies that hold.
        tenants: IntGauge = "partywall_tenants",
        /// Namespaces named in the policies that hold, system ones included.
        namespaces: IntGauge = "partywall_namespaces",
        /// Node pools in the policies that hold.
        node_pools: IntGauge = "partywall_node_pools",
        /// Reviews being read or decided.
        in_flight: IntGauge = "partywall_reviews_in_flight",
        /// Connections to the port of the webhook.
        connections: IntGauge = "partywall_connections",
        /// Connections closed because too many were in the same stage, by the stage.
        dropped: Family<Dropped> = "partywall_connections_dropped_total",
        /// Connections that ended in the TLS handshake, other than by being closed.
        tls_handshake_failures: IntCounter = "partywall_tls_handshake_failures_total",
        /// What Linux says about the process: CPU time, memory, threads and open files.
        process: ProcessFigures = "process",
        /// Always 1; the labels are the version, and the commit that it was built from, if that is known.
        build_info: BuildInfo = "partywall_build_info",
    }
}

impl Metrics {
    /// Adds the counter of dropped spans, which exists only while spans are sent. Fails if it is there already.
    #[cfg(feature = "otlp")]
    pub(crate) fn spans_dropped(&self) -> prometheus::Result<IntCounter> {
        let help =
            "Spans that did not reach the collector: too many waited, it was away, or it rejected them.";
        IntCounter::register(&self.registry, "partywall_spans_dropped_total", help)
    }

    /// Returns all figures in the text format of Prometheus.
    pub fn encode(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// Sets the figures of the snapshot that is in force now.
    pub fn set_snapshot(&self, snapshot: &Snapshot) {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.tenants.set(gauge(snapshot.tenants().len()));
        self.namespaces.set(gauge(snapshot.namespace_count()));
        self.node_pools.set(gauge(snapshot.pools().len()));
        self.tenant_violations.set_tenants(snapshot.tenants().iter().map(|tenant| &*tenant.name));
        let exemptions = snapshot.all_exemptions();
        self.exemption_uses.set_exemptions(&exemptions);
        self.exemption_ends.set_exemptions(&exemptions);
    }

    /// Notes that files were read: whether what they say is in force now, and when that was.
    pub fn note_load(&self, of: Loads, reload: Reload) {
        self.last_reload.set(of, clock::now());
        self.last_reload_successful.set(of, i64::from(reload == Reload::Taken));
    }

    /// Notes that the API server told something about a watched resource.
    pub fn note_contact(&self, of: Watched) {
        self.watch_contact.set(of, clock::now());
    }

    /// Counts a verdict and its violations.
    pub fn count(&self, entry: Entry, verdict: &Verdict) {
        self.reviews.inc(Review(entry, Outcome::of(verdict)));
        if verdict.is_exhausted {
            self.exhausted.inc();
        }
        for violation in &verdict.violations {
            self.violations.inc((violation.rule, violation.mode));
            self.tenant_violations.inc(verdict.tenant.as_deref(), violation.rule, violation.mode);
        }
        for exemption in &verdict.exempted {
            self.exemption_uses.inc(exemption);
        }
    }
}

/// The labels of a family of figures: an enum, or several together.
pub trait Label: Copy + PartialEq + Send + Sync + 'static {
    /// The names of the labels.
    const NAMES: &'static [&'static str];
    /// Returns every value.
    fn all() -> Vec<Self>;
    /// Returns the value of each label.
    fn values(self) -> Vec<&'static str>;
}

/// A counter for each value of a label.
///
/// All exist from the start, at zero: a rate needs a first value, and the request path must not take a lock.
#[derive(Debug)]
pub struct Family<L>(Vec<(L, IntCounter)>);

impl<L: Label> Family<L> {
    /// Counts one.
    pub fn inc(&self, label: L) {
        if let Some(counter) = self.counter(label) {
            counter.inc();
        }
    }

    /// Returns the count.
    pub fn get(&self, label: L) -> u64 {
        self.counter(label).map_or(0, IntCounter::get)
    }

    fn counter(&self, label: L) -> Option<&IntCounter> {
        self.0.iter().find(|(other, _)| *other == label).map(|(_, counter)| counter)
    }
}

/// A gauge for each value of a label. All exist from the start, at zero.
#[derive(Debug)]
pub struct Gauges<L>(Vec<(L, IntGauge)>);

impl<L: Label> Gauges<L> {
    /// Sets the gauge of a label.
    pub fn set(&self, label: L, value: i64) {
        if let Some((_, gauge)) = self.0.iter().find(|(other, _)| *other == label) {
            gauge.set(value);
        }
    }
}

/// A type of figure that can be registered.
trait Figure: Sized {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self>;
}

impl Figure for IntCounter {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let counter = Self::new(name, help)?;
        registry.register(Box::new(counter.clone()))?;
        Ok(counter)
    }
}

impl Figure for IntGauge {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let gauge = Self::new(name, help)?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }
}

/// A figure whose labels say what was built.
#[derive(Debug)]
pub struct BuildInfo(#[expect(dead_code, reason = "it never changes")] IntGauge);

impl Figure for BuildInfo {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let opts = Opts::new(name, help).const_label("version", VERSION).const_label("commit", COMMIT);
        let gauge = IntGauge::with_opts(opts)?;
        gauge.set(1);
        registry.register(Box::new(gauge.clone()))?;
        Ok(Self(gauge))
    }
}

impl Figure for Histogram {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let histogram = Self::with_opts(HistogramOpts::new(name, help).buckets(DURATIONS.to_vec()))?;
        registry.register(Box::new(histogram.clone()))?;
        Ok(histogram)
    }
}

impl<L: Label> Figure for Family<L> {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let counters = IntCounterVec::new(Opts::new(name, help), L::NAMES)?;
        registry.register(Box::new(counters.clone()))?;
        L::all()
            .into_iter()
            .map(|label| Ok((label, counters.get_metric_with_label_values(&label.values())?)))
            .collect::<prometheus::Result<_>>()
            .map(Self)
    }
}

impl<L: Label> Figure for Gauges<L> {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let gauges = IntGaugeVec::new(Opts::new(name, help), L::NAMES)?;
        registry.register(Box::new(gauges.clone()))?;
        L::all()
            .into_iter()
            .map(|label| Ok((label, gauges.get_metric_with_label_values(&label.values())?)))
            .collect::<prometheus::Result<_>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use partywall_core::verdict::Undecidable;

    use super::*;

    fn text(metrics: &Metrics) -> String {
        String::from_utf8(metrics.encode().unwrap()).unwrap()
    }

    #[test]
    fn every_series_is_there_from_the_start() {
        let text = text(&Metrics::new().unwrap());
        assert!(text.contains(r#"partywall_reviews_total{endpoint="mutate",verdict="stamped"} 0"#), "{text}");
        assert!(text.contains(r#"partywall_certificate_reloads_total{result="refused"} 0"#));
        let build = format!(r#"partywall_build_info{{commit="{COMMIT}",version="{VERSION}"}} 1"#);
        assert!(text.contains(&build), "{text}");
        assert!(text.contains("# HELP partywall_panics_total Reviews denied because a rule panicked"));
        for rule in RuleId::ALL {
            assert!(text.contains(&format!(r#"partywall_violations_total{{mode="deny",rule="{rule}"}} 0"#)));
        }
        for refusal in Refusal::ALL {
            assert_eq!(refusal.values(), [refusal.status().as_str()]);
        }
    }

    #[test]
    fn verdicts_are_counted_where_they_belong() {
        let metrics = Metrics::new().unwrap();
        metrics.count(Entry::Mutate, &Verdict::allow());
        metrics.count(Entry::Validate, &Verdict::undecidable(Undecidable::TooLarge, "too large"));
        assert_eq!(metrics.reviews.get(Review(Entry::Mutate, Outcome::Allowed)), 1);
        assert_eq!(metrics.reviews.get(Review(Entry::Validate, Outcome::Undecidable)), 1);
        assert_eq!(metrics.reviews.get(Review(Entry::Validate, Outcome::Denied)), 0);
    }

    #[test]
    fn o2_a_decision_that_exhausts_its_budget_is_counted_as_a_bug() {
        let metrics = Metrics::new().unwrap();
        let denied = Verdict::undecidable(Undecidable::Exhausted, "too much work");
        metrics.count(Entry::Validate, &Verdict { is_exhausted: true, ..denied });
        metrics.count(Entry::Validate, &Verdict::undecidable(Undecidable::Invalid, "no spec"));
        assert_eq!(metrics.exhausted.get(), 1);
        assert_eq!(metrics.reviews.get(Review(Entry::Validate, Outcome::Undecidable)), 2);
        assert!(text(&metrics).contains("partywall_exhausted_total 1"));
    }
}
