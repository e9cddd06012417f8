//! The labels of figures: enums, so that every series exists from the start.

use axum::http::StatusCode;
use partywall_core::api::Mode;
use partywall_core::rule_id::RuleId;
use partywall_core::verdict::{Denial, Undecidable, Verdict};
use partywall_core::{Entry, Phase};

use super::Label;

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
    /// Allowed without the patch that it would get if `node-placement` denied there.
    WouldStamp,
    /// Denied by a rule, or because another object names what is to be deleted.
    Denied,
    /// Denied because it could not be decided.
    Undecidable,
    /// Denied because the namespace has a tenant's label, but no Tenant has it.
    NoTenant,
    /// Allowed without being judged, where the API server would go on anyway, or where nothing is denied.
    Unjudged,
}

impl Outcome {
    pub(in crate::telemetry) fn of(verdict: &Verdict) -> Self {
        match (&verdict.denial, &verdict.patch) {
            (Some(Denial::Forbidden | Denial::Undecidable(Undecidable::InUse, _)), _) => Self::Denied,
            (Some(Denial::Undecidable(Undecidable::NoTenant, _)), _) => Self::NoTenant,
            (Some(Denial::Undecidable(..)), _) => Self::Undecidable,
            (None, _) if verdict.unjudged.is_some() => Self::Unjudged,
            (None, Some(_)) => Self::Stamped,
            (None, None) if verdict.placement.is_some() => Self::WouldStamp,
            (None, None) => Self::Allowed,
        }
    }

    pub(in crate::telemetry) fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Stamped => "stamped",
            Self::WouldStamp => "would_stamp",
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
            Outcome::Stamped | Outcome::WouldStamp => self.0.phase() == Phase::Mutate,
            Outcome::NoTenant => self.0.is_of_tenants(),
            Outcome::Unjudged | Outcome::Allowed | Outcome::Denied | Outcome::Undecidable => true,
        }
    }
}

impl Label for Review {
    const NAMES: &'static [&'static str] = &["endpoint", "verdict"];

    fn all() -> Vec<Self> {
        let outcomes = [
            Outcome::Allowed,
            Outcome::Stamped,
            Outcome::WouldStamp,
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
        let of = |rule| MODES.map(|mode| (rule, mode));
        RuleId::ALL.into_iter().flat_map(of).collect()
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.0.as_str(), mode_name(self.1)]
    }
}

/// A resource that is watched in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Node pools.
    NodePools,
    /// Tenants.
    Tenants,
    /// Classes of tenants.
    TenantClasses,
    /// Exemptions.
    Exemptions,
    /// Settings.
    Settings,
    /// Namespaces.
    Namespaces,
}

impl Label for Watched {
    const NAMES: &'static [&'static str] = &["resource"];

    fn all() -> Vec<Self> {
        vec![
            Self::NodePools,
            Self::Tenants,
            Self::TenantClasses,
            Self::Exemptions,
            Self::Settings,
            Self::Namespaces,
        ]
    }

    fn values(self) -> Vec<&'static str> {
        vec![match self {
            Self::NodePools => "nodepools",
            Self::Tenants => "tenants",
            Self::TenantClasses => "tenantclasses",
            Self::Exemptions => "exemptions",
            Self::Settings => "settings",
            Self::Namespaces => "namespaces",
        }]
    }
}

/// A task that follows a cluster, or writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Keeps the certificates.
    Authority,
    /// Says whether callers trust the certificate.
    CertificateReadiness,
    /// Compares the CustomResourceDefinitions.
    Definitions,
    /// Writes events.
    Events,
    /// Writes the labels of Namespaces.
    Labels,
    /// Keeps the Leases.
    Leases,
    /// Asks for the newest Tenant.
    NewestTenant,
    /// Tells that the registration is paused.
    Pause,
    /// Keeps the webhook configurations.
    Registration,
    /// Follows the file with default Settings.
    SettingsFile,
    /// Compiles snapshots.
    Snapshots,
    /// Writes statuses.
    Statuses,
    /// Follows the objects of a kind.
    Watch,
    /// Says whether this replica serves all webhooks that are registered.
    WebhookReadiness,
}

impl Task {
    /// Returns its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::CertificateReadiness => "certificate_readiness",
            Self::Definitions => "definitions",
            Self::Events => "events",
            Self::Labels => "labels",
            Self::Leases => "leases",
            Self::NewestTenant => "newest_tenant",
            Self::Pause => "pause",
            Self::Registration => "registration",
            Self::SettingsFile => "settings_file",
            Self::Snapshots => "snapshots",
            Self::Statuses => "statuses",
            Self::Watch => "watch",
            Self::WebhookReadiness => "webhook_readiness",
        }
    }
}

impl Label for Task {
    const NAMES: &'static [&'static str] = &["task"];

    fn all() -> Vec<Self> {
        vec![
            Self::Authority,
            Self::CertificateReadiness,
            Self::Definitions,
            Self::Events,
            Self::Labels,
            Self::Leases,
            Self::NewestTenant,
            Self::Pause,
            Self::Registration,
            Self::SettingsFile,
            Self::Snapshots,
            Self::Statuses,
            Self::Watch,
            Self::WebhookReadiness,
        ]
    }

    fn values(self) -> Vec<&'static str> {
        vec![self.as_str()]
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

/// The modes of violations; a rule in mode `off` doesn't run, so it has none to count.
pub(super) const MODES: [Mode; 3] = [Mode::Deny, Mode::Warn, Mode::Audit];

/// Returns the name of a mode, as people write it in policies.
pub(crate) const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off",
        Mode::Audit => "audit",
        Mode::Warn => "warn",
        Mode::Deny => "deny",
    }
}

/// What is loaded from files, and loaded again when they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// The serving certificate and the client CA.
    Certificates,
    /// The policies.
    Policies,
}

impl Label for Loads {
    const NAMES: &'static [&'static str] = &["of"];

    fn all() -> Vec<Self> {
        vec![Self::Certificates, Self::Policies]
    }

    fn values(self) -> Vec<&'static str> {
        vec![match self {
            Self::Certificates => "certificates",
            Self::Policies => "policies",
        }]
    }
}

/// A certificate, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFile {
    /// The serving certificate and its chain.
    Serving,
    /// The CAs of clients.
    ClientCa,
    /// The CA of the serving certificate, in a cluster.
    CurrentCa,
    /// The CA that signs after it, if it is partywall's own.
    NextCa,
}

impl Label for CertificateFile {
    const NAMES: &'static [&'static str] = &["certificate"];

    fn all() -> Vec<Self> {
        vec![Self::Serving, Self::ClientCa, Self::CurrentCa, Self::NextCa]
    }

    fn values(self) -> Vec<&'static str> {
        vec![match self {
            Self::Serving => "serving",
            Self::ClientCa => "client_ca",
            Self::CurrentCa => "current_ca",
            Self::NextCa => "next_ca",
        }]
    }
}
