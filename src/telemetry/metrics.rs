//! All figures of the program, in one struct.

use axum::http::StatusCode;
use partywall_core::api::Mode;
use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::{Denial, Undecidable, Verdict};
use partywall_core::{Entry, Phase};
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Bounds of the buckets in seconds.
///
/// They are fine where most reviews are. Those at 5, 25, 100 and 500 ms are the API server's own, to compare both.
const DURATIONS: [f64; 11] =
    [0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.025, 0.1, 0.5];

/// Declares the figures; the doc comment is the HELP text.
macro_rules! metrics {
    ($(#[$outer:meta])* $vis:vis struct $Metrics:ident {
        $(#[doc = $help:literal] $field:ident: $kind:ty = $name:literal,)*
    }) => {
        $(#[$outer])*
        $vis struct $Metrics {
            registry: Registry,
            $(#[doc = $help] pub $field: $kind,)*
        }

        impl $Metrics {
            /// Creates all figures at zero. Fails only if two of them have the same name.
            pub fn new() -> prometheus::Result<Self> {
                let registry = Registry::new();
                Ok(Self {
                    $($field: <$kind as Figure>::register(&registry, $name, $help.trim_ascii())?,)*
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
        /// Requests answered without a review, by HTTP status code.
        refusals: Family<Refusal> = "partywall_http_refusals_total",
        /// Reviews denied because a rule panicked; each is a bug.
        panics: IntCounter = "partywall_panics_total",
        /// Reviews whose decision exhausted its budget of work; each is a bug.
        exhausted: IntCounter = "partywall_exhausted_total",
        /// Seconds from a body that is read to an answer that is encoded.
        review_duration: Histogram = "partywall_review_duration_seconds",
        /// Changes of the serving certificate or client CA, by whether they were taken.
        certificate_reloads: Family<Reload> = "partywall_certificate_reloads_total",
        /// Changes of the policies, by whether they were taken.
        policy_reloads: Family<Reload> = "partywall_policy_reloads_total",
        /// 1 while the certificates on disk are faulty, so that older ones are served.
        certificates_faulty: IntGauge = "partywall_certificates_faulty",
        /// 1 while the policies on disk cannot be used, so that older ones hold.
        policies_faulty: IntGauge = "partywall_policies_faulty",
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
        /// Always 1; the label is the version.
        build_info: BuildInfo = "partywall_build_info",
    }
}

impl Metrics {
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
    }

    /// Counts a verdict and its violations.
    pub fn count(&self, entry: Entry, verdict: &Verdict) {
        self.reviews.inc(Review(entry, Outcome::of(verdict)));
        if verdict.is_exhausted {
            self.exhausted.inc();
        }
        for violation in &verdict.violations {
            self.violations.inc((violation.rule, violation.mode));
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

/// A figure whose label is the version.
#[derive(Debug)]
pub struct BuildInfo(#[expect(dead_code, reason = "it never changes")] IntGauge);

impl Figure for BuildInfo {
    fn register(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Self> {
        let opts = Opts::new(name, help).const_label("version", env!("CARGO_PKG_VERSION"));
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

/// The labels of a review that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review(pub Entry, pub Outcome);

/// The outcome of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Allowed as it is.
    Allowed,
    /// Allowed with a patch.
    Stamped,
    /// Denied by a rule.
    Denied,
    /// Denied because it could not be decided.
    Undecidable,
    /// Denied because the namespace has a tenant's label, but no Tenant has it.
    NoTenant,
    /// Allowed without being judged, where the API server would go on anyway.
    Unjudged,
}

impl Outcome {
    fn of(verdict: &Verdict) -> Self {
        match (&verdict.denial, &verdict.patch) {
            (Some(Denial::Forbidden), _) => Self::Denied,
            (Some(Denial::Undecidable(Undecidable::NoTenant, _)), _) => Self::NoTenant,
            (Some(Denial::Undecidable(..)), _) => Self::Undecidable,
            (None, _) if verdict.is_unjudged => Self::Unjudged,
            (None, Some(_)) => Self::Stamped,
            (None, None) => Self::Allowed,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Stamped => "stamped",
            Self::Denied => "denied",
            Self::Undecidable => "undecidable",
            Self::NoTenant => "no_tenant",
            Self::Unjudged => "unjudged",
        }
    }
}

impl Review {
    /// Returns whether the entry can have the outcome.
    fn can_be(self) -> bool {
        match self.1 {
            Outcome::Stamped => self.0.phase() == Phase::Mutate,
            Outcome::NoTenant => self.0.is_of_tenants(),
            Outcome::Unjudged => self.0.goes_on_without_answer(),
            Outcome::Allowed | Outcome::Denied | Outcome::Undecidable => true,
        }
    }
}

impl Label for Review {
    const NAMES: &'static [&'static str] = &["endpoint", "verdict"];

    fn all() -> Vec<Self> {
        let outcomes = [
            Outcome::Allowed,
            Outcome::Stamped,
            Outcome::Denied,
            Outcome::Undecidable,
            Outcome::NoTenant,
            Outcome::Unjudged,
        ];
        let of = |entry| outcomes.map(|outcome| Self(entry, outcome));
        Entry::ALL.into_iter().flat_map(of).filter(|review| review.can_be()).collect()
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.0.path().trim_start_matches('/'), self.1.as_str()]
    }
}

impl Label for (RuleId, Mode) {
    const NAMES: &'static [&'static str] = &["rule", "mode"];

    fn all() -> Vec<Self> {
        // A rule in mode `off` doesn't run, so it has no violations to count.
        let of = |rule| [Mode::Deny, Mode::Warn, Mode::Audit].map(|mode| (rule, mode));
        RuleId::ALL.into_iter().flat_map(of).collect()
    }

    fn values(self) -> Vec<&'static str> {
        let mode = match self.1 {
            Mode::Off => "off",
            Mode::Audit => "audit",
            Mode::Warn => "warn",
            Mode::Deny => "deny",
        };
        vec![self.0.as_str(), mode]
    }
}

/// The reason that a request was answered without a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: the body is no review, or has no uid.
    NotAReview,
    /// 404: the path is no entry's.
    NoSuchPath,
    /// 405: only POST is served.
    NotPost,
    /// 408: the body did not arrive in time.
    TooSlow,
    /// 429: too many reviews are under way.
    TooMany,
    /// 503: there are no policies yet.
    NoPolicies,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::NotAReview, Self::NoSuchPath, Self::NotPost, Self::TooSlow, Self::TooMany, Self::NoPolicies];

    /// Returns its HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NotAReview => StatusCode::BAD_REQUEST,
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::NotPost => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NoPolicies => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Label for Refusal {
    const NAMES: &'static [&'static str] = &["code"];

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn values(self) -> Vec<&'static str> {
        vec![match self {
            Self::NotAReview => "400",
            Self::NoSuchPath => "404",
            Self::NotPost => "405",
            Self::TooSlow => "408",
            Self::TooMany => "429",
            Self::NoPolicies => "503",
        }]
    }
}

/// The stage of a connection that was closed because too many were in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// A connection that had sent nothing.
    Silent,
    /// A connection in its TLS handshake.
    Handshake,
    /// A connection over HTTP/1.1 that had completed no review.
    Http1,
    /// A connection over HTTP/2 that had completed no review.
    Http2,
}

impl Label for Dropped {
    const NAMES: &'static [&'static str] = &["stage"];

    fn all() -> Vec<Self> {
        vec![Self::Silent, Self::Handshake, Self::Http1, Self::Http2]
    }

    fn values(self) -> Vec<&'static str> {
        vec![match self {
            Self::Silent => "silent",
            Self::Handshake => "handshake",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        }]
    }
}

/// The result of a change of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It is in force.
    Taken,
    /// It is faulty, and the previous state stays in force.
    Refused,
}

impl Label for Reload {
    const NAMES: &'static [&'static str] = &["result"];

    fn all() -> Vec<Self> {
        vec![Self::Taken, Self::Refused]
    }

    fn values(self) -> Vec<&'static str> {
        vec![match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metrics: &Metrics) -> String {
        String::from_utf8(metrics.encode().unwrap()).unwrap()
    }

    #[test]
    fn every_series_is_there_from_the_start() {
        let text = text(&Metrics::new().unwrap());
        assert!(text.contains(r#"partywall_reviews_total{endpoint="mutate",verdict="stamped"} 0"#), "{text}");
        assert!(text.contains(r#"partywall_certificate_reloads_total{result="refused"} 0"#));
        let version = concat!(r#"partywall_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#);
        assert!(text.contains(version), "{text}");
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
