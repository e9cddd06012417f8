//! Claims to hosts, whatever kind of object makes them: a host is its tenant's, or the claim is a violation.

use std::cell::OnceCell;
use std::fmt;

use crate::hosts::{Domains, Host, HostError};
use crate::json::Cut;
use crate::judging::Findings;

/// Judges claims to hosts.
pub(crate) struct Claims<'c, 'f> {
    domains: &'c Domains,
    /// The domains as a message lists them.
    listed: OnceCell<String>,
    /// Where violations go.
    pub(crate) findings: &'c mut Findings<'f>,
}

impl<'c, 'f> Claims<'c, 'f> {
    /// Claims that are held to `domains`.
    pub(crate) fn on(domains: &'c Domains, findings: &'c mut Findings<'f>) -> Self {
        Self { domains, listed: OnceCell::new(), findings }
    }

    /// A claim to `host`; `source` is what makes it, which is part of what it is by value.
    pub(crate) fn host(&mut self, field: &dyn fmt::Display, source: &str, host: &str) {
        self.claim(field, host, &format_args!("{source}={host}"));
    }

    /// A claim to `host` as the Gateway API reads it: `*.d` is every name below `d`, however deep. Whether it is a
    /// violation that counts.
    pub(crate) fn host_and_below(
        &mut self,
        field: &dyn fmt::Display,
        source: &dyn fmt::Display,
        host: &str,
    ) -> bool {
        let identity = format_args!("{source}={host}");
        let parsed = Host::parse(host);
        let base = match &parsed {
            Ok(one_label @ Host::Wildcard(base))
                if self.domains.owns(one_label) && !self.domains.owns_all_below(base) =>
            {
                Cut(base)
            }
            _ => return self.claim(field, host, &identity),
        };
        let message = format_args!(
            "`*.{base}` stands for hosts at any depth here, not for one label, and not all of them are the tenant's; \
             list the hosts one by one, or ask the platform team for `**.{base}`"
        );
        self.findings.add_whole(field, &message, &identity)
    }

    fn claim(&mut self, field: &dyn fmt::Display, host: &str, identity: &dyn fmt::Display) -> bool {
        match Host::parse(host) {
            Ok(parsed) if self.domains.owns(&parsed) => false,
            Ok(_) => self.blame(field, &format_args!("`{}` is not the tenant's", Cut(host)), identity),
            Err(error @ HostError::Empty) => self.blame(field, &error, identity),
            Err(error) => self.blame(field, &format_args!("`{}`: {error}", Cut(host)), identity),
        }
    }

    /// A problem that a host of the tenant's own would solve.
    pub(crate) fn advise(
        &mut self,
        field: &dyn fmt::Display,
        problem: &dyn fmt::Display,
        identity: &dyn fmt::Display,
    ) {
        self.blame(field, problem, identity);
    }

    /// As [`Self::advise`]; whether it counts.
    pub(crate) fn blame(
        &mut self,
        field: &dyn fmt::Display,
        problem: &dyn fmt::Display,
        identity: &dyn fmt::Display,
    ) -> bool {
        /// How many domains a message lists.
        const LISTED: usize = 5;
        let Self { domains, listed, findings } = self;
        let advice = || {
            let domains = domains.list();
            if domains.is_empty() {
                return "the tenant has no domains, ask the platform team for one".to_owned();
            }
            let listed: Vec<_> = domains.iter().take(LISTED).map(|domain| format!("`{domain}`")).collect();
            let more = if domains.len() > LISTED { " and more" } else { "" };
            format!("use a host of its domains: {}{more}", listed.join(", "))
        };
        let message = fmt::from_fn(|f| write!(f, "{problem}; {}", listed.get_or_init(advice)));
        findings.add_whole(field, &message, identity)
    }
}
